"""Studies: create, look at the plan, freeze, open, close, copy; the same functions for pages and for the command line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, select

from annotate_app.design import DESIGN_VERSION, RATED, Image, Rules, check_rules, fitting_rules, make_plan, plan_sha256
from annotate_app.design_proof import proof, rules_values
from annotate_app.protocol import complete_draft
from annotate_app.selection import Chosen, choose, panel_images
from annotate_app.study_store import Preview, store
from db.engine import reading, writing
from db.models import Study, StudyVersion
from db.queries import studies as queries
from db.types import now
from workspace.errors import StudyFault
from workspace.files import link_or_copy, lock, need_space, sha256_bytes, sha256_file, sweep, write_json
from workspace.settings import Workspace

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def create(session: Session, name: str, **said: Any) -> Study:
    """A new study with its draft checked. Raises StudyFault for a bad or taken name, or a wrong setting."""
    if not NAME.fullmatch(name):
        raise StudyFault(f"{name!r} is no name for a study: 1 to 60 letters, digits, - and _ were expected (it becomes a folder)")
    if session.exec(select(Study).where(Study.name == name)).first():
        raise StudyFault(f"there is a study {name!r} already: choose another name, or see `dermiqa study status {name}`")
    study = Study(name=name, draft=complete_draft(said))
    session.add(study)
    session.flush()
    return study


def change(session: Session, name: str, **said: Any) -> Study:
    """Change the draft of a study that isn't open. Raises StudyFault."""
    study = queries.named(session, name)
    if study.state == "open":
        raise StudyFault(f"the study {name!r} is open: close it first; a change after freezing makes a new version")
    study.draft = complete_draft({**study.draft, **said})
    session.add(study)
    return study


def copy(session: Session, name: str, new_name: str) -> Study:
    """A new draft with the settings of another study."""
    return create(session, new_name, **queries.named(session, name).draft)


def preview(workspace: Workspace, draft: Mapping[str, Any], most: int | None = None) -> Preview:
    """What a draft would freeze, without writing anything. A plan of more than `most` presentations is not made, only measured
    (`unmade`). Raises StudyFault."""
    whole = complete_draft(draft)
    seed = workspace.settings.seed if whole["seed"] is None else int(whole["seed"])
    chosen = choose(workspace, whole, seed)
    wanted = [(panel, images := panel_images(chosen, panel, seed), _rules(whole, panel, images)) for panel in whole["panels"]]
    shown = sum(math.ceil(rated_count(images) / rules.blocks) * rules.take * panel["target"] for panel, images, rules in wanted)
    if most is not None and shown > most:
        for _, images, rules in wanted:
            check_rules(images, rules)
        return Preview(whole, seed, chosen, [], [], shown)
    question = whole["questions"][0]
    plans = [make_plan(images, rules, panel["target"], seed, panel["name"]) for panel, images, rules in wanted]
    return Preview(whole, seed, chosen, plans, [proof(plan, question["low"], question["high"]) for plan in plans])


def rated_count(images: Sequence[Image]) -> int:
    """How many images count."""
    return sum(1 for image in images if image.role in RATED)


def _rules(draft: Mapping[str, Any], panel: Mapping[str, Any], images: Sequence[Image]) -> Rules:
    keys = ("blocks", "take", "per_sitting", "together", "repeats", "gold", "stabilising")
    said = {key: panel[key] if panel[key] is not None else draft[key] for key in keys}
    said |= {key: draft[key] for key in ("distance", "references_everywhere", "seconds")}
    said["stabilising"] = tuple(said["stabilising"])
    return fitting_rules(rated_count(images), **said)


def freeze(workspace: Workspace, engine: Engine, name: str) -> StudyVersion:
    """Freeze a draft for good: files into studies/NAME/stimuli, plan and hash into the database. Raises StudyFault."""
    with reading(engine) as session:
        study = queries.named(session, name)
        if study.state == "open":
            raise StudyFault(f"the study {name!r} is open: close it before freezing another version")
        before = queries.latest_version(session, study)
        draft, number, last = study.draft, (before.version + 1 if before else 1), before.sha256 if before else ""
    looked = preview(workspace, draft)
    if looked.violations:
        faults = {k: v for p in looked.proofs for k, v in p["violations"].items() if v}
        raise StudyFault(
            f"the plan of {name!r} breaks its rules ({faults}): change blocks or contents, see `dermiqa study plan {name}`"
        )
    with lock(workspace.study(name), "freeze", doing=f"freezing {name}"):
        files = _freeze_files(workspace, name, looked.chosen)
        protocol = _protocol(looked)
        version = _version(looked, protocol, files, number)
        if version.sha256 == last:
            raise StudyFault(f"version {number - 1} of {name!r} is frozen with just this content: nothing has changed")
        with writing(engine) as session:
            held = _unchanged(session, name, looked)
            store(session, looked, version, held, files)
            session.expunge(version)
        write_json(workspace.study(name) / f"protocol-{number}.json", _record(version))
    return version


def _freeze_files(workspace: Workspace, name: str, chosen: Sequence[Chosen]) -> dict[str, str]:
    """Link or copy each image once, named by image and hash, and check its bytes; gives name -> file."""
    folder = workspace.study(name) / "stimuli"
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    need_space(folder, sum(int(c.row["bytes"] or 0) for c in chosen if not (folder / file_name(c)).exists()), f"freezing {name}")
    files: dict[str, str] = {}
    for item in chosen:
        source, target = workspace.root / item.row["file"], folder / file_name(item)
        if not target.exists():
            if not source.is_file():
                raise StudyFault(f"{item.row['file']} is listed in manifest.csv but missing: run `dermiqa distort` again")
            link_or_copy(source, target)
        if sha256_file(target) != item.row["sha256"]:
            raise StudyFault(f"{target}: its bytes differ from manifest.csv: run `dermiqa verify`, then `dermiqa distort` again")
        files[item.image.name] = target.name
    return files


def file_name(item: Chosen) -> str:
    """The name of a frozen file: the image's name and the start of its hash."""
    return f"{item.image.name}-{item.row['sha256'][:8]}.png"


def _unchanged(session: Session, name: str, looked: Preview) -> Study:
    """The study, unless somebody changed its draft while it was planned. Raises StudyFault."""
    study = queries.named(session, name)
    if study.state == "open" or complete_draft(study.draft) != looked.draft:
        raise StudyFault(f"the study {name!r} was changed meanwhile: freeze it again")
    return study


def _protocol(looked: Preview) -> dict[str, Any]:
    """What is frozen beside the plan: every setting, and what the plan is derived from."""
    derived = {plan.panel: {"rules": rules_values(plan.rules), "rows": len(plan.rows)} for plan in looked.plans}
    panels = {plan.panel: sorted({i.content for i in plan.images if i.role in RATED}) for plan in looked.plans}
    gold = {
        c.image.name: {"expected": c.expected, "tolerance": c.tolerance, "by": c.said_by} for c in looked.chosen if c.expected
    }
    return {**looked.draft, "seed": looked.seed, "derived": derived, "panel_contents": panels, "gold_said": gold}


def image_line(sha256: str, role: str, content: str, expected: float | None, tolerance: float | None) -> str:
    """What is frozen of an image beside its name, as one line."""
    return f"{sha256} {role} {content} {expected} {tolerance}"


def files_sha256(lines: Mapping[str, str]) -> str:
    """SHA-256 over `name line` of all images (`image_line`), sorted by name."""
    return sha256_bytes("".join(f"{name} {lines[name]}\n" for name in sorted(lines)).encode())


def version_sha256(protocol: Mapping[str, Any], seed: int, plan: str, files: str, design_version: str) -> str:
    """The hash of a frozen version: protocol, seed, design version, plan and files."""
    whole = {"protocol": protocol, "seed": seed, "design_version": design_version, "plan": plan, "files": files}
    return sha256_bytes(json.dumps(whole, sort_keys=True, ensure_ascii=False, allow_nan=False).encode())


def _version(looked: Preview, protocol: dict[str, Any], files: Mapping[str, str], number: int) -> StudyVersion:
    plan = plan_sha256(looked.plans)
    held = files_sha256(
        {c.image.name: image_line(c.row["sha256"], c.image.role, c.image.content, c.expected, c.tolerance) for c in looked.chosen}
    )
    return StudyVersion(
        study_id=0, version=number, protocol=protocol, seed=looked.seed, design_version=DESIGN_VERSION, plan_sha256=plan, files_sha256=held,
        sha256=version_sha256(protocol, looked.seed, plan, held, DESIGN_VERSION), proof={"panels": looked.proofs},
    )  # fmt: skip


def _record(version: StudyVersion) -> dict[str, Any]:
    """The version as it is written beside its files, for people."""
    return version.model_dump(mode="json", exclude={"id", "study_id"})


def open_study(session: Session, name: str) -> Study:
    """Let observers in. Raises StudyFault unless the study is frozen or closed."""
    study = queries.named(session, name)
    queries.frozen_version(session, study)
    if study.state == "open":
        raise StudyFault(f"the study {name!r} is open already")
    study.state, study.opened, study.closed = "open", study.opened or now(), None
    session.add(study)
    return study


def close_study(session: Session, name: str) -> Study:
    """Take no more votes. Raises StudyFault unless the study is open."""
    study = queries.named(session, name)
    if study.state != "open":
        raise StudyFault(f"the study {name!r} is {study.state}, not open")
    study.state, study.closed = "closed", now()
    session.add(study)
    return study


def frozen_file(workspace: Workspace, study: str, file: str) -> Path:
    """Where a frozen image lies."""
    return workspace.study(study) / "stimuli" / file
