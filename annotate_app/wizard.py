"""The study wizard: its steps, what each one asks, and how a form becomes a change of the draft and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from annotate_app import wizard_forms as forms
from annotate_app.protocol import METHODS
from annotate_app.wizard_forms import Draft, Field
from mos.screening import RULES
from workspace.errors import UsageFault

YES_NO = ("no", "yes")


@dataclass(frozen=True)
class Step:
    """A page of the wizard: what it asks, how its fields are filled from a draft, and how a form changes the draft."""

    name: str
    title: str
    about: str
    fields: Callable[[Draft], tuple[Field, ...]]
    show: Callable[[Draft], dict[str, Any]]
    read: Callable[[Draft, Mapping[str, Sequence[str]]], Draft]


IMAGES = (
    Field("title", "Title", "Observers don't see it; reports do."),
    Field("recipe", "Recipe", "Whose variants are shown.", "recipe"),
    Field("authentic", "Rate the photos as they came, without variants", "", "choice", YES_NO),
    Field(
        "reserve", "Contents kept for training and gold", "Empty: 6, at most a quarter. They are never rated as data.", "number"
    ),
    Field("training", "Training images", "5 or more over the whole range of quality, of other contents than the test.", "number"),
    Field("gold", "Gold images in a session", "Images with a known answer; they judge observers alone.", "number"),
    Field(
        "gold_values",
        "What gold images are expected to get",
        "Values of a pilot's observers are taken on the study's page.",
        "choice",
        tuple(forms.EXPECTED),
    ),
    Field("contents", "Photos", "One name on each line; empty: all that are accepted.", "area"),
    Field(
        "leave_out",
        "Variants left out",
        "One on each line with its reason, such as jpeg_1: same as pristine. Of one photo alone: P0001_jpeg_1.",
        "area",
    ),
)
METHOD = (
    Field(
        "method",
        "Method",
        "ACR-HR hides the pristine image among the others; scores become differences to it.",
        "choice",
        METHODS,
    ),
    Field(
        "levels",
        "Levels of the scale",
        "1 to 10 as the paper has it; P.910 names 5, 9 and 11.",
        "choice",
        ("10", "5", "9", "11", "100"),
    ),
    Field("labels", "Labels", "Five words over pairs of levels, or words at the ends.", "choice", ("pairs", "ends")),
    Field("repeats", "Hidden repeats in a session", "Empty: 5 %. They judge observers, no score uses them.", "number"),
    Field(
        "usefulness",
        "Second question: could the skin be judged? (yes or no)",
        "",
        "choice",
        ("no", "after all images", "with each image"),
    ),
)
DESIGN = (
    Field("blocks", "Blocks", "Empty: sessions of at most 200 images.", "number"),
    Field("take", "Blocks that each observer rates", "Empty: all.", "number"),
    Field("together", "Keep whole contents in one block", "", "choice", YES_NO),
    Field("references_everywhere", "Show the hidden references in every block", "", "choice", YES_NO),
    Field("distance", "Images between two of one content, at least", "", "number"),
    Field("seconds", "Seconds for an image, to reckon with", "", "text"),
    Field("seed", "Seed", "Empty: the workspace's.", "number"),
)
VIEWING = (
    Field("controlled", "Viewing conditions", "", "choice", ("not controlled", "measured")),
    Field("peak_cd_m2", "Peak luminance, cd/m²", "100 to 200 is expected."),
    Field("room_lx", "Light in the room, lx", "At most 20 in a laboratory."),
    Field("white_point", "White point", "D65 is expected."),
    Field("distance_cm", "Distance from the screen, cm", ""),
    Field("display_model", "Display", "Maker and model, calibration."),
    Field("display", "Display check", "", "choice", ("full", "short", "none")),
    Field("vision", "Eyes", "Landolt rings at a computed distance, the smallest gap seen at home, or not assessed.", "choice",
          ("home", "lab", "not_assessable")),
    Field("on_failure", "When the eyes' check fails", "", "choice", ("flag", "end")),
    Field("per_window", "Sessions within the hours below, at most", "", "number"),
    Field("window_hours", "Hours", "", "text"),
)  # fmt: skip
SCREENING = (
    Field("reject_by", "Rules that take observers out of scores made on the command line", "Empty: every rule only proposes.", "many",
          tuple(RULES)),
    Field("two_persons", "A second person must agree before an observer is excluded", "", "choice", YES_NO),
    Field("stated", "The rules in words", "They go into the preregistration and the report.", "area"),
)  # fmt: skip
PILOT = (
    Field("pilot", "People in the pilot", "2 or 3; their votes are never mixed with the data.", "number"),
    Field("dry_run", "Places for a dry run", "Walk the study yourself as an observer; those votes never count either.", "number"),
)


def _images(draft: Draft) -> tuple[Field, ...]:
    """The fields of the step Images; values of their own can be kept where gold images have such."""
    if not isinstance(draft["gold_values"], dict):
        return IMAGES
    words = (forms.OWN, *forms.EXPECTED)
    return tuple(replace(field, choices=words) if field.name == "gold_values" else field for field in IMAGES)


def _fixed(fields: tuple[Field, ...]) -> Callable[[Draft], tuple[Field, ...]]:
    return lambda draft: fields


STEPS = (
    Step("images", "Images", "Which photos and variants are rated, and what is kept for training.", _images,
         forms.show_images, forms.read_images),
    Step("method", "Method and scale", "How an image is judged.", _fixed(METHOD), forms.show_method, forms.read_method),
    Step("panels", "Panels", "Groups of observers, each with its own number of people.", forms.panel_fields, forms.show_panels,
         forms.read_panels),
    Step("design", "Design", "Who sees what when. The preview below is what would be frozen.", _fixed(DESIGN), forms.show_design,
         forms.read_design),
    Step("viewing", "Viewing", "What was measured of screens and rooms, and what each observer's check asks.", _fixed(VIEWING),
         forms.show_viewing, forms.read_viewing),
    Step("texts", "Texts", "What observers read. An empty text is the project's own wording, shown below each field.",
         forms.text_fields, forms.show_texts, forms.read_texts),
    Step("screening", "Screening", "Rules are stated before the first vote. Each proposes; a person decides.", _fixed(SCREENING),
         forms.show_screening, forms.read_screening),
    Step("pilot", "Pilot", "A rehearsal kept apart from the data.", _fixed(PILOT), forms.show_pilot, forms.read_pilot),
)  # fmt: skip
FREEZE = "freeze"
NAMES = (*(step.name for step in STEPS), FREEZE)


def step_named(name: str) -> Step:
    """A step by its name. Raises UsageFault."""
    for step in STEPS:
        if step.name == name:
            return step
    raise UsageFault(f"the wizard has no step {name!r}: {', '.join(NAMES)}")


def following(name: str) -> str:
    """The name of the step after one."""
    return NAMES[min(NAMES.index(name) + 1, len(NAMES) - 1)]
