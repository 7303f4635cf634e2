from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from workspace import plots

SPACE = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """All texts drawn in an SVG."""
    return [e.text or "" for e in ElementTree.fromstring(svg[svg.index("<svg") :]).iter(f"{SPACE}text")]


def ladder(badge: str = "") -> str:
    """One line over three levels."""
    line = plots.Line("blur", [1, 2, 3], [7, 5, 2], [6, 4, 1.5], [8, 6, 2.5])
    return plots.lines([line], low=1, high=10, title="Blur <costs>", alt="MOS falls & falls", x_label="level", badge=badge)


def test_the_opinion_axis_is_the_whole_scale() -> None:
    """A ladder whose scores lie between 2 and 7 still shows ticks 1 to 10."""
    assert {str(v) for v in range(1, 11)} <= set(texts(ladder()))


def test_a_plot_carries_title_alternative_text_and_direct_labels() -> None:
    """The SVG is an image for screen readers, with title and description escaped, and each line named at its end."""
    svg = ladder()
    root = ElementTree.fromstring(svg[svg.index("<svg") :])
    assert root.get("role") == "img"
    assert root.findtext(f"{SPACE}title") == "Blur <costs>"
    assert root.findtext(f"{SPACE}desc") == "MOS falls & falls"
    assert "blur" in texts(svg)


def test_simulated_plots_say_so() -> None:
    """The badge stands in the picture itself."""
    assert "SIMULATED" in texts(ladder("SIMULATED"))
    assert "SIMULATED" not in texts(ladder())


def test_the_same_numbers_give_the_same_bytes() -> None:
    """Plots are reproducible."""
    assert ladder() == ladder()


def test_panels_name_each_group_and_only_lines_that_share_one() -> None:
    """Small plots carry their group's name, the whole scale and the badge; a single line needs no name of its own."""
    line = plots.Line("blur_x", [0, 1], [9, 3], [8, 2], [10, 4])
    pair = [plots.Line(name, [0, 1, 2], [9, 7, 4]) for name in ("brighten", "darken")]
    many = {f"axis {i}": [line] for i in range(5)} | {"brightness": pair}
    said = texts(plots.panels(many, low=1, high=10, title="Blur costs most", alt="a", x_label="level", badge="SIMULATED"))
    assert {*many, "brighten", "darken", "SIMULATED", "Blur costs most", "MOS", "level", "10"} <= set(said)
    assert "blur_x" not in said
    assert "axis 0" in texts(plots.panels({"axis 0": [line]}, low=1, high=10, title="t", alt="a", x_label="level"))


def test_histogram_bins_are_half_a_point() -> None:
    """Values on the bins' edges count upwards, the top of the scale in the last bin; all groups are named."""
    svg = plots.histogram({"distorted": [1.0, 1.4, 1.5, 10.0], "pristine": [9.9]}, low=1, high=10, title="t", alt="a")
    assert {"distorted", "pristine"} <= set(texts(svg))
    assert svg.count("<path") > 18


@pytest.mark.parametrize("kind", ["intervals", "scatter", "curves"])
def test_every_kind_of_plot_is_valid_xml(kind: str) -> None:
    """Each kind draws from plain numbers."""
    line = plots.Line("fit", [1, 5, 10], [1, 5, 10], [0.5, 4, 9], [1.5, 6, 11])
    if kind == "intervals":
        svg = plots.intervals(["a", "b"], [2, 3], [1.5, 2.5], [2.5, 3.5], low=1, high=10, title="t", alt="a")
    elif kind == "scatter":
        both = {"x_range": (1, 10), "y_range": (1, 10)}
        svg = plots.scatter([1, 2], [2, 3], **both, title="t", alt="a", x_label="x", y_label="y", line=line, diagonal=True)
    else:
        svg = plots.curves([line], title="t", alt="a", x_label="n", y_label="r", y_range=(0, 1), x_log=True)
    assert ElementTree.fromstring(svg[svg.index("<svg") :]).tag == f"{SPACE}svg"
