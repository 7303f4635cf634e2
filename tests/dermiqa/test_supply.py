"""The supply chain: licences, native parts, the locks."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def supply() -> ModuleType:
    """scripts/supply.py as a module."""
    spec = importlib.util.spec_from_file_location("supply", ROOT / "scripts" / "supply.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["supply"] = module
    spec.loader.exec_module(module)
    return module


def test_no_gpl_in_the_default_install(supply: ModuleType) -> None:
    """No distribution of the default lock is under the GPL or AGPL, and none leaves its licence unsaid."""
    found = {name: supply.licence(supply.installed(name, version)) for name, version in supply.locked().items()}
    assert len(found) > 60
    assert [n for n, text in found.items() if {"GPL", "AGPL"} & set(supply.families(text))] == []
    assert [n for n, text in found.items() if not supply.families(text)] == []


def test_every_native_part_has_its_licence(supply: ModuleType) -> None:
    """Libraries inside wheels have a stated licence, and none is under the GPL without the exception for linking."""
    parts = {part for name, version in supply.locked().items() for part in supply.native_parts(supply.installed(name, version))}
    assert len(parts) > 20
    said = {part: supply.native_licence(part) for part in parts}
    assert [part for part, text in said.items() if not text] == []
    assert [part for part, text in said.items() if text.startswith(("GPL", "AGPL")) and "WITH GCC-exception" not in text] == []


WEAK = {
    "id": "TEST-1",
    "affected": [{"package": {"ecosystem": "PyPI", "name": "Weak_Part"},
                  "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"fixed": "1.5"}, {"introduced": "2.0"}]}]}],
}  # fmt: skip
NAMED = {"id": "TEST-2", "affected": [{"package": {"ecosystem": "PyPI", "name": "named"}, "versions": ["3.1", "3.2"]}]}
OLD = {**NAMED, "id": "TEST-3", "withdrawn": "2024-01-01T00:00:00Z"}
OTHER = {"id": "TEST-4", "affected": [{"package": {"ecosystem": "npm", "name": "named"}, "versions": ["3.1"]}]}


@pytest.mark.parametrize(
    ("version", "is_weak"),
    [("0.9", False), ("1.0", True), ("1.4.9", True), ("1.5", False), ("1.9", False), ("2.0", True), ("9", True)],
)
def test_ranges_of_advisories_are_read(supply: ModuleType, version: str, is_weak: bool) -> None:
    """From introduced on, up to fixed, which is not affected; names are compared as installers do."""
    assert supply.known([WEAK], {"weak-part": version}) == ({"weak-part": {"TEST-1"}} if is_weak else {})


def test_advisories_come_from_files_folders_and_archives(supply: ModuleType, tmp_path: Path) -> None:
    """The same finding from a file, a folder and a ZIP; withdrawn records and other ecosystems are passed over."""
    wanted = {"named": "3.1", "weak-part": "1.5"}
    (tmp_path / "all.json").write_text(json.dumps([WEAK, NAMED, OLD, OTHER]))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for record in (WEAK, NAMED, OLD, OTHER):
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    for source in (tmp_path / "all.json", tmp_path, tmp_path / "all.zip"):
        assert supply.advisories(str(source), wanted) == {"named": ["TEST-2"]}


def test_advisories_come_from_a_service(supply: ModuleType) -> None:
    """One question with all versions goes out; the answer's ids come back by package."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            weak = [{"vulns": [{"id": "TEST-9"}]} if q["package"]["name"] == "b" else {} for q in said["queries"]]
            body = json.dumps({"results": weak}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        found = supply.advisories(f"http://127.0.0.1:{server.server_port}", {"a": "1", "b": "2"})
        thread.join()
    assert found == {"b": ["TEST-9"]}


def test_a_source_that_can_not_be_read_is_no_clean_bill(
    supply: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing answers, or the file is broken, the check says that nothing was checked and ends with 2."""
    (tmp_path / "broken.json").write_text("{")
    for source in ("http://127.0.0.1:9", str(tmp_path / "missing.json"), str(tmp_path / "broken.json")):
        assert supply.check(source) == 2
        assert "not checked: the source of advisories could not be read" in capsys.readouterr().err
    (tmp_path / "broken.json").write_text("[]")
    assert supply.check(str(tmp_path / "broken.json")) == 0
    assert re.search(r"\d{2,} locked versions looked up, 0 with a known weakness", capsys.readouterr().out)


def test_the_pages_are_those_of_todays_lock(supply: ModuleType) -> None:
    """docs/licences.md and deploy/sbom.json list what the lock says."""
    assert (ROOT / "docs" / "licences.md").read_text() == supply.licences()
    assert (ROOT / "deploy" / "sbom.json").read_text() == supply.sbom()


def test_the_families_are_told_apart(supply: ModuleType) -> None:
    """LGPL is not GPL, and both are found in the words that packages use."""
    assert supply.families("GNU Lesser General Public License v3 (LGPLv3)") == ["LGPL"]
    assert supply.families("GPL-2.0-or-later") == ["GPL"]
    assert supply.families("GNU General Public License v2 (GPLv2)") == ["GPL"]
    assert supply.families("BSD-3-Clause AND MIT") == ["BSD", "MIT"]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-train.lock", "requirements-dev.lock"])
def test_locks_hold_hashes_and_no_address(name: str) -> None:
    """Each locked version has hashes; no lock names an address or an index."""
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "index-url" not in text
    heads = re.findall(r"(?m)^[a-z0-9][^\s=]*==", text)
    blocks = re.split(r"(?m)^(?=[a-z0-9][^\s=]*==)", text)[1:]
    assert len(heads) == len(blocks) > 50
    assert [b.split("\n")[0] for b in blocks if "--hash=sha256:" not in b] == []


def test_the_locks_agree() -> None:
    """A version in the small locks is the version in the large one."""

    def versions(name: str) -> set[str]:
        return set(re.findall(r"(?m)^[a-z0-9][^\s]*==[^\s\\]+", (ROOT / name).read_text()))

    whole = versions("requirements-dev.lock")
    assert versions("requirements.lock") <= whole
    assert versions("requirements-train.lock") <= whole
    assert not any(v.startswith(("torch==", "timm==")) for v in versions("requirements.lock"))


def test_no_address_of_a_registry_and_no_machine_path_in_the_tree() -> None:
    """No file of the tree names a package registry, and no uv.lock or package-lock is there."""
    import subprocess

    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    assert not {"uv.lock", "package-lock.json"} & {Path(n).name for n in names}
    registries = ["pypi." + "org", "files.python" + "hosted", "registry.npm" + "js", "extra-index" + "-url"]
    bad = []
    for name in filter(None, names):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".sh", ".yaml", ".lock", ".txt", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            bad += [(name, r) for r in registries if r in text]
    assert bad == []
