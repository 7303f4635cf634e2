"""The columns of the workspace's two tables, stated once."""

from __future__ import annotations

SOURCES_COLUMNS = [
    "file", "pristine", "sha256", "subject", "source", "source_url", "licence", "credit", "may_show", "may_alter",
    "may_redistribute", "consent_ref", "consent_expires", "body_site", "skin_tone", "diagnosis", "notes", "crop", "rotation",
    "masks", "width", "height", "flags", "accepted",
]  # fmt: skip

KEYS_COLUMNS = ["pristine", "original"]

MANIFEST_COLUMNS = [
    "file", "kind", "pristine", "subject", "source", "licence", "recipe", "variant", "axis", "kadid_type", "kadid_level",
    "parameter", "unit", "seed", "width", "height", "bytes", "sha256", "pixels_sha256", "psnr", "ssim", "clipped", "flags",
    "versions",
]  # fmt: skip
