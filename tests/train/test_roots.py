"""The file that says where the data sets lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.fakes import custom_set
from train.roots import EXAMPLE, chosen_roots, find_roots, read_roots
from workspace.errors import DatasetFault, UsageFault


def write(folder: Path, text: str) -> Path:
    """A roots file with this text."""
    path = folder / "datasets.toml"
    path.write_text(text)
    return path


def test_the_example_is_valid(tmp_path: Path) -> None:
    """The documented example reads: two plain sets, one export and one custom set with their options."""
    roots = read_roots(write(tmp_path, EXAMPLE))
    assert list(roots) == ["kadid10k", "koniq10k", "skin", "mine"]
    assert (roots["skin"].kind, roots["skin"].folder) == ("dermiqa", tmp_path / "exports" / "skin")
    assert roots["mine"].options == {"low": 0, "high": 100}


def test_the_name_heads_the_results(tmp_path: Path) -> None:
    """A set is loaded under the user's own name, with its options and scale."""
    custom_set(tmp_path / "photos", 5)
    roots = read_roots(write(tmp_path, '[nails]\nset = "custom"\nfolder = "photos"\nlow = 0\nhigh = 100\nscale = "minmax"\n'))
    found = roots["nails"].load()
    assert (found.name, found.title, found.scale) == ("nails", "nails", "minmax")
    assert (found.table["score10"].min(), found.table["score10"].max()) == (1, 10)


def test_found_above_and_by_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest file above is used, a variable overrules it, and without any there are no roots."""
    monkeypatch.delenv("DERMIQA_DATASETS", raising=False)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_roots(below) is None
    path = write(tmp_path / "a", "")
    assert find_roots(below) == path
    monkeypatch.setenv("DERMIQA_DATASETS", str(tmp_path / "other.toml"))
    assert find_roots(below) == tmp_path / "other.toml"
    with pytest.raises(DatasetFault, match=r"other\.toml can't be read"):
        read_roots()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('kadid = "/data"', r"no data set 'kadid' \(did you mean 'kadid10k'\?\)"),
        ('[skin]\nset = "dermiqua"\nfolder = "x"', r"set = 'dermiqua' \(did you mean 'dermiqa'\?\)"),
        ('[skin]\nset = "dermiqa"', r"\[skin\] has no folder"),
        ('[skin]\nset = "dermiqa"\nfolder = "x"\nquestoin = "q"', r"unknown key 'questoin' \(did you mean 'question'\?\)"),
        ("kadid10k = 3", "a folder or a table was expected"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, says: str) -> None:
    """Unknown sets and keys name the nearest known ones; a missing folder is named."""
    with pytest.raises(UsageFault, match=says):
        read_roots(write(tmp_path, text))


def test_broken_toml_is_named(tmp_path: Path) -> None:
    """A file that is no TOML names the line."""
    with pytest.raises(DatasetFault, match="is not valid TOML"):
        read_roots(write(tmp_path, "kadid10k = "))


def test_choosing_by_name(tmp_path: Path) -> None:
    """Named sets come in the order named, all when none is named; an unknown one names the nearest."""
    roots = read_roots(write(tmp_path, EXAMPLE))
    assert [r.name for r in chosen_roots(roots, ["mine", "kadid10k"])] == ["mine", "kadid10k"]
    assert len(chosen_roots(roots, [])) == 4
    with pytest.raises(UsageFault, match=r"where kadid10 lies is not known \(did you mean 'kadid10k'\?\)"):
        chosen_roots(roots, ["kadid10"])
