"""A graded set as a folder to pass on: images, manifest, dataset card (README.md) and Croissant metadata (croissant.json)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from distort.recipes import Recipe
from distort.sheet import parameters
from distort.work import planned, versions
from workspace.errors import WorkspaceFault
from workspace.files import link_or_copy, need_space, sha256_file, write_json, write_rows, write_text
from workspace.manifest import Row, read_manifest, rebuild, source_rows
from workspace.settings import Workspace
from workspace.tables import MANIFEST_COLUMNS

UNKNOWN = "not stated"

LIMITS = """\
- The photos were not drawn at random from any population; the counts above say what is in, not what is out there.
- Distortions are synthetic and applied one at a time unless a variant is a chain; a phone's own faults may look different.
- Levels follow KADID-10k, whose opinions were given on everyday photographs, not on skin.
- A photo that was already compressed or blurred carries that into every variant: see the flags in `manifest.csv`.
- PSNR and SSIM compare with the pristine photo as prepared here; they are not opinions.
"""


@dataclass
class Summary:
    """Counts of one pass over the manifest and `sources.csv`, all that the card tells of."""

    photos: int = 0
    images: int = 0
    total_bytes: int = 0
    identities: int = 0
    subjects: set[str] = field(default_factory=set)
    sources: Counter[tuple[str, str]] = field(default_factory=Counter)
    credits: dict[str, None] = field(default_factory=dict)
    skin_tones: Counter[str] = field(default_factory=Counter)
    body_sites: Counter[str] = field(default_factory=Counter)
    closed: list[str] = field(default_factory=list)

    def add_photo(self, row: Row) -> None:
        """Count a photo by its row of `sources.csv`."""
        self.photos += 1
        self.subjects.add(row["subject"] or row["pristine"])
        self.sources[(row["source"] or UNKNOWN, row["licence"] or UNKNOWN)] += 1
        self.skin_tones[row["skin_tone"] or UNKNOWN] += 1
        self.body_sites[row["body_site"] or UNKNOWN] += 1
        if row["credit"]:
            self.credits[row["credit"]] = None
        if row["may_redistribute"].strip().lower() != "yes":
            self.closed.append(row["pristine"])


def images(workspace: Workspace, recipe: str) -> Iterator[Row]:
    """The manifest's rows of one recipe, and of the pristine photos that have an image of it."""
    waiting: Row | None = None
    for row in read_manifest(workspace, recipe):
        if row["kind"] == "pristine":
            waiting = row
            continue
        if waiting is not None:
            yield waiting
            waiting = None
        yield row


def summary(workspace: Workspace, recipe: str) -> Summary:
    """Counts over the images of a recipe. Raises WorkspaceFault when there are none."""
    result = Summary()
    names: set[str] = set()
    for row in images(workspace, recipe):
        result.images += 1
        result.total_bytes += int(row["bytes"])
        result.identities += "identity" in row["flags"].split()
        names.add(row["pristine"])
    for row in source_rows(workspace):
        if row["pristine"] in names:
            result.add_photo(row)
    if not names:
        raise WorkspaceFault(f"{workspace.manifest} has no image of recipe {recipe}: make them with `dermiqa distort`")
    return result


def export_folder(workspace: Workspace, recipe: Recipe, folder: Path, *, include_closed: bool = False) -> Summary:
    """Write the images of a recipe with manifest, card and Croissant into `folder` (linked where the disk allows it).

    The manifest is brought up to date first, since `sources.csv` may have been filled in after the run. Raises WorkspaceFault when
    a photo's `may_redistribute` is not yes and `include_closed` is not said.
    """
    if workspace.manifest.exists():
        rebuild(workspace)
    found = summary(workspace, recipe.name)
    if found.closed and not include_closed:
        some = ", ".join(found.closed[:3]) + (", ..." if len(found.closed) > 3 else "")
        raise WorkspaceFault(
            f"{_photos(found.closed)} may not be passed on ({some}: may_redistribute in sources.csv is not yes): "
            "export the recipe without images, or say --include-closed"
        )
    need_space(folder, found.total_bytes, f"the set in {folder}")
    for row in images(workspace, recipe.name):
        link_or_copy(workspace.root / row["file"], folder / row["file"])
    write_rows(folder / "manifest.csv", images(workspace, recipe.name), MANIFEST_COLUMNS)
    write_text(folder / "README.md", card_text(workspace, recipe, found))
    write_json(folder / "croissant.json", croissant(workspace, recipe, found, sha256_file(folder / "manifest.csv")))
    return found


def _photos(names: Sequence[str]) -> str:
    return "1 photo" if len(names) == 1 else f"{len(names)} photos"


def card_text(workspace: Workspace, recipe: Recipe, found: Summary) -> str:
    """The dataset card: counts, sources, licences, skin tones, parameters, known limits."""
    lines = [f"# {workspace.settings.name}: {recipe.name}", ""]
    lines += [
        f"{found.images} images: {found.photos} pristine photos of {len(found.subjects)} subjects and {len(recipe.variants)} variants "
        f"of each, 8-bit sRGB PNG, largest side {workspace.settings.largest_side} pixels.",
        f"{found.identities} of them equal their pristine photo and are flagged `identity`." if found.identities else "",
        f"`manifest.csv` has one row per image; `pixels_sha256` is over the decoded pixels. Seed {workspace.settings.seed}.",
        "",
        f"**{_photos(found.closed)} may not be passed on: this copy is for those who may use them.**\n" if found.closed else "",
        "## Sources and licences",
        "",
    ]
    pairs = [[source, licence, str(n)] for (source, licence), n in sorted(found.sources.items())]
    lines += [*_table(["source", "licence", "photos"], pairs), "", *(f"- {credit}" for credit in found.credits), ""]
    for title, counts in (("Skin tones", found.skin_tones), ("Body sites", found.body_sites)):
        lines += [f"## {title}", "", *_table(["value", "photos"], [[k, str(n)] for k, n in sorted(counts.items())]), ""]
    rows = [planned(variant, recipe, workspace.settings.seed) for variant in recipe.variants]
    cells = [[r["variant"], r["axis"], r["kadid_type"] or "-", r["kadid_level"] or "-", parameters(r)] for r in rows]
    lines += ["## Variants", "", *_table(["variant", "axis", "KADID type", "level", "parameter"], cells), ""]
    lines += [f"Made with {versions()}.", "", "## Known limits", "", LIMITS]
    return "\n".join(line for line in lines if line is not None)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *(f"| {' | '.join(row)} |" for row in rows)]


CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/", "equivalentProperty": "cr:equivalentProperty", "samplingRate": "cr:samplingRate",
    "rai": "http://mlcommons.org/croissant/RAI/", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5",
    "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "sc": "https://schema.org/", "separator": "cr:separator",
    "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
NUMBERS = {"width": "sc:Integer", "height": "sc:Integer", "bytes": "sc:Integer", "clipped": "sc:Float"}


def _citation(workspace: Workspace, recipe: Recipe, found: Summary) -> str:
    credit = "; ".join(found.credits) or UNKNOWN
    return f"{workspace.settings.name}, {recipe.name}: {found.images} images. Photos: {credit}."


def croissant(workspace: Workspace, recipe: Recipe, found: Summary, manifest_sha256: str) -> dict[str, Any]:
    """The set's description in Croissant 1.0: the manifest as a record set, the images as a file set."""
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"images/{column}",
            "name": column,
            "dataType": NUMBERS.get(column, "sc:Text"),
            "source": {"fileObject": {"@id": "manifest.csv"}, "extract": {"column": column}},
        }
        for column in MANIFEST_COLUMNS
    ]
    manifest = {
        "@type": "cr:FileObject", "@id": "manifest.csv", "name": "manifest.csv", "contentUrl": "manifest.csv",
        "encodingFormat": "text/csv", "sha256": manifest_sha256, "description": "One row per image.",
    }  # fmt: skip
    pictures = {
        "@type": "cr:FileSet", "@id": "png", "name": "png", "encodingFormat": "image/png",
        "includes": ["pristine/*.png", "distorted/*/*/*.png"],
        "description": "The images that the manifest lists.",
    }  # fmt: skip
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"{workspace.settings.name}-{recipe.name}",
        "description": f"{found.photos} pristine photos, {len(recipe.variants)} graded variants of each by the recipe {recipe.name}.",
        "license": sorted({licence for _, licence in found.sources}),
        "creditText": "; ".join(found.credits),
        "citeAs": _citation(workspace, recipe, found),
        "datePublished": datetime.now(UTC).date().isoformat(),
        "version": "1.0.0",
        "distribution": [manifest, pictures],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": "images", "name": "images", "key": {"@id": "images/file"}, "field": fields}
        ],
    }
