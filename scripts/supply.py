"""What is installed: licences with the native parts in wheels, a bill of materials (CycloneDX), and known weaknesses of locked versions.

Use: python scripts/supply.py licences > docs/licences.md; python scripts/supply.py sbom > deploy/sbom.json
     python scripts/supply.py advisories SOURCE

SOURCE holds records in the OSV format (osv.dev): a JSON file, a folder or a ZIP of them, or the address of a service with its interface.
It ends with 0 when no locked version is affected, 1 when one is, 2 when the source could not be read (then nothing was checked).
"""

from __future__ import annotations

import json
import re
import sys
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
NATIVE = re.compile(r"\.(so|dylib|dll|pyd)(\.\d+)*$")
FAMILIES = (
    ("AGPL", r"affero|\bagpl"),
    ("LGPL", r"lesser|\blgpl"),
    ("GPL", r"\bgpl|gnu general public"),
    ("MPL-2.0", r"mpl|mozilla"),
    ("Apache-2.0", r"apache"),
    ("BSD", r"bsd|0bsd"),
    ("MIT", r"\bmit\b|mit license|mit-cmu|hpnd"),
    ("PSF-2.0", r"psf|python software foundation"),
    ("ISC", r"\bisc"),
    ("Unlicense", r"unlicense|public domain|cc0"),
)
NATIVE_LICENCES = (
    (r"libgfortran", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    (r"libquadmath", "LGPL-2.1-or-later"),
    (r"lib(scipy_)?openblas.*", "BSD-3-Clause"),
    (r"lib(aom|avif|vpx|webp.*|sharpyuv)", "BSD-2-Clause or BSD-3-Clause"),
    (r"lib(avcodec|avformat|avutil|swresample|swscale)", "LGPL-2.1-or-later"),
    (r"lib(drm|Xau|xcb|harfbuzz|lcms2|brotlicommon|brotlidec)", "MIT"),
    (r"libpng16", "libpng-2.0"),
    (r"libfreetype", "FTL (BSD-like), chosen from FTL OR GPL-2.0"),
    (r"libjpeg", "IJG AND BSD-3-Clause AND Zlib"),
    (r"liblzma", "0BSD"),
    (r"libopenjp2", "BSD-2-Clause"),
    (r"libtiff", "libtiff (BSD-like)"),
    (r"libzstd", "BSD-3-Clause, chosen from BSD-3-Clause OR GPL-2.0"),
    (r"lib(de265|heif)", "LGPL-3.0-or-later"),
    (r"lib(com_err|gssapi_krb5|k5crypto|krb5|krb5support)", "MIT"),
    (r"lib(crypto|ssl)", "Apache-2.0"),
    (r"lib(crypt|keyutils)", "LGPL-2.1-or-later"),
    (r"lib(ldap|lber)", "OLDAP-2.8"),
    (r"libpq", "PostgreSQL"),
    (r"libsasl2", "BSD with attribution (CMU)"),
)


def locked(lock: Path = LOCK) -> dict[str, str]:
    """Names and versions of a lock that are installed here; the lock itself holds the hashes."""
    heads = re.findall(r"(?m)^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==(\S+)", lock.read_text(encoding="utf-8"))
    return {name: version for name, version in heads if installed(name, version)}


def installed(name: str, version: str) -> Distribution | None:
    """The distribution, when this version is installed here."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    return found if found.version == version else None


def licence(found: Distribution) -> str:
    """The licence in a few words: the expression, else the classifiers, else the field's first line."""
    data = found.metadata
    said = data.get("License-Expression")
    if said:
        return str(said)
    classes = [c.split("::")[-1].strip() for c in data.get_all("Classifier") or [] if c.startswith("License ::")]
    words = [c for c in classes if c != "OSI Approved"]
    lines = (data.get("License") or "").strip().splitlines() or licence_file(found)
    return ", ".join(words) or (lines[0].strip() if lines else "not stated")


def licence_file(found: Distribution) -> list[str]:
    """The lines of the licence file in a wheel, when it carries one."""
    names = [f for f in found.files or [] if re.search(r"dist-info/(licenses/)?licen[cs]e", str(f), re.IGNORECASE)]
    return str(names[0].read_text()).strip().splitlines() if names else []


def families(text: str) -> list[str]:
    """The licence families that a text names."""
    low = text.lower()
    found = [name for name, pattern in FAMILIES if re.search(pattern, low)]
    return [f for f in found if not (f == "GPL" and ("LGPL" in found or "AGPL" in found))]


def native_parts(found: Distribution) -> list[str]:
    """Libraries of others that a wheel carries (in its NAME.libs folder), without their hashes."""
    names = {Path(str(f)).name for f in found.files or [] if NATIVE.search(str(f)) and ".libs/" in str(f)}
    return sorted({re.sub(r"(-[0-9a-f]{8})+(?=\.|$)", "", re.split(r"\.so|\.dylib|\.dll", name)[0]) for name in names})


def native_licence(part: str) -> str:
    """The licence of a library in a wheel, as its authors state it; empty when it is not stated here."""
    return next((said for pattern, said in NATIVE_LICENCES if re.fullmatch(pattern, part)), "")


def licences() -> str:
    """The page docs/licences.md."""
    rows = [
        "# Licences of what is installed",
        "",
        "Generated by `scripts/docs` from `requirements.lock` (the install without torch).",
        "",
    ]
    rows += ["| package | version | licence | native parts in its wheel |", "|---|---|---|---|"]
    for name, version in sorted(locked().items()):
        found = installed(name, version)
        if found is not None:
            rows.append(f"| {name} | {version} | {licence(found)} | {', '.join(native_parts(found))} |")
    parts = sorted(
        {part for name, version in locked().items() if (found := installed(name, version)) for part in native_parts(found)}
    )
    rows += ["", "| native part | licence |", "|---|---|", *(f"| {part} | {native_licence(part)} |" for part in parts)]
    return "\n".join(rows) + "\n"


def sbom() -> str:
    """A CycloneDX 1.5 bill of materials of the same."""
    parts = [
        {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "licenses": [{"license": {"name": licence(found)}}],
            "components": [
                {"type": "library", "name": part, "licenses": [{"license": {"name": native_licence(part)}}]}
                for part in native_parts(found)
            ],
        }
        for name, version in sorted(locked().items())
        if (found := installed(name, version)) is not None
    ]
    head = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1}
    return json.dumps({**head, "components": parts}, indent=1) + "\n"


class NotRead(Exception):
    """The source of advisories could not be read."""


def pins(lock: Path = LOCK) -> dict[str, str]:
    """Names and versions of a lock, whatever is installed here."""
    return dict(re.findall(r"(?m)^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", lock.read_text(encoding="utf-8")))


def advisories(source: str, wanted: dict[str, str]) -> dict[str, list[str]]:
    """Names of packages whose locked version is affected, with the advisories' ids. Raises NotRead."""
    found = asked(source, wanted) if source.startswith(("http://", "https://")) else known(records(Path(source)), wanted)
    return {name: sorted(ids) for name, ids in sorted(found.items())}


def records(source: Path) -> Iterator[dict[str, Any]]:
    """The records of a file, a folder or a ZIP, withdrawn ones left out. Raises NotRead."""
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                texts = [archive.read(name) for name in archive.namelist() if name.endswith(".json")]
        else:
            texts = [file.read_bytes() for file in (sorted(source.rglob("*.json")) if source.is_dir() else [source])]
        for text in texts:
            said = json.loads(text)
            yield from (record for record in (said if isinstance(said, list) else [said]) if not record.get("withdrawn"))
    except (OSError, ValueError, zipfile.BadZipFile) as fault:
        raise NotRead(f"{source}: {fault}") from None


def known(found: Iterable[dict[str, Any]], wanted: dict[str, str]) -> dict[str, set[str]]:
    """Package -> ids of the records that affect its wanted version."""
    hits: dict[str, set[str]] = {}
    for record in found:
        for part in record.get("affected", []):
            package = part.get("package", {})
            name = re.sub(r"[-_.]+", "-", package.get("name", "")).lower()
            if package.get("ecosystem") == "PyPI" and name in wanted and is_affected(part, wanted[name]):
                hits.setdefault(name, set()).add(record["id"])
    return hits


def is_affected(part: dict[str, Any], version: str) -> bool:
    """Whether a record's `affected` part names a version, or holds it in a range from `introduced` up to `fixed`."""
    if version in part.get("versions", []):
        return True
    here = Version(version)
    for span in part.get("ranges", []):
        inside = False
        for event in span.get("events", []) if span.get("type") == "ECOSYSTEM" else []:
            (kind, edge), *_ = event.items()
            if kind == "introduced" and here >= Version(edge):
                inside = True
            elif (kind == "fixed" and here >= Version(edge)) or (kind == "last_affected" and here > Version(edge)):
                inside = False
        if inside:
            return True
    return False


def asked(address: str, wanted: dict[str, str]) -> dict[str, set[str]]:
    """The same from a service, all packages in one question. Raises NotRead."""
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in wanted.items()]
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(f"{address.rstrip('/')}/v1/querybatch", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            results = json.loads(answer.read())["results"]
    except (OSError, ValueError, KeyError) as fault:
        raise NotRead(f"{address}: {fault}") from None
    return {name: {one["id"] for one in said["vulns"]} for name, said in zip(wanted, results, strict=True) if said.get("vulns")}


def check(source: str) -> int:
    """Look up all locks and say what was found; gives the exit code."""
    wanted = {name: version for lock in sorted(ROOT.glob("requirements*.lock")) for name, version in pins(lock).items()}
    try:
        found = advisories(source, wanted)
    except NotRead as fault:
        sys.stderr.write(f"not checked: the source of advisories could not be read ({fault})\n")
        return 2
    for name, ids in found.items():
        sys.stdout.write(f"{name} {wanted[name]}: {', '.join(ids)}\n")
    sys.stdout.write(f"{len(wanted)} locked versions looked up, {len(found)} with a known weakness\n")
    return 1 if found else 0


if __name__ == "__main__":
    if sys.argv[1] == "advisories":
        sys.exit(check(sys.argv[2]))
    sys.stdout.write({"licences": licences, "sbom": sbom}[sys.argv[1]]())
