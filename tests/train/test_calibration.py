"""The interval's promise: on groups that neither training nor calibration saw it covers nine in ten, whatever the groups' sizes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from train.calibration import Calibration, coverage, from_predictions, group_shares, half_width, read_interval, write_interval
from train.material import with_groups
from workspace.errors import ModelFault


def simulated(rng: np.random.Generator, count: int, *, alike: float) -> pd.DataFrame:
    """SIMULATED predictions of `count` groups of 1 to 30 images: errors that a group shares (`alike` of the variance) and each
    image's own. Large groups, as ladders of variants are, err half as much as single photos."""
    sizes = np.where(rng.random(count) < 0.5, 1, rng.integers(15, 31, count))
    codes = np.repeat(np.arange(count), sizes)
    error = np.sqrt(alike) * rng.normal(size=count)[codes] + np.sqrt(1 - alike) * rng.normal(size=len(codes))
    truth = rng.uniform(3, 8, len(codes))
    names = [f"g{code}" for code in codes]
    output = truth - error * np.where(sizes == 1, 1.0, 0.5)[codes]
    return pd.DataFrame({"score10": truth, "output": output, "group": names})


def residuals(frame: pd.DataFrame) -> np.ndarray:
    """True minus predicted."""
    return (frame["score10"] - frame["output"]).to_numpy(float)


@pytest.mark.parametrize("alike", [0.0, 0.9])
def test_the_interval_covers_nominally_on_held_out_groups_of_a_simulation(alike: float) -> None:
    """SIMULATED: over 400 calibrations of 30 groups, a photo of a new group is covered .90 to .93 of the time; a quantile that counts
    images instead of groups covers less than .87."""
    rng = np.random.default_rng(11)
    held_out = simulated(rng, 4000, alike=alike)
    by_groups, by_images = [], []
    for _ in range(400):
        val = simulated(rng, 30, alike=alike)
        width, counted = half_width(residuals(val), groups=val["group"].tolist()), half_width(residuals(val))
        assert width is not None
        assert counted is not None
        inside = np.abs(residuals(held_out))
        shares = group_shares(held_out["group"].tolist()) / 4000
        by_groups.append(float(shares[inside <= width].sum()))
        by_images.append(float(shares[inside <= counted].sum()))
    assert 0.895 < np.mean(by_groups) < 0.93
    assert np.mean(by_images) < 0.87


def test_a_group_counts_once_worked_by_hand() -> None:
    """Ninety near-duplicates with an error of .1 and nine photos with errors .2 to 1: of ten groups .9 x 11 = 9.9 shares must lie
    inside, so the widest error sets the interval; counted by images it would be .1, which holds one group in ten."""
    errors = np.array([0.1] * 90 + [0.2, 0.3, 0.4, 0.5, -0.6, 0.7, 0.8, 0.9, -1.0])
    groups = ["burst"] * 90 + [f"p{n}" for n in range(9)]
    assert half_width(errors) == pytest.approx(0.1)
    assert half_width(errors, groups=groups) == pytest.approx(1.0)
    more = np.append(errors, [0.05] * 9)
    assert half_width(more, groups=[*groups, *(f"q{n}" for n in range(9))]) == pytest.approx(0.9)
    assert half_width(errors[:98], groups=groups[:98]) is None
    assert half_width(errors, groups=[f"i{n}" for n in range(99)]) == half_width(errors)


def test_a_groups_shares_add_up_to_one() -> None:
    """Two images of one group count a half each, and the probability of being poor counts groups: by hand (1.5 + .5) / (3 + 1)."""
    shares = group_shares(["a", "b", "a", "c"])
    assert shares.tolist() == [0.5, 1.0, 0.5, 1.0]
    known = Calibration(np.array([-2.0, -1.0, 0.5, 1.0]), 0.9, 2.0, {}, np.array([0.5, 1.0, 0.5, 1.0]))
    assert known.groups == 3
    assert known.below(5.0, 5.4) == pytest.approx((1.5 + 0.5) / 4)
    assert known.below(5.0, 9.0) == pytest.approx(3.5 / 4)


def test_the_coverage_interval_resamples_groups_not_images() -> None:
    """Ten groups of 50 equal images, eight inside: the share is .8 and its interval that of 10 draws, not of 500."""
    frame = pd.DataFrame({"group": np.repeat([f"g{n}" for n in range(10)], 50), "score10": 5.0})
    frame["output"] = np.where(np.repeat(np.arange(10), 50) < 8, 5.1, 8.0)
    found = coverage(frame, 1.0)
    assert found["share"] == found["group_share"] == pytest.approx(0.8)
    assert (found["n"], found["groups"]) == (500, 10)
    assert found["low"] == found["group_low"] == pytest.approx(0.5, abs=0.101)
    assert found["high"] == found["group_high"] == pytest.approx(1.0)
    singles = coverage(frame.assign(group=[f"i{n}" for n in range(500)]), 1.0)
    assert singles["low"] > 0.75
    uneven = pd.concat([frame[frame["group"] == "g9"], frame[frame["group"] != "g9"].iloc[::50]])
    assert coverage(uneven, 1.0)["share"] == pytest.approx(8 / 59)
    assert coverage(uneven, 1.0)["group_share"] == pytest.approx(0.8)


def test_sets_that_name_groups_alike_stay_apart(tmp_path: Path) -> None:
    """Groups 1 to 6 of two sets are twelve groups; the file is read back with shares, and one without them counts images."""
    rows = [
        {"set": name, "file": f"{n}_{k}.png", "part": part, "group": str(n), "score10": 5.0, "output": 5.0 + 0.1 * n + k / 100}
        for name in ("one", "two") for n in range(6) for k in range(3) for part in ("val", "test")
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "predictions.csv", index=False)
    facts = write_interval(tmp_path)
    assert (facts["n"], facts["groups"]) == (36, 12)
    assert facts["test_coverage"]["groups"] == 12
    found = read_interval(tmp_path)
    assert found.groups == 12
    assert found.half_width == pytest.approx(0.52)
    assert sum(from_predictions(tmp_path)["shares"]) == pytest.approx(12)
    old = {key: value for key, value in facts.items() if key != "shares"}
    (tmp_path / "calibration.json").write_text(json.dumps(old))
    assert read_interval(tmp_path).groups == 36
    (tmp_path / "calibration.json").write_text(json.dumps({**facts, "shares": [1.0]}))
    with pytest.raises(ModelFault, match=r"calibration.json is no calibration \(1 shares for 36 residuals\)"):
        read_interval(tmp_path)


def test_near_duplicates_of_a_split_file_are_one_group() -> None:
    """A run takes the split file's groups, where near-duplicates are joined; a split without groups leaves the set's own."""
    table = pd.DataFrame({"file": ["a", "b", "c"], "group": ["a", "b", "c"], "score10": [1.0, 2.0, 3.0]})
    split = pd.DataFrame({"file": ["c", "b", "a"], "group": ["c", "a", "a"], "split_1": "val"})
    assert with_groups(table, split)["group"].tolist() == ["a", "a", "c"]
    assert with_groups(table, split.drop(columns="group"))["group"].tolist() == ["a", "b", "c"]
    assert with_groups(table, split.assign(group=["", "a", ""]))["group"].tolist() == ["a", "a", "c"]
    assert table["group"].tolist() == ["a", "b", "c"]
