"""The verb study power: how many observers and contents, and what two panels can tell."""

from __future__ import annotations

import click

from dermiqa.commands.common import example, json_option, say, say_json, say_table


@click.command(name="power", **example("dermiqa study power --panels 40 10 --images 380 --margin 1"))
@click.option("--panels", nargs=2, type=click.IntRange(2), default=(40, 10), show_default=True, help="Observers of both panels.")
@click.option("--images", type=click.IntRange(1), default=380, show_default=True, help="Images that both panels rate.")
@click.option("--margin", type=float, help="Points within which the panels shall count as equivalent.")
@click.option(
    "--difference", type=float, default=0.5, show_default=True, help="Points that images or variants shall be told apart at."
)
@click.option("--observers", type=click.IntRange(2), default=40, show_default=True, help="Observers when contents are planned.")
@click.option(
    "--variants", type=click.IntRange(2), default=19, show_default=True, help="Images per content: their pairs are corrected for."
)
@click.option("--observer-sd", type=float, default=0.78, show_default=True, help="SD of the observers' biases, points.")
@click.option("--noise-sd", type=float, default=1.3, show_default=True, help="SD of one vote's own noise, points.")
@click.option("--content-sd", type=float, default=0.6, show_default=True, help="SD of a variant's effect over contents, points.")
@click.option("--seconds", type=float, default=6.0, show_default=True, help="Time per vote.")
@json_option
def power(
    panels: tuple[int, int], images: int, margin: float | None, difference: float, observers: int, variants: int, observer_sd: float,
    noise_sd: float, content_sd: float, seconds: float, as_json: bool,
) -> int:  # fmt: skip
    """Plan a study's size: the smallest margin two panels reach, and observers and contents for a difference.

    Exit 1 when the asked margin is out of reach: freezing such a study demands a written reason.
    """
    from mos import power as planning

    plan = planning.panels(*panels, images, margin=margin, observer_sd=observer_sd, noise_sd=noise_sd, seconds=seconds)
    pairs = variants * (variants - 1) // 2
    needed = {
        "observers, two images": planning.observers_needed(difference, noise_sd=noise_sd),
        f"observers, {pairs} pairs of images": planning.observers_needed(difference, noise_sd=noise_sd, comparisons=pairs),
        "contents, two variants": planning.contents_needed(
            difference, observers=observers, noise_sd=noise_sd, content_sd=content_sd
        ),
        f"contents, {pairs} pairs of variants": planning.contents_needed(
            difference, observers=observers, noise_sd=noise_sd, content_sd=content_sd, comparisons=pairs
        ),
    }
    if as_json:
        say_json({"panels": plan.as_dict(), "difference": difference, "needed": needed})
        return 1 if plan.enough is False else 0
    rows = [
        (f"smallest margin, {panels[0]} against {panels[1]} on {images} images", f"{plan.smallest_margin:.2f} points"),
        ("minutes per observer without breaks", f"{plan.minutes:.0f}"),
        *([(f"power at a margin of {margin:g}", f"{100 * (plan.power or 0):.0f} %")] if margin is not None else []),
        *((f"{what}, difference {difference:g}, 80 % power", str(n)) for what, n in needed.items()),
    ]
    say_table(rows, ("what", "value"))
    if plan.reason:
        say(plan.reason)
    return 1 if plan.enough is False else 0
