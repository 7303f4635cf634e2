"""Any decoded picture as 8-bit RGB: 16-bit, CMYK, palettes, grey, floating point, alpha on white, ICC profiles to sRGB."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from distort.types.arrays import Pixels, to_uint8

_DEEP = ("I;16", "I;16L", "I;16B", "I;16N")


def to_rgb(image: Image.Image) -> tuple[Pixels, bytes | None, list[str]]:
    """`(H, W, 3)` uint8 RGB of a loaded image, the ICC profile that still has to be applied to it, and flags.

    Flags: `alpha` (something was not opaque; white lies behind it), `profile_ignored` (the profile can't be used).
    Profiles of CMYK and grey pictures are applied here, those of RGB pictures are left to `to_srgb`.
    """
    profile = image.info.get("icc_profile") or None
    if image.mode in _DEEP:
        return grey(np.floor(np.asarray(image).astype(np.float32) / 257 + 0.5)), None, []
    if image.mode in ("I", "F"):
        return grey(scaled(np.asarray(image))), None, []
    if image.has_transparency_data:
        rgb, flags = on_white(np.asarray(image.convert("RGBA")))
        return rgb, profile if colours(profile) == "RGB" else None, flags
    if image.mode == "LAB":
        return _from_lab(image), None, []
    wanted = {"CMYK": "CMYK", "L": "GRAY"}.get(image.mode)
    if profile and wanted and colours(profile) == wanted:
        return _by_profile(image, profile)
    flags = ["profile_ignored"] if profile and (wanted or colours(profile) != "RGB") else []
    rgb = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    return rgb, None if flags else profile, flags


def grey(values: NDArray[Any]) -> Pixels:
    """`(H, W)` values on 0..255 as three equal channels."""
    plane = np.clip(values, 0, 255).astype(np.uint8)
    return np.repeat(plane[:, :, None], 3, axis=2)


def scaled(values: NDArray[Any]) -> NDArray[np.floating]:
    """Integers or floats of unknown range on 0..255: the range is the least of 1 (floats), 255, 65535 that holds them, else the maximum."""
    numbers = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(numbers.max(initial=0.0))
    ranges = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    full = next((r for r in ranges if top <= r), top)
    levels: NDArray[np.floating] = np.floor(numbers * (255.0 / full) + 0.5)
    return levels


def on_white(rgba: NDArray[np.uint8]) -> tuple[Pixels, list[str]]:
    """`(H, W, 4)` uint8 laid on white, rounded half up; flagged `alpha` where anything was not opaque."""
    if rgba[:, :, 3].min(initial=255) == 255:
        return np.ascontiguousarray(rgba[:, :, :3]), []
    out = np.empty((*rgba.shape[:2], 3), dtype=np.uint8)
    for top in range(0, rgba.shape[0], 512):
        part = rgba[top : top + 512].astype(np.float32)
        weight = part[:, :, 3:] / 255.0
        out[top : top + 512] = to_uint8(part[:, :, :3] * weight + 255.0 * (1.0 - weight))
    return out, ["alpha"]


def to_srgb(rgb: Pixels, profile: bytes | None) -> tuple[Pixels, list[str]]:
    """`(H, W, 3)` uint8 from an RGB profile to sRGB, relative colorimetric with black point compensation.

    A profile that is sRGB in effect (no colour moves by more than one step) leaves the pixels alone.
    """
    transform = _transform(profile, "RGB") if profile else None
    if transform == "bad":
        return rgb, ["profile_ignored"]
    if transform is None:
        return rgb, []
    moved = ImageCms.applyTransform(Image.fromarray(rgb), transform)
    return np.asarray(moved, dtype=np.uint8), ["profile_converted"]


def has_own_curve(profile: bytes | None) -> bool:
    """Whether greys move under an RGB profile's conversion, so that averages of pixels must be taken after it, in sRGB."""
    transform = _transform(profile, "RGB") if profile else None
    if transform is None or transform == "bad":
        return False
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(ramp), transform)).astype(int)
    return bool(np.abs(moved - ramp).max() > 1)


def colours(profile: bytes | None) -> str:
    """The colour space of an ICC profile: `RGB`, `CMYK`, `GRAY` ..., or an empty text when it is none."""
    if not profile or len(profile) < 128 or profile[36:40] != b"acsp":
        return ""
    return profile[16:20].decode("ascii", "replace").strip()


def _by_profile(image: Image.Image, profile: bytes) -> tuple[Pixels, bytes | None, list[str]]:
    transform = _transform(profile, image.mode)
    if transform is None or transform == "bad":
        return np.asarray(image.convert("RGB")), None, ["profile_ignored"] if transform else []
    moved = ImageCms.applyTransform(image, transform)
    return np.asarray(moved, dtype=np.uint8), None, ["profile_converted"]


def _from_lab(image: Image.Image) -> Pixels:
    transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    moved = ImageCms.applyTransform(image, transform)
    return np.asarray(moved, dtype=np.uint8)


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> Any:
    """A transform to sRGB; None when it would move nothing by more than one step; "bad" when the profile can't be used."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        made = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if mode == "CMYK":
            return made
        probe = _probe(mode)
        before = np.asarray(probe.convert("RGB")).astype(int)
        after = np.asarray(ImageCms.applyTransform(probe, made)).astype(int)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return "bad"
    return None if np.abs(after - before).max() <= 1 else made


def _probe(mode: str) -> Image.Image:
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    steps = np.linspace(0, 255, 18).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return Image.fromarray(np.ascontiguousarray(cube))
