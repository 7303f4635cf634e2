"""The matrix: planned from one TOML, dealt by claims, killed at any moment and started again, ends with the same tables."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from train.claims import claim, holder
from train.datasets import load
from train.experiment import ALL, SHIPPED, read_experiment, without_test_only
from workspace.errors import UsageFault

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
name = "small"
sets = ["one", "two"]
training = ["one", "two", "all"]
models = ["lite0", "mobilenetv3_small_050"]
inputs = [48]
splits = 2
[train]
epochs = 1
batch = 8
checkpoint_minutes = 0.0
[by_model.mobilenetv3_small_050]
weights = "none"
"""


def test_the_papers_matrix_is_ninety_runs() -> None:
    """Three models, six training sets, five splits; `all` leaves out LIVE In the Wild, which is only tested."""
    made = read_experiment(SHIPPED)
    kinds = {name: "dermiqa" if name == "skin" else name for name in made.sets}
    made = without_test_only(made, kinds)
    runs = made.runs()
    assert len(runs) == 90
    assert len({run.key for run in runs}) == 90
    assert made.training[ALL] == ("kadid10k", "koniq10k", "spaq", "gfiqa20k", "biq2021", "skin")
    assert {(r.config.epochs, r.config.lr, r.config.weight_decay, r.config.dropout) for r in runs} == {(20, 2e-4, 1e-5, 0.5)}
    assert {r.config.batch * r.config.accumulate for r in runs} == {16}
    assert {r.config.label for r in runs if ALL in r.key} == {"All"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("modles = ['b0']", r"unknown key 'modles' \(did you mean 'models'\?\)"),
        ("", "models is None, a list with at least one entry was expected"),
        ("models = ['b0']\n[train]\nepoch = 3", r"unknown key 'epoch' \(did you mean 'epochs'\?\)"),
        ("models = ['b0']\n[by_model.b5]\nbatch = 2", r"\[by_model.b5\] is for none of the models b0"),
    ],
)
def test_a_wrong_key_names_the_nearest(tmp_path: Path, line: str, message: str) -> None:
    """A misspelt or missing key is one line that says what was expected."""
    path = tmp_path / "e.toml"
    path.write_text(f"sets = ['kadid10k']\ntraining = ['kadid10k']\n{line}\n")
    with pytest.raises(UsageFault, match=message):
        read_experiment(path)


def test_a_test_only_set_is_not_trained_on(tmp_path: Path) -> None:
    """LIVE In the Wild as a training set is refused."""
    path = tmp_path / "e.toml"
    path.write_text("sets = ['live_itw']\ntraining = ['live_itw']\nmodels = ['b0']\n")
    with pytest.raises(UsageFault, match="live_itw is a test set alone"):
        without_test_only(read_experiment(path), {"live_itw": "live_itw"})


def test_claims_exclude_and_die_with_their_process(tmp_path: Path) -> None:
    """A claimed run can't be claimed again; the claim of a process that is gone, or of a silent other machine, is taken over."""
    path = tmp_path / "claims" / "run"
    first = claim(path)
    assert first is not None
    assert claim(path) is None
    assert f"process {os.getpid()}" in holder(path)
    first.release()
    assert not path.exists()
    code = f"from pathlib import Path; from train.claims import claim; assert claim(Path({str(path)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    taken = claim(path)
    assert taken is not None
    path.write_text(json.dumps({"mark": "x", "host": "another-machine", "pid": 1, "born": 0.0}))
    assert not taken.mine()
    assert claim(path) is None
    old = time.time() - 400
    os.utime(path, (old, old))
    assert claim(path) is not None


@pytest.mark.slow
def test_a_dry_run_counts_without_the_sets(tmp_path: Path) -> None:
    """With no set here the paper's experiment is counted at published sizes: what is missing, where it comes from, hours, disk."""
    pytest.importorskip("torch")
    from dermiqa.commands.experiments import experiment

    text = SHIPPED.read_text().replace('models = ["b0", "b3", "b5"]', 'models = ["lite0"]').split("[by_model.b5]")[0]
    (tmp_path / "small.toml").write_text(text.replace("batch = 16", "batch = 2\ninput_size = 64"))
    (tmp_path / "datasets.toml").write_text("")
    words = [
        str(tmp_path / "small.toml"),
        "--datasets",
        str(tmp_path / "datasets.toml"),
        "--dry-run",
        "--timed",
        "1",
        "--device",
        "cpu",
    ]
    done = CliRunner().invoke(experiment, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "30 runs" in done.output
    assert (
        'kadid10k: download from https://database.mmsp-kn.de/kadid-10k-database.html, then say kadid10k = "FOLDER"' in done.output
    )
    assert "skin: your own rated images" in done.output
    assert "biq2021: 2,000 images of the authors' test table are left out" in done.output
    live = next(line.split() for line in done.output.splitlines() if line.startswith("live_itw"))
    assert live[1:5] == ["1,162", "0", "0", "1,162"]


def rated(shared: Path, root: Path, subset: str) -> None:
    """48 rated photographs of BIQ2021 as a set of one's own."""
    loaded = load("biq2021", shared / "images" / "rated" / "biq2021", images="present")
    rows = loaded.table[loaded.table["subset"] == subset].head(48)
    (root / "images").mkdir(parents=True)
    for path in rows["path"]:
        shutil.copy(path, root / "images")
    (root / "scores.csv").write_text(rows[["file", "score"]].to_csv(index=False))


@pytest.mark.slow
def test_a_matrix_killed_three_times_ends_with_the_same_tables(tmp_path: Path, shared: Path) -> None:
    """Two models x three training sets x two splits on rated photographs, killed three times: the tables of a matrix never killed."""
    pytest.importorskip("torch")
    rated(shared, tmp_path / "one", "ss01")
    rated(shared, tmp_path / "two", "ss03")
    (tmp_path / "datasets.toml").write_text(
        "".join(f'[{name}]\nset="custom"\nfolder="{name}"\nlow=0\nhigh=1\n' for name in ("one", "two"))
    )
    (tmp_path / "small.toml").write_text(CONFIG)
    env = {**os.environ, "DERMIQA_DATASETS": str(tmp_path / "datasets.toml"), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

    def start(out: str) -> subprocess.Popen[bytes]:
        words = [
            "-q",
            "experiment",
            str(tmp_path / "small.toml"),
            "--out",
            str(tmp_path / out),
            "--cache-dir",
            str(tmp_path / "cache"),
        ]
        return subprocess.Popen([sys.executable, "-m", "dermiqa", *words], env=env, cwd=ROOT, stdout=subprocess.DEVNULL)

    def finished(out: str) -> int:
        return len(list((tmp_path / out).glob("runs/*/results.json")))

    for target in (2, 5, 9):
        process = start("killed")
        while process.poll() is None and finished("killed") < target:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 9 <= finished("killed") < 12
    assert start("killed").wait(500) == 0
    assert start("whole").wait(500) == 0
    for out in ("killed", "whole"):
        words = ["tables", str(tmp_path / out), "--out", str(tmp_path / f"{out}-tables"), "--json"]
        subprocess.run([sys.executable, "-m", "dermiqa", *words], env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    for name in ("table3_plcc.csv", "table4_srocc.md", "table3_plcc.html", "table4_srocc.tex", "figure3.svg"):
        assert (tmp_path / "killed-tables" / name).read_bytes() == (tmp_path / "whole-tables" / name).read_bytes()
    assert not list((tmp_path / "killed" / "claims").iterdir())
    shutil.rmtree(tmp_path / "cache")
