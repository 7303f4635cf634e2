"""Plans: squares, partitions, orders, and the paper's study checked by a second computation."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate_app.design import DESIGN_VERSION, Image, Plan, Rules, fitting_rules, make_plan, plan_sha256
from annotate_app.design_blocks import partition
from annotate_app.design_order import possible_distance, spaced
from annotate_app.design_proof import proof, rules_from, rules_values
from annotate_app.design_rows import first_of_each
from annotate_app.design_squares import generator, square_rows, williams_square
from workspace.errors import StudyFault


def images(contents: int, variants: int = 18, reserved: int = 0) -> list[Image]:
    """Contents with a reference and variants each; reserved ones for gold, training and stabilising besides."""
    found = []
    for c in range(contents + reserved):
        for v in range(variants + 1):
            role = ("reference" if v == 0 else "test") if c < contents else ("gold", "training", "stabilising")[v % 3]
            found.append(Image(f"P{c:03d}_{v}", f"P{c:03d}", f"v{v}" if v else "", role))
    return found


@pytest.mark.parametrize("blocks", range(1, 13))
def test_a_williams_square_is_balanced(blocks: int) -> None:
    """Each block stands in each place equally often and follows each other block equally often."""
    square = williams_square(blocks)
    assert square.shape == (square_rows(blocks), blocks)
    for place in range(blocks):
        assert set(Counter(square[:, place].tolist()).values()) == {len(square) // blocks}
    follows = Counter(pair for row in square.tolist() for pair in pairwise(row))
    assert len(follows) == blocks * (blocks - 1)
    assert len(set(follows.values())) <= 1


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 23), st.integers(1, 20), st.integers(1, 10), st.integers(0, 99))
def test_a_partition_spreads_contents_and_variants(contents: int, variants: int, blocks: int, seed: int) -> None:
    """Blocks, a content's versions and a variant's images differ by at most one between blocks."""
    if blocks > contents * variants:
        return
    content = np.repeat(np.arange(contents), variants)
    variant = np.tile(np.arange(variants), contents)
    given_blocks = partition(content.tolist(), variant.tolist(), blocks, False, generator(seed, "t"))
    for group in (np.zeros_like(content), content, *([variant] if variants > 1 else [])):
        for value in np.unique(group):
            counts = np.bincount(given_blocks[group == value], minlength=blocks)
            assert counts.max() - counts.min() <= 1


def test_whole_contents_stay_together() -> None:
    """Together, no content is parted and the blocks are as even as whole contents allow."""
    content = [c for c in range(10) for _ in range(c % 3 + 1)]
    given_blocks = partition(content, [0] * len(content), 3, True, generator(1, "t"))
    assert all(len(set(given_blocks[np.array(content) == c])) == 1 for c in range(10))
    assert np.ptp(np.bincount(given_blocks)) <= 2


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=80), st.integers(1, 9), st.integers(0, 99))
def test_equal_contents_stand_apart(contents: list[int], wanted: int, seed: int) -> None:
    """An order holds each item once and keeps the distance that it says."""
    order, reached = spaced(contents, possible_distance(contents, wanted), generator(seed, "o"))
    assert sorted(order) == list(range(len(contents)))
    places: dict[int, list[int]] = defaultdict(list)
    for place, item in enumerate(order):
        places[contents[item]].append(place)
    assert all(b - a >= reached for found in places.values() for a, b in pairwise(found))


@pytest.fixture(scope="module")
def paper() -> Plan:
    """The paper's 1,900 images and 40 observers, with six contents left out."""
    shown = images(100, reserved=6)
    return make_plan(shown, fitting_rules(1900, gold=6), 40, 20250919)


def test_the_papers_plan_holds_by_a_second_computation(paper: Plan) -> None:
    """Read from the plan's lines alone: 40 votes for each image, each four times in each sitting, contents apart, repeats late."""
    votes: Counter[str] = Counter()
    by_sitting: Counter[tuple[str, int]] = Counter()
    rows: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    for line in paper.lines():
        _, row, _, sitting, role, name = line.strip().split(",")
        rows[int(row)].append((int(sitting), role, name))
        if role in ("test", "reference"):
            votes[name] += 1
            by_sitting[name, int(sitting)] += 1
    assert len(votes) == 1900
    assert set(votes.values()) == {40}
    assert len(by_sitting) == 19_000
    assert set(by_sitting.values()) == {4}
    companions: set[frozenset[str]] = set()
    for shown in rows.values():
        for sitting in range(1, 11):
            places = [(role, name) for at, role, name in shown if at == sitting]
            roles = Counter(role for role, _ in places)
            assert len(places) == 208 + (5 if sitting == 1 else 3) - 2
            assert roles["gold"] == 6
            assert roles["repeat"] == 10
            assert roles["test"] + roles["reference"] == 190
            last: dict[str, int] = {}
            for position, (_, name) in enumerate(places):
                content = name.split("_")[0]
                assert position - last.get(content, -99) >= 8 or roles["stabilising"] > position
                last[content] = position
            companions.add(frozenset(name for role, name in places if role in ("test", "reference")))
        seen: dict[str, tuple[int, int]] = {}
        for position, (sitting, role, name) in enumerate(shown):
            if role in ("test", "reference"):
                assert name not in seen
                seen[name] = sitting, position
            elif role == "repeat":
                assert seen[name][0] < sitting or position - seen[name][1] >= 20
    assert len(companions) == 40
    assert len({tuple(name for _, _, name in shown) for shown in rows.values()}) == 40


def test_the_papers_proof_says_what_the_reference_says(paper: Plan) -> None:
    """Half widths .48 and .64, about 21 minutes a sitting, 3.5 hours, balance of 4, no violation."""
    said = proof(paper)
    assert said["votes_per_image"] == {"least": 40, "median": 40.0, "most": 40}
    assert said["ci95_half_width"] == {"1.50": 0.48, "2.00": 0.64}
    assert 3.4 <= said["hours_per_observer"] <= 3.7
    assert {n for row in said["balance"]["block_by_place"] for n in row} == {4}
    assert said["balance"]["block_after_block"] == {"least": 4, "most": 4}
    assert said["paired"] == {"least": 40, "mean": 40.0}
    assert said["gives_up"] == []
    assert set(said["violations"].values()) == {0}
    assert rules_from(rules_values(paper.rules)) == paper.rules


def test_a_row_depends_on_its_number_alone(paper: Plan) -> None:
    """Rows made later are the same rows; another seed gives another plan."""
    later = make_plan(paper.images, paper.rules, 3, paper.seed, first=37)
    assert later.rows == paper.rows[37:]
    assert plan_sha256([make_plan(paper.images, paper.rules, 1, 1)]) != plan_sha256([make_plan(paper.images, paper.rules, 1, 2)])


def test_a_short_design_gives_equal_votes_and_keeps_pairs() -> None:
    """Seven of ten blocks: 28 votes for each image; whole contents keep every pair; spread without pairs is refused."""
    shown = images(20)
    rules = fitting_rules(380, blocks=10, take=7, per_sitting=1, together=True)
    said = proof(make_plan(shown, rules, 40, 5))
    assert said["votes_per_image"] == {"least": 28, "median": 28.0, "most": 28}
    assert said["paired"] == {"least": 28, "mean": 28.0}
    assert set(said["violations"].values()) == {0}
    with pytest.raises(StudyFault, match="DMOS would lose its pairs: keep whole contents together"):
        make_plan(shown, fitting_rules(380, blocks=10, take=6), 40, 5)
    everywhere = fitting_rules(380, blocks=10, take=7, per_sitting=1, references_everywhere=True)
    assert proof(make_plan(shown, everywhere, 40, 5))["paired"] == {"least": 28, "mean": 28.0}


def test_small_sets_say_what_they_give_up() -> None:
    """Eleven photos and five observers: equal votes, no violation, and the losses in words."""
    said = proof(make_plan(images(11), fitting_rules(209, gold=6), 5, 1))
    assert said["votes_per_image"]["least"] == said["votes_per_image"]["most"] == 5
    assert set(said["violations"].values()) == {0}
    text = " ".join(said["gives_up"])
    assert "no training" in text
    assert "no gold" in text
    assert "unfinished square" in text


def test_authentic_photos_have_subjects_as_contents() -> None:
    """No variants, subjects with unlike numbers of photos: balanced votes and no subject twice in a row."""
    shown = [Image(f"A{s}_{k}", f"S{s}", "", "test") for s in range(30) for k in range(s % 4 + 1)]
    said = proof(make_plan(shown, fitting_rules(len(shown)), 8, 2))
    assert said["votes_per_image"] == {"least": 8, "median": 8.0, "most": 8}
    assert said["paired"] is None
    assert set(said["violations"].values()) == {0}


def test_nothing_to_rate_is_refused() -> None:
    """A study whose contents are all reserved is refused in one line."""
    with pytest.raises(StudyFault, match="no image is left to rate"):
        make_plan([Image("a", "a", "", "gold")], fitting_rules(1), 4, 1)


SUBJECTS = [Image(f"A{s}_{k}", f"S{s}", "", "test") for s in range(60) for k in range(s % 4 + 1)]
UNEVEN = [image for k, image in enumerate(images(40)) if k % 7 != 3]
LARGE = [Image(f"P{k // 19}/{k}", f"P{k // 19}", str(k % 19), "test") for k in range(3000)]


@pytest.mark.parametrize(
    ("shown", "rules", "rows", "seed", "sha256"),
    [
        (images(100, reserved=6), fitting_rules(1900, gold=6), 40, 20250919, "83c5cabddba7c6de237c2244"),
        (images(20), fitting_rules(380, blocks=10, take=7, per_sitting=1, together=True), 25, 5, "160f5468368a8e2ea92414fc"),
        (images(20), fitting_rules(380, blocks=10, take=7, per_sitting=2, references_everywhere=True), 25, 5, "84f89e1f30b53a3f6f005532"),
        (images(11), fitting_rules(209, gold=6), 5, 1, "c35c2847ab4181dfad4a5cc3"),
        (SUBJECTS, fitting_rules(len(SUBJECTS), blocks=5), 13, 2, "f14d5c6e7e8781c9193c867d"),
        (UNEVEN, fitting_rules(len(UNEVEN), blocks=7, take=7, repeats=3), 17, 3, "1705b9ebf937409d3da46b5e"),
        (LARGE, fitting_rules(3000, blocks=15, take=1), 40, 1, "21e68218b1d953250bf27523"),
        (LARGE[:2900], fitting_rules(2900, blocks=15, take=3, per_sitting=1, gold=2), 33, 9, "00bca31701ba86169cbce814"),
    ],
    ids=["paper", "together", "everywhere", "few", "subjects", "uneven", "one block each", "odd"],
)  # fmt: skip
def test_a_design_version_keeps_its_plans(shown: list[Image], rules: Rules, rows: int, seed: int, sha256: str) -> None:
    """Studies frozen with design version 1 are derived again to the byte: a change of these hashes asks for another version."""
    assert DESIGN_VERSION == "1"
    assert plan_sha256([make_plan(shown, rules, rows, seed)]).startswith(sha256)


def test_stabilising_items_come_from_all_contents_in_turn() -> None:
    """The first of each content in the drawn order, then the second of each, never more than asked for."""
    content = [0, 0, 0, 1, 1, 2]
    assert first_of_each([0, 1, 3, 4, 5, 2], content, 3) == [0, 3, 5]
    assert first_of_each([0, 1, 3, 4, 5, 2], content, 5) == [0, 3, 5, 1, 4]
    assert first_of_each([0, 1, 3, 4, 5, 2], content, 9) == [0, 3, 5, 1, 4, 2]
    assert first_of_each([0, 1], content, 0) == []


def test_pairs_and_votes_are_counted_as_a_matrix_would() -> None:
    """Votes per image and observers who see image and reference both agree with a whole matrix of images and rows."""
    plan = make_plan(images(12), fitting_rules(228, blocks=6, take=4, per_sitting=2, references_everywhere=True), 9, 4)
    seen = np.zeros((len(plan.images), len(plan.rows)), np.int64)
    for number, row in enumerate(plan.rows):
        for shown in row:
            seen[shown.image, number] += shown.role in ("test", "reference")
    said = proof(plan)
    assert said["votes_per_image"] == {"least": seen.sum(1).min(), "median": np.median(seen.sum(1)), "most": seen.sum(1).max()}
    shared = [np.minimum(seen[k], seen[k - k % 19]).sum() for k in range(len(seen)) if k % 19]
    assert said["paired"] == {"least": min(shared), "mean": round(float(np.mean(shared)), 2)}
