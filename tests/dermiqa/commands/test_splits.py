"""The verbs splits make, check, import and export."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dermiqa.cli import cli
from tests.train.fakes import custom_set
from workspace.errors import DatasetFault, UsageFault


def call(*words: str | Path) -> Result:
    """Call the command line as `dermiqa` does; an error is left in `exception`, the verb's own exit status in `return_value`."""
    return CliRunner().invoke(cli, [str(word) for word in words], standalone_mode=False)


def passed(result: Result) -> bool:
    """Whether the verb ended with status 0 and without an error."""
    return result.exception is None and not result.return_value


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a set of 40 pictures, two of them alike, and its roots file, as the current folder."""
    one = custom_set(tmp_path / "a", 40)
    shutil.copy(one.table["path"].iloc[0], one.table["path"].iloc[1])
    (tmp_path / "datasets.toml").write_text('[arms]\nset = "custom"\nfolder = "a"\nlow = 0\nhigh = 100\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERMIQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DERMIQA_DATASETS", raising=False)
    return tmp_path


def test_made_and_proved(here: Path) -> None:
    """Splits are made with near-duplicates together, and proved from the set itself."""
    done = call("splits", "make", "--seed", "4")
    assert passed(done), done.output
    rows = [line.split(",") for line in (here / "splits" / "arms.csv").read_text().splitlines()]
    assert rows[0] == ["file", "group", "split_1", "split_2", "split_3", "split_4", "split_5"]
    assert rows[1][1:] == rows[2][1:]
    checked = call("splits", "check", "splits")
    assert passed(checked), checked.output
    assert "no group lies on two sides" in checked.stdout
    about = json.loads((here / "splits" / "splits.json").read_text())
    assert (about["rule"], about["seed"], about["duplicates"]) == ("random", 4, "scene")


def test_made_again_the_same(here: Path) -> None:
    """The same call gives the same bytes."""
    call("splits", "make", "--out", "one")
    call("splits", "make", "--out", "two")
    assert (here / "one" / "arms.csv").read_bytes() == (here / "two" / "arms.csv").read_bytes()


def test_an_edited_file_leaks_and_is_found(here: Path) -> None:
    """One image moved to another side by hand: exit 1, the group and the edit are named."""
    call("splits", "make", "--splits", "1")
    path = here / "splits" / "arms.csv"
    lines = path.read_text().splitlines()
    part = lines[1].rsplit(",", 1)[1]
    lines[1] = lines[1].rsplit(",", 1)[0] + ("," + ("test" if part != "test" else "train"))
    path.write_text("\n".join(lines) + "\n")
    done = call("splits", "check", path)
    assert done.return_value == 1
    assert "fault: arms, split_1: 1 groups lie on two sides: p000.png" in done.stdout
    assert "fault: arms.csv was changed after splits.json was written" in done.stdout


def test_splits_made_without_duplicates_fail_the_check(here: Path) -> None:
    """What near-duplicates would leak shows when they are looked for: some seed puts the two on two sides."""
    for seed in range(20):
        call("splits", "make", "--duplicates", "none", "--splits", "1", "--seed", seed)
        done = call("splits", "check", "splits")
        if done.return_value:
            break
    assert "groups lie on two sides" in done.stdout
    assert passed(call("splits", "check", "splits", "--duplicates", "none"))


def test_roles_and_rules_by_option(here: Path) -> None:
    """--role and --rule reach the splits; a misspelled role is a wrong call."""
    call("splits", "make", "--role", "arms=test")
    assert set((here / "splits" / "arms.csv").read_text().splitlines()[5].split(",")[2:]) == {"test"}
    done = json.loads(call("splits", "make", "--rule", "folds", "--json").stdout)
    assert [row["test"] for row in done["parts"]] == [8] * 5
    assert isinstance(call("splits", "make", "--role", "arms=tset").exception, UsageFault)


def test_pyiqa_out_and_in(here: Path) -> None:
    """Exported for pyiqa and imported again, by file name: the same split, groups from the set."""
    call("splits", "make", "--duplicates", "none")
    assert passed(call("splits", "export", "arms", "--out", "py"))
    made = (here / "splits" / "arms.csv").read_text()
    back = call("splits", "import", "py/arms.pkl", "--meta", "py/meta_info_arms.csv", "--set", "arms", "--out", "back")
    assert passed(back), back.output
    assert (here / "back" / "arms.csv").read_text() == made
    call("splits", "import", "py/meta_info_arms.csv", "--set", "arms", "--out", "again")
    assert (here / "again" / "arms.csv").read_text() == made


def test_a_pickle_needs_its_meta_file(here: Path) -> None:
    """Rows mean nothing without the file that they count."""
    call("splits", "make", "--duplicates", "none")
    call("splits", "export", "arms", "--out", "py")
    wrong = call("splits", "import", "py/arms.pkl", "--set", "arms")
    assert "say by --meta which meta_info file" in str(wrong.exception)


def test_without_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No datasets.toml, no split file: one line that says what to write."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DERMIQA_DATASETS", raising=False)
    made = call("splits", "make")
    assert isinstance(made.exception, UsageFault)
    assert "write a datasets.toml" in str(made.exception)
    assert isinstance(call("splits", "check", tmp_path).exception, DatasetFault)
