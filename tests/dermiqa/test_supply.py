"""The supply chain: licences, native parts, the locks."""

from __future__ import annotations

import importlib.util
import re
import sys
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
