"""Each export read back by the program that it is for."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mos.exports.formats import FORMATS, export
from mos.exports.study import StudyData, votes_hash
from mos.exports.tables import Options
from tests.mos.studies import VARIANTS, small_study
from workspace.errors import StudyFault

SUREAL = """
import json, sys
from sureal.routine import run_subjective_models
from sureal.subjective_model import MosModel
from sureal.subjective_model import MaximumLikelihoodEstimationModelContentObliviousAlternativeProjection2 as P910
_, _, results = run_subjective_models(dataset_filepath=sys.argv[1], subjective_model_classes=[MosModel, P910], do_plot=[])
print("RESULT" + json.dumps([[float(v) for v in r["quality_scores"]] for r in results]))
"""


def first_votes(study: StudyData, panel: str) -> pd.DataFrame:
    """First presentations of one panel, images by observers."""
    votes = study.select(panel)
    return votes.loc[votes["rep"] == 0].pivot(index="stimulus", columns="observer", values="score")


def test_parquet_keeps_every_vote(tmp_path: Path) -> None:
    """Votes read from Parquet have the study's hash."""
    study = small_study(tmp_path)
    export(study, "parquet", tmp_path / "out")
    assert votes_hash(pd.read_parquet(tmp_path / "out" / "votes.parquet")) == study.votes_hash
    assert len(pd.read_parquet(tmp_path / "out" / "scores.parquet")) == 40


def test_json_keeps_every_vote(tmp_path: Path) -> None:
    """The JSON is strict (no NaN), says that votes are simulated, and its votes have the study's hash."""
    study = small_study(tmp_path)
    export(study, "json", tmp_path / "out")
    text = (tmp_path / "out" / "study.json").read_text()
    document = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    assert votes_hash(pd.DataFrame(document["votes"])) == study.votes_hash == document["votes_sha256"]
    assert document["simulated"] is True
    assert str(tmp_path) not in text


def test_pyiqa_reads_both_forms(tmp_path: Path) -> None:
    """pyiqa's own data sets open images, scores and splits, without and with references; every image is in one part of a split."""
    without = pytest.importorskip("pyiqa.data.general_nr_dataset").GeneralNRDataset
    with_pairs = pytest.importorskip("pyiqa.data.general_fr_dataset").GeneralFRDataset
    study = small_study(tmp_path, contents=12)
    export(study, "pyiqa", tmp_path / "out", Options(panel="lay"))
    said = {"dataroot_target": str(tmp_path / "out" / "images"), "augment": None, "mos_range": [1, 10], "lower_better": False,
            "mos_normalize": True, "split_index": 1, "split_ratio": "712"}  # fmt: skip
    for kind, name, count in ((without, "meta_info_small.csv", 60), (with_pairs, "meta_info_small_fr.csv", 48)):
        parts = [
            kind({**said, "phase": phase, "meta_info_file": str(tmp_path / "out" / name)}) for phase in ("train", "val", "test")
        ]
        assert all(len(part) for part in parts)
        assert sum(map(len, parts)) == count
        assert all(0 <= float(part[0]["mos_label"]) <= 1 for part in parts)


def test_the_dataset_library_opens_the_image_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` reads images and scores without network."""
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    study = small_study(tmp_path)
    export(study, "huggingface", tmp_path / "out")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import datasets

        datasets.disable_progress_bars()
        loaded = datasets.load_dataset(
            "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="train"
        )
        rows = [(row["sha256"], row["mos"], row["image"].size) for row in loaded]
    lay = study.scores().query("panel == 'lay'").merge(study.stimuli, on="stimulus").set_index("sha256")["mos"]
    assert len(rows) == 20
    assert all(size == (8, 8) and mos == pytest.approx(lay[digest]) for digest, mos, size in rows)
    assert "- simulated" in (tmp_path / "out" / "README.md").read_text()


def test_croissant_is_valid_and_reads_records(tmp_path: Path) -> None:
    """mlcroissant finds no fault and yields the scores."""
    study = small_study(tmp_path)
    export(study, "croissant", tmp_path / "out")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlcroissant

        data = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
        assert not data.metadata.ctx.issues.errors
        records = list(data.records("scores"))
    assert len(records) == 40
    assert {round(r["scores/mos"], 9) for r in records} == {round(v, 9) for v in study.scores()["mos"]}


def test_kadid_layout_has_its_names_and_numbers(tmp_path: Path) -> None:
    """dmos.csv has KADID's columns and names; var is the standard deviation with ddof 0; each file is the right image."""
    study = small_study(tmp_path)
    study.stimuli.loc[study.stimuli["axis"] == "jpeg", "kadid_type"] = 10
    out = tmp_path / "out"
    export(study, "kadid", out)
    table = pd.read_csv(out / "dmos.csv")
    assert list(table.columns) == ["dist_img", "ref_img", "dmos", "var"]
    assert len(table) == 4 * len(VARIANTS)
    assert all(re.fullmatch(r"I\d\d_\d\d_\d\d\.png", name) for name in table["dist_img"])
    assert (table["dist_img"].str[:3] == table["ref_img"].str[:3]).all()
    names = pd.read_csv(out / "names.csv").set_index("file")["image"]
    wide = first_votes(study, "lay")
    for name, dmos, spread in table[["dist_img", "dmos", "var"]].itertuples(index=False):
        votes = wide.loc[names[name].removesuffix(".png")]
        assert (dmos, spread) == pytest.approx((votes.mean(), votes.std(ddof=0)))
        assert (out / "images" / name).read_bytes() == (tmp_path / names[name]).read_bytes()


def test_kadid_keeps_own_names_where_types_are_unknown(tmp_path: Path) -> None:
    """Without types and levels that tell images apart the names stay; without references there is no such layout."""
    study = small_study(tmp_path)
    study.stimuli["kadid_type"] = np.nan
    export(study, "kadid", tmp_path / "out")
    assert "P0000_blur_1.png" in set(pd.read_csv(tmp_path / "out" / "dmos.csv")["dist_img"])
    study.stimuli["is_ref"] = False
    with pytest.raises(StudyFault, match="no distorted image has a reference"):
        export(study, "kadid", tmp_path / "none")


def test_spss_and_r_scripts_name_every_column_in_order(tmp_path: Path) -> None:
    """Scripts and codebook cover exactly the columns of each CSV, in its order."""
    export(small_study(tmp_path), "spss", tmp_path / "out")
    book = pd.read_csv(tmp_path / "out" / "codebook.csv")
    syntax, script = ((tmp_path / "out" / name).read_text() for name in ("read.sps", "read.R"))
    assert book["meaning"].notna().all()
    for table in ("votes", "stimuli", "scores"):
        columns = list(pd.read_csv(tmp_path / "out" / f"{table}.csv", nrows=0).columns)
        assert set(book.loc[book["table"] == f"{table}.csv", "column"]) == set(columns)
        block = syntax[syntax.index(f"/FILE='{table}.csv'") :]
        variables = block[block.index("/VARIABLES=") : block.index(f"DATASET NAME {table}.")]
        assert re.findall(r"^  (\w+) [AF]\d", variables, flags=re.MULTILINE) == columns
        line = next(row for row in script.splitlines() if row.startswith(f"{table} <-"))
        assert re.findall(r"(\w+) = '(?:character|numeric|integer)'", line) == columns


PROBE_R = """
source("read.R")
cat("RESULT", nrow(votes), nrow(stimuli), nrow(scores), sprintf("%.9f", mean(scores$mos)), attr(votes$score, "label"), sep = "\\t")
"""
PROBE_SPSS = """
INCLUDE FILE='read.sps'.
GET FILE='votes.sav'.
SAVE TRANSLATE /OUTFILE='back.csv' /TYPE=CSV /FIELDNAMES /CELLS=LABELS /REPLACE.
GET FILE='scores.sav'.
SAVE TRANSLATE /OUTFILE='scores_back.csv' /TYPE=CSV /FIELDNAMES /REPLACE.
"""


def ran(program: str, words: list[str], place: Path) -> str:
    """What a program of the system says in a folder; the test is left out where it is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here")
    done = subprocess.run([program, *words], capture_output=True, text=True, cwd=place, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_r_reads_the_export(tmp_path: Path) -> None:
    """R itself runs read.R: every row is there, the scores' mean is the same, a column bears its meaning."""
    study = small_study(tmp_path)
    export(study, "spss", tmp_path / "out")
    (tmp_path / "out" / "probe.R").write_text(PROBE_R)
    said = ran("Rscript", ["--vanilla", "probe.R"], tmp_path / "out")
    found = next(line for line in said.splitlines() if line.startswith("RESULT")).split("\t")[1:]
    scores = study.scores()
    assert [int(word) for word in found[:3]] == [len(study.votes), len(study.stimuli), len(scores)]
    assert float(found[3]) == pytest.approx(scores["mos"].mean(), abs=1e-8)
    assert found[4] == "the vote, in the units of its question"


def test_pspp_reads_the_export(tmp_path: Path) -> None:
    """PSPP, which speaks SPSS's language, runs read.sps without a warning; the saved tables hold every vote, named, and every score."""
    study = small_study(tmp_path)
    export(study, "spss", tmp_path / "out")
    (tmp_path / "out" / "probe.sps").write_text(PROBE_SPSS)
    said = ran("pspp", ["-O", "format=txt", "probe.sps"], tmp_path / "out")
    assert "error" not in said
    assert "warning" not in said
    votes = pd.read_csv(tmp_path / "out" / "back.csv")
    assert len(votes) == len(study.votes)
    assert set(votes["simulated"]) == {"model observer"}
    assert (votes["score"] == "bad").sum() == (study.votes["score"] == 1).sum() > 0
    back, scores = pd.read_csv(tmp_path / "out" / "scores_back.csv"), study.scores()
    assert list(back["stimulus"]) == list(scores["stimulus"])
    np.testing.assert_allclose(back["mos"], scores["mos"], atol=1e-5)


def test_the_zip_checks_itself_and_repeats(tmp_path: Path) -> None:
    """Every member matches checksums.sha256, closed images stay out, votes keep their hash, a second run is the same file."""
    study = small_study(tmp_path, closed=1)
    path = export(study, "zip", tmp_path / "a")[0]
    again = export(study, "zip", tmp_path / "b")[0]
    assert path.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(path) as archive:
        sums = dict(line.split("  ")[::-1] for line in archive.read("checksums.sha256").decode().splitlines())
        assert set(sums) == set(archive.namelist()) - {"checksums.sha256"}
        assert all(hashlib.sha256(archive.read(name)).hexdigest() == digest for name, digest in sums.items())
        assert sum(name.startswith("images/") for name in sums) == 15
        archive.extract("votes.csv", tmp_path / "x")
        protocol = json.loads(archive.read("protocol.json"))
        assert not any(str(tmp_path) in archive.read(name).decode() for name in sums if not name.startswith("images/"))
        licences = archive.read("licences.csv").decode()
    from mos.exports import long

    assert votes_hash(long.read(tmp_path / "x" / "votes.csv")) == protocol["votes_sha256"] == study.votes_hash
    assert "CC0-1.0" in licences
    whole = export(study, "zip", tmp_path / "c", Options(include_closed=True))[0]
    with zipfile.ZipFile(whole) as archive:
        assert sum(name.startswith("images/") for name in archive.namelist()) == 20


def test_every_format_writes_something_and_says_simulated(tmp_path: Path) -> None:
    """Each format works on a study of model observers, and one of its files says that they are simulated."""
    study = small_study(tmp_path)
    for name in FORMATS:
        made = export(study, name, tmp_path / name)
        assert all(path.exists() for path in made), name
        files = [p for p in (tmp_path / name).rglob("*") if p.suffix in (".csv", ".json", ".md", ".jsonl", ".sps")]
        said = any("simulated" in p.read_text().lower() for p in files)
        assert said or name in ("matrix", "parquet", "zip"), name


@pytest.fixture(scope="session")
def sureal_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of its own with sureal; the test is skipped where pip can't give it."""
    folder = tmp_path_factory.mktemp("sureal")
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=120)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "numpy<2", "sureal"]
        subprocess.run(pip, check=True, capture_output=True, timeout=300)
    except (subprocess.SubprocessError, OSError) as fault:
        pytest.skip(f"sureal can't be installed here: {type(fault).__name__}")
    return folder / "bin" / "python"


@pytest.mark.slow
def test_sureal_gives_the_same_scores(tmp_path: Path, sureal_python: Path) -> None:
    """sureal reads the JSON; its MOS and its P.910 fit are ours to 1e-9, in the same order of images."""
    study = small_study(tmp_path)
    export(study, "sureal", tmp_path / "out", Options(panel="lay"))
    (tmp_path / "run.py").write_text(SUREAL)
    command = [str(sureal_python), str(tmp_path / "run.py"), str(tmp_path / "out" / "dataset.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    mos, fitted = json.loads(done.stdout.split("RESULT")[1])
    wide = first_votes(study, "lay").loc[list(study.stimuli["stimulus"])]
    assert mos == pytest.approx(wide.mean(axis=1).tolist(), abs=1e-9)
    from mos.models import fit
    from mos.votes import from_matrix

    assert fitted == pytest.approx(fit("P910_AP2", from_matrix(wide.to_numpy(), 1, 10)).score.tolist(), abs=1e-9)
