"""What a recipe would make of one photo, before a run: the ladder of its variants as a contact sheet and as figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from distort.metrics import Ssim, clipped, psnr
from distort.recipes import Recipe
from distort.sheet import Cell, draw, parameters, reduced
from distort.types.arrays import Pixels
from distort.work import distorter, pixels_sha256, planned
from workspace.errors import PhotoFault


@dataclass(frozen=True)
class Rung:
    """One variant of a ladder: its figures against the pristine image; `psnr` in dB, infinite for an identity."""

    variant: str
    axis: str
    parameters: str
    psnr: float
    ssim: float
    clipped: float


def prepared(path: Path, side: int) -> Pixels:
    """Any photo as `dermiqa prepare` would make it, without edits: `(H, W, 3)` uint8, largest side `side`. Raises PhotoFault."""
    from distort.intake.one import pristine
    from distort.intake.read import read_photo
    from distort.intake.shape import Edits

    try:
        return pristine(read_photo(path), Edits(), side)[0]
    except PhotoFault as fault:
        raise PhotoFault(f"{path}: {fault}") from None


def ladder(rgb: Pixels, recipe: Recipe, *, seed: int, title: str, side: int = 256) -> tuple[list[Rung], Pixels]:
    """Every variant's figures, and a contact sheet with pictures of at most `side` pixels."""
    make, ssim = distorter(rgb, recipe, seed, pixels_sha256(rgb)), Ssim(rgb)
    rungs, cells = [], [Cell(reduced(rgb, side), ("pristine", f"{rgb.shape[1]} x {rgb.shape[0]} px", ""))]
    for variant in recipe.variants:
        image = make(variant)
        said = parameters(planned(variant, recipe, seed))
        rung = Rung(variant.name, variant.axis, said, psnr(rgb, image), ssim.of(image), clipped(image))
        rungs.append(rung)
        quality = f"PSNR {rung.psnr:.1f} dB, SSIM {rung.ssim:.3f}"
        cells.append(Cell(reduced(image, side), (variant.name, said, quality)))
    return rungs, draw(f"{title}, recipe {recipe.name}", cells, min(5, len(cells)), side)
