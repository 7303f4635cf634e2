"""The verbs dataset list, check and cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dermiqa.cli import cli
from tests.train.fakes import custom_set, picture
from workspace.errors import DatasetFault, UsageFault


def call(*words: str | Path) -> Result:
    """Call the command line as `dermiqa` does; an error is left in `exception`, the verb's own exit status in `return_value`."""
    return CliRunner().invoke(cli, [str(word) for word in words], standalone_mode=False)


def passed(result: Result) -> bool:
    """Whether the verb ended with status 0 and without an error."""
    return result.exception is None and not result.return_value


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two custom sets and the roots file that names them, as the current folder."""
    custom_set(tmp_path / "a", 12)
    custom_set(tmp_path / "b", 6)
    table = '[{0}]\nset = "custom"\nfolder = "{1}"\nlow = 0\nhigh = 100\n'
    (tmp_path / "datasets.toml").write_text(table.format("arms", "a") + table.format("legs", "b"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERMIQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DERMIQA_DATASETS", raising=False)
    return tmp_path


def test_list_is_the_papers_table(here: Path) -> None:
    """`dataset list` prints the six sets with the paper's counts, ranges and where to get them."""
    text = call("dataset", "list").stdout
    for words in ("10,125", "19,998", "20,000", "[0, 100]", "https://github.com/h4nwei/SPAQ", "train_val"):
        assert words in text
    rows = json.loads(call("dataset", "list", "--json").stdout)
    assert [row["name"] for row in rows][:2] == ["koniq10k", "gfiqa20k"]
    assert rows[0]["official"] == {"train": 7058, "val": 1000, "test": 2015}


def test_check_of_a_whole_set(here: Path) -> None:
    """A whole set by its name in datasets.toml: exit 0, a histogram, a figure."""
    done = call("dataset", "check", "arms", "--figure", "scores.svg")
    assert passed(done), done.output
    assert "12 scores, 12 images, 12 groups" in done.stdout
    assert done.stdout.rstrip().endswith("no fault")
    assert "<svg" in (here / "scores.svg").read_text()


def test_check_exits_1_with_a_line_per_fault(here: Path) -> None:
    """A missing and a broken image are two lines and exit 1; JSON says the same."""
    (here / "a" / "images" / "p003.png").unlink()
    (here / "a" / "images" / "p004.png").write_text("x")
    done = call("dataset", "check", "arms")
    assert done.return_value == 1
    faults = [line for line in done.stdout.splitlines() if line.startswith("fault:")]
    assert len(faults) == 2
    assert len(json.loads(call("dataset", "check", "arms", "--json").stdout)["faults"]) == 2


def test_check_against_another_set(here: Path) -> None:
    """--against finds the pictures that two sets share."""
    assert "6 images show a scene of legs too" in call("dataset", "check", "arms", "--against", "all").stdout


def test_recorded_hashes_find_a_swapped_file(here: Path) -> None:
    """--record today, --compare tomorrow: two images that changed places are two faults in one line."""
    assert passed(call("dataset", "check", "arms", "--record", "r.csv"))
    one, two = here / "a" / "images" / "p001.png", here / "a" / "images" / "p002.png"
    picture(1).save(two)
    picture(2).save(one)
    done = call("dataset", "check", "arms", "--compare", "r.csv")
    assert done.return_value == 1
    assert "fault: 2 images differ from those recorded (p001.png, p002.png)" in done.stdout


def test_a_folder_and_options_may_be_said(here: Path) -> None:
    """NAME FOLDER -o low=... needs no roots file; a word without = is a wrong call."""
    assert passed(call("dataset", "check", "custom", "b", "-o", "low=0", "-o", "high=100"))
    wrong = call("dataset", "check", "custom", "b", "-o", "low")
    assert isinstance(wrong.exception, UsageFault)
    assert "expected KEY=VALUE" in str(wrong.exception)


def test_wrong_set_is_one_line(here: Path) -> None:
    """A folder that is not the set is an error of one line."""
    wrong = call("dataset", "check", "kadid10k", "a")
    assert isinstance(wrong.exception, DatasetFault)
    assert "holds no 'dmos.csv', the scores of KADID-10k" in str(wrong.exception)


def test_cache_prints_its_size_first(here: Path) -> None:
    """--dry-run prints sizes and free space and builds nothing; without it both caches are there."""
    done = call("dataset", "cache", "--input", "64", "--dry-run")
    assert "MB free" in done.stdout
    assert not (here / "cache").exists()
    built = json.loads(call("dataset", "cache", "arms", "--input", "64", "--packed", "--json").stdout)
    assert Path(built["sets"][0]["folder"]).is_dir()
    assert passed(call("dataset", "cache", "--input", "64"))
    assert len([p for p in (here / "cache").iterdir() if p.is_dir()]) == 3
