from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mos import reliability
from mos.votes import Votes, from_matrix
from tests.mos.made import known_votes

SETS = ("nflx_public", "nflx_public_4outliers", "vqeghd3", "hdtv1_exp1")

# Shrout and Fleiss 1979, table 2: six targets, four judges.
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def golden(shared: Path, name: str) -> tuple[Votes, dict[str, object]]:
    """A public vote set and its reference results."""
    folder = shared / "golden" / "mos" / name
    texts = {"stimulus": str, "observer": str, "content": str}
    votes = pd.read_csv(folder / "votes.csv", dtype=texts)
    stimuli = pd.read_csv(folder / "stimuli.csv", dtype=texts)
    expected = json.loads((folder / "expected" / f"{name}.json").read_text())
    return Votes.from_frame(votes, 1, 5, stimuli), expected


@pytest.mark.parametrize("name", SETS)
def test_icc_and_alpha_agree_with_reference_results(shared: Path, name: str) -> None:
    """All ICC forms, their intervals and both alphas equal those of the reference programs on public votes."""
    votes, expected = golden(shared, name)
    matrix = votes.matrix()
    found = reliability.icc(matrix)
    for form, value in expected["icc"].items():  # type: ignore[attr-defined]
        assert found[form].value == pytest.approx(value, abs=1e-9)
        low, high = expected["icc_ci95_rounded_by_pingouin"][form]  # type: ignore[index]
        assert found[form].low == pytest.approx(low, abs=0.00501)
        assert found[form].high == pytest.approx(high, abs=0.00501)
    for level in ("interval", "ordinal"):
        value = reliability.alpha(matrix, level=level, draws=0).value
        assert value == pytest.approx(expected[f"krippendorff_{level}"], abs=1e-9)


def test_icc_of_a_published_table() -> None:
    """Shrout and Fleiss's example: .17, .29, .71 for one judge and .44, .62, .91 for four."""
    found = reliability.icc(SHROUT_FLEISS)
    values = [found[form].value for form in reliability.FORMS]
    assert values == pytest.approx([0.17, 0.29, 0.71, 0.44, 0.62, 0.91], abs=0.005)


def test_missing_votes_hardly_move_the_icc() -> None:
    """With a quarter of the votes missing at random, REML gives the ICC of the whole table within .02, and keeps an interval."""
    votes = known_votes(np.random.default_rng(4), contents=20, observers=20)
    whole = votes.matrix()
    gaps = whole.copy()
    gaps[np.random.default_rng(5).random(gaps.shape) < 0.25] = np.nan
    full, partial = reliability.icc(whole)["ICC(A,1)"], reliability.icc(gaps)["ICC(A,1)"]
    assert full.value is not None
    assert partial.value == pytest.approx(full.value, abs=0.02)
    assert partial.low is not None
    assert partial.high is not None
    assert partial.low < full.value < partial.high


def test_one_missing_vote_is_continuous() -> None:
    """REML with one vote missing differs from the complete analysis of variance by less than .002."""
    matrix = known_votes(np.random.default_rng(6)).matrix()
    full = reliability.icc(matrix)
    matrix[3, 2] = np.nan
    part = reliability.icc(matrix)
    for form in reliability.FORMS:
        a, b = full[form], part[form]
        assert (b.value, b.low, b.high) == pytest.approx((a.value, a.low, a.high), abs=0.004)


def test_alpha_of_a_published_table() -> None:
    """Krippendorff's worked example (four observers, twelve units, gaps): interval .849, ordinal .815."""
    gap = np.nan
    table = np.array(
        [[1, 2, 3, 3, 2, 1, 4, 1, 2, gap, gap, gap], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, gap, 3],
         [gap, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, gap], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, gap]]
    )  # fmt: skip
    assert reliability.alpha(table.T, level="interval", draws=0).value == pytest.approx(0.849, abs=0.0005)
    assert reliability.alpha(table.T, level="ordinal", draws=0).value == pytest.approx(0.815, abs=0.0005)


def test_undefined_cases_say_why() -> None:
    """One observer, equal votes and single votes give None with a reason, never nan."""
    assert reliability.icc(np.ones((5, 1)))["ICC(A,1)"].reason.startswith("needs two stimuli")
    assert reliability.icc(np.ones((5, 4)))["ICC(C,k)"].reason == "all votes are equal"
    assert reliability.alpha(np.ones((5, 4))).reason == "all votes are equal"
    assert reliability.alpha(np.array([[1.0, np.nan], [np.nan, 2.0]])).reason == "no stimulus has two votes"
    assert reliability.icc(np.tile([[1.0], [2.0], [4.0]], (1, 3)))["ICC(A,1)"].value == 1.0


def test_names_and_order_change_nothing() -> None:
    """Shuffled observers and stimuli and a shifted scale leave every coefficient as it was."""
    matrix = known_votes(np.random.default_rng(8), whole=True).matrix()
    rng = np.random.default_rng(9)
    other = matrix[rng.permutation(len(matrix))][:, rng.permutation(matrix.shape[1])] + 3
    for form, value in reliability.icc(matrix).items():
        assert reliability.icc(other)[form].value == pytest.approx(value.value, abs=1e-12)
    for level in ("ordinal", "interval"):
        value = reliability.alpha(matrix, level=level, draws=0).value
        assert reliability.alpha(other, level=level, draws=0).value == pytest.approx(value, abs=1e-12)


def test_the_whole_dictionary_is_json_without_nan() -> None:
    """reliability.json of a normal, a sparse and a tiny study is valid JSON with reasons for its nulls."""
    rng = np.random.default_rng(2)
    for votes in (
        known_votes(rng, whole=True),
        known_votes(rng, missing=0.6),
        known_votes(rng, contents=1, variants=2, observers=2),
    ):
        table = reliability.reliability(votes, draws=50)
        text = json.dumps(table, allow_nan=False)
        assert '"icc"' in text
        assert table["test_retest"]["reason"] == "no image was rated twice"


def test_equal_votes_that_are_not_whole_are_equal() -> None:
    """Votes of 3.3 with gaps: rounding in their mean makes no disagreement, and halves share nothing that differs."""
    for shape, gaps in (((6, 4), [(0, 0), (2, 1)]), ((60, 8), [(k, k % 8) for k in range(48)])):
        matrix = np.full(shape, 3.3)
        for cell in gaps:
            matrix[cell] = np.nan
        found = reliability.reliability(from_matrix(matrix, 1, 10), draws=20)
        assert {one["reason"] for one in found["icc"].values()} == {"all votes are equal"}
        assert found["split_half"]["reason"] == "the halves share no stimuli that differ"


@pytest.mark.parametrize("gap", [False, True])
def test_votes_without_residual_say_why(gap: bool) -> None:
    """Observers that differ by their means alone, images or none: no division by zero, no number made by rounding."""
    alone = np.tile(np.arange(1, 5.0), (6, 1))
    both = np.arange(1, 7.0)[:, None] + np.array([0, 1, 3, 1.1])
    for matrix in (alone, both):
        if gap:
            matrix[0, 0] = matrix[3, 2] = np.nan
        found = reliability.reliability(from_matrix(matrix, 1, 10), draws=20)
        agreed, consistent = found["icc"]["ICC(A,1)"], found["icc"]["ICC(C,1)"]
        if gap:
            assert agreed["reason"].startswith("nothing is left beyond the means")
            assert consistent["value"] is None
        elif matrix is alone:
            assert consistent["reason"].startswith("images do not differ")
            assert agreed["value"] == 0
        else:
            assert consistent["value"] == 1
            rows, columns = 3.5, float(np.var([0, 1, 3, 1.1], ddof=1))
            assert agreed["value"] == pytest.approx(rows / (rows + columns))
            assert agreed["reason"].startswith("no disagreement beyond")
