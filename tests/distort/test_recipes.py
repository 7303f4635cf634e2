"""Recipes: the built-in ones against the published table, one's own from TOML, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from distort.recipes import load_recipe, to_toml
from workspace.errors import UsageFault

PAPER = """
jpeg_1 10_03 24, jpeg_2 10_04 7, jpeg_3 10_05 4, blur_1 01_04 2, pixelate_1 21_02 .05, pixelate_2 21_05 .5, sharpen_1 24_01 1,
sharpen_2 24_02 2, sharpen_3 24_04 6, brighten_1 16_03 .4, brighten_2 16_04 .7, darken_1 17_04 .4, darken_2 17_05 .8,
color_1 07_01 .4, color_2 08_03 3, contrast_1 25_01 .3, contrast_2 25_04 -.4, contrast_3 25_05 -.6
"""


def test_the_paper_recipe_is_the_published_table() -> None:
    """The default has the 18 variants in their order, each with its type, level and parameter, on seven axes."""
    expected = [tuple(entry.split()) for entry in PAPER.replace("\n", " ").split(",")]
    recipe = load_recipe("paper")
    assert len(recipe.variants) == 18
    for variant, (name, code, amount) in zip(recipe.variants, expected, strict=True):
        (step,) = variant.steps
        assert (variant.name, f"{step.number:02d}_{step.level:02d}", step.amount) == (name, code, float(amount))
    axes = list(dict.fromkeys(v.axis for v in recipe.variants))
    assert axes == ["jpeg", "blur", "pixelate", "sharpen", "brightness", "color", "contrast"]


def test_kadid_has_all_types_and_says_what_stands_in() -> None:
    """kadid has 25 x 5 variants; without weights type 15 is replaced by one that is named for what it is."""
    recipe = load_recipe("kadid")
    assert len(recipe.variants) == 125
    numbers = {v.steps[0].number for v in recipe.variants}
    assert numbers == {*range(1, 15), *range(16, 26), 115}
    assert [v.name for v in recipe.variants if v.steps[0].number == 115] == [f"denoise_nlm_{k}" for k in range(1, 6)]
    seven = load_recipe("kadid-seven")
    assert len(seven.variants) == 45
    assert {v.steps[0].number for v in seven.variants} == {1, 7, 8, 10, 16, 17, 21, 24, 25}


def test_kadid_with_weights_takes_type_15(tmp_path: Path) -> None:
    """With a weights file the recipe kadid is KADID's 25 types and remembers the file's hash."""
    weights = tmp_path / "dncnn.onnx"
    weights.write_bytes(b"weights")
    recipe = load_recipe("kadid", dncnn=weights)
    assert {v.steps[0].number for v in recipe.variants} == set(range(1, 26))
    assert recipe.weights_sha256 == hashlib.sha256(b"weights").hexdigest()
    with pytest.raises(UsageFault, match=r"gone\.onnx is not there"):
        load_recipe("kadid", dncnn=tmp_path / "gone.onnx")


def test_a_recipe_survives_its_own_toml(tmp_path: Path) -> None:
    """A recipe written as TOML and read back is the same: levels, free amounts, chains, strict."""
    path = tmp_path / "phone.toml"
    path.write_text(
        'name = "phone"\nstrict = true\n[[variant]]\nname = "soft"\naxis = "blur"\ntype = "gaussian_blur"\namount = 1.4\n'
        '[[variant]]\nname = "night"\nsteps = [{ type = 17, level = 4 }, { type = "jpeg", amount = 30 }]\n'
        '[[variant]]\nname = "q"\ntype = 10\nlevel = 5\n'
    )
    recipe = load_recipe(path)
    assert recipe.strict
    assert [(v.name, v.axis, len(v.steps)) for v in recipe.variants] == [
        ("soft", "blur", 1),
        ("night", "combined", 2),
        ("q", "jpeg", 1),
    ]
    copy = tmp_path / "copy.toml"
    copy.write_text(to_toml(recipe))
    assert load_recipe(copy) == recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has no variants: at least one \[\[variant\]\] was expected"),
        ("strikt = true", r"unknown key 'strikt' \(did you mean 'strict'\?\)"),
        ('strict = "yes"\n[[variant]]\nname="a"\ntype=1\nlevel=1', "strict is 'yes', true or false was expected"),
        ('name = "paper"\n[[variant]]\nname="a"\ntype=1\nlevel=1', "is a built-in recipe: choose another"),
        ('[[variant]]\nname="a/b"\ntype=1\nlevel=1', r"variant 1: name is 'a/b': 1 to 60 letters"),
        ('[[variant]]\nname="con"\ntype=1\nlevel=1', r"variant 1: name is 'con'"),
        ('[[variant]]\ntype=1\nlevel=1', r"variant 1: name is None"),
        ('[[variant]]\nname="a"\ntype=1\nlevel=6', r"variant 1: type 01 \(gaussian_blur\) has no level 6"),
        ('[[variant]]\nname="a"\ntype=1\nlevel="3"', r"variant 1: level is '3', a whole number from 1 to 5"),
        ('[[variant]]\nname="a"\ntype="jpg"\nlevel=3', r"variant 1: no distortion 'jpg' \(did you mean 'jpeg'\?\)"),
        ('[[variant]]\nname="a"\ntype=1', r"one of `level` \(1 to 5\) and `amount` was expected"),
        ('[[variant]]\nname="a"\ntype=10\namount=200', r"amount 200 is outside 1 to 100 \(quality\)"),
        ('[[variant]]\nname="a"\ntype=1\namount=true', r"amount is True, a number was expected"),
        ('[[variant]]\nname="a"', r"one of `type` and `steps` was expected"),
        ('[[variant]]\nname="a"\nsteps=[{type=1,level=1}]', r"steps is not a list of two tables or more"),
        ('[[variant]]\nname="a"\nsteps=[{type=1,level=1},{type=1,lvl=1}]', r"variant 1, step 2 has an unknown key 'lvl'"),
        ('[[variant]]\nname="a"\ntype=1\nlevel=1\n[[variant]]\nname="A"\ntype=2\nlevel=1', "variants 1 and 2 are both named 'A'"),
        ('[[variant]]\nname="a"\ntype=15\nlevel=1', r"uses type 15 \(denoise\), which needs DnCNN's weights"),
        ("[[variant", r"is not valid TOML"),
        ("variant = 3", r"has no variants"),
        ("variant = [3]", r"variant 1 is 3, a table was expected"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_named(tmp_path: Path, text: str, message: str) -> None:
    """Each mistake in a TOML gives one line with the file, the place, what was found and what was expected."""
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(UsageFault, match=message) as caught:
        load_recipe(path)
    assert "own.toml" in str(caught.value) or "recipe own" in str(caught.value)


def test_a_built_in_recipe_can_be_included(tmp_path: Path) -> None:
    """A TOML takes all variants of a built-in recipe over, to have them strict or beside its own."""
    path = tmp_path / "own.toml"
    path.write_text('include = "kadid"\nstrict = true\n[[variant]]\nname = "more"\ntype = 1\namount = 9\n')
    recipe = load_recipe(path)
    assert (len(recipe.variants), recipe.strict, recipe.variants[-1].name) == (126, True, "more")
    path.write_text('include = "kadit"')
    with pytest.raises(UsageFault, match=r"include is 'kadit' \(did you mean 'kadid'\?\), one of paper, kadid, kadid-seven"):
        load_recipe(path)


def test_an_unknown_recipe_names_the_nearest() -> None:
    """A name that is no recipe and no file names the nearest recipe."""
    with pytest.raises(UsageFault, match=r"no recipe 'papper' \(did you mean 'paper'\?\)"):
        load_recipe("papper")
    with pytest.raises(UsageFault, match=r"nothing\.toml can't be read"):
        load_recipe("nothing.toml")
