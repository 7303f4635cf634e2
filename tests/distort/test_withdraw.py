"""A photo taken out everywhere."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from distort.engine import run
from distort.intake.prepare import prepare
from distort.recipes import load_recipe
from distort.withdraw import find, withdraw
from workspace.errors import WorkspaceFault
from workspace.files import read_rows
from workspace.settings import Workspace, create
from workspace.sources import read_keys, read_sources
from workspace.verify import file_faults


@pytest.fixture
def place(tmp_path: Path, demo_photos: Path) -> Workspace:
    """Two photos with variants, frozen copies, exports, sheets, a cache outside and a model."""
    made = create(tmp_path / "ws")
    list(prepare(made, [demo_photos / "tinea_forearm.jpg", demo_photos / "poison_oak_arm.jpg"], keep_names=True, jobs=0))
    list(run(made, load_recipe("paper")))
    image = made.distorted / "paper" / "tinea_forearm" / "blur_1.png"
    other = made.distorted / "paper" / "poison_oak_arm" / "blur_1.png"
    for target, source in (("studies/s/stimuli/x.png", image), ("studies/s/stimuli/y.png", other)):
        (made.root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, made.root / target)
    for name, text in (("with", "a,tinea_forearm_2,b\n"), ("without", "a,poison_oak_arm\n"), ("longer", "xtinea_forearmy\n")):
        (made.exports / name).mkdir(parents=True)
        (made.exports / name / "scores.csv").write_text(text)
    with zipfile.ZipFile(made.exports / "book.xlsx", "w") as book:
        book.writestr("xl/sharedStrings.xml", "<t>tinea_forearm</t>")
    (made.reports / "sheets" / "paper").mkdir(parents=True)
    (made.reports / "sheets" / "paper" / "tinea_forearm.png").write_bytes(b"sheet")
    (made.models / "m").mkdir(parents=True)
    (made.models / "m" / "training.json").write_text('{"train": ["tinea_forearm", "poison_oak_arm"]}')
    cache = tmp_path / "cache" / "set-224"
    cache.mkdir(parents=True)
    (cache / "index.csv").write_text("0,images/tinea_forearm_blur_1.png,ok\n")
    return made


@pytest.mark.slow
def test_a_withdrawn_photo_is_nowhere_and_others_stay(place: Workspace, tmp_path: Path, demo_photos: Path) -> None:
    """Images, frozen copies, exports, reports, caches and rows go; the model is named; the other photo's files stay."""
    listed = find(place, "tinea_forearm", caches=[tmp_path / "cache"])
    assert (place.pristine / "tinea_forearm.png").exists()
    found, certificate = withdraw(place, "tinea_forearm", caches=[tmp_path / "cache"], also=["study s: 18 places"])
    assert [h.path for h in found.removed] == [h.path for h in listed.removed]
    gone = {h.path.relative_to(tmp_path).as_posix() for h in found.removed}
    assert gone == {
        "ws/pristine/tinea_forearm.png", "ws/distorted/paper/tinea_forearm", "ws/studies/s/stimuli/x.png", "ws/exports/with",
        "ws/exports/book.xlsx", "ws/reports/sheets/paper/tinea_forearm.png", "cache/set-224",
    }  # fmt: skip
    assert not any((tmp_path / path).exists() for path in gone)
    assert [p.name for p in found.models] == ["m"]
    assert [r["pristine"] for r in read_sources(place)] == list(read_keys(place)) == ["poison_oak_arm"]
    assert {r["pristine"] for r in read_rows(place.manifest)} == {"poison_oak_arm"}
    assert (place.root / "studies" / "s" / "stimuli" / "y.png").exists()
    assert list(file_faults(place)) == []
    told = json.loads(certificate.with_suffix(".json").read_text())
    assert told["models"] == ["models/m"]
    assert told["also"] == ["study s: 18 places"]
    assert "pristine/tinea_forearm.png" in certificate.read_text()
    result = next(iter(prepare(place, [demo_photos / "tinea_forearm.jpg"], jobs=0)))
    assert result.state == "refused"
    assert result.reason.startswith("this photo was withdrawn on 20")


def test_an_unknown_photo_cannot_be_withdrawn(tmp_path: Path) -> None:
    """A wrong name is told, and nothing happens."""
    with pytest.raises(WorkspaceFault, match="has no photo 'x'"):
        withdraw(create(tmp_path / "ws"), "x")
