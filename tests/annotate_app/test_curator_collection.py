"""Photos by the browser: names and archives that lead elsewhere, files that are none, markup in cells, two editors at once."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import select

from annotate_app.work import KINDS
from annotate_app.worker import run_one
from db.engine import reading
from db.models import Job
from distort.intake.notes import read_measures
from distort.png import encode, read_rgb
from tests.annotate_app.desk import Desk, Office
from workspace.sources import read_source, read_sources, row_hash

BATCH = "batch-0123456789"
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def send(desk: Desk, name: str, data: bytes, batch: str = BATCH, **headers: str) -> Any:
    """Upload one file as the page does."""
    said = {"x-dermiqa": "1", "x-form-token": desk.token(), **headers}
    return desk.client.put(f"/c/uploads/{batch}/{name}", content=data, headers=said, follow_redirects=False)


def archive(names: dict[str, bytes]) -> bytes:
    """A ZIP with these names as they are."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in names.items():
            made.writestr(name, data)
    return stream.getvalue()


def photo(seed: int = 0) -> bytes:
    """A PNG of noise."""
    return encode(np.random.default_rng(seed).integers(0, 256, (200, 200, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    "name", ["..%2f..%2fdermiqa.toml", "..%5c..%5cx.png", "%2fetc%2fpasswd", "a%0d%0aSet-Cookie:%20x=y.png", ".secret"]
)
def test_a_name_leads_nowhere_else(office: Office, name: str) -> None:
    """Whatever an upload is called, it lies in its batch's folder, and no header of the answer is its own."""
    before = {path: path.read_bytes() for path in office.house.workspace.root.glob("*") if path.is_file()}
    answer = send(office.desk("curator"), name, photo())
    assert answer.status_code in (200, 404)
    assert "x=y" not in str(answer.headers)
    assert {path: path.read_bytes() for path in before} == before
    kept = [path for path in (office.house.workspace.root / "uploads").rglob("*") if path.is_file()]
    assert {path.parent for path in kept} <= {office.house.workspace.root / "uploads" / BATCH}
    assert len(kept) == (answer.status_code == 200)


@pytest.mark.parametrize("batch", ["..", "a", "x" * 41, "..%2f..%2fstudies"])
def test_a_batch_has_a_proper_name(office: Office, batch: str) -> None:
    """No folder is made by a batch's name that is none."""
    answer = send(office.desk("curator"), "a.png", photo(), batch)
    assert answer.status_code in (200, 404, 405, 413)
    assert answer.status_code != 200 or answer.json()["kept"] == 0
    assert not (office.house.workspace.root / "uploads").exists()


def test_an_archive_stays_in_its_folder_and_a_bomb_is_refused(office: Office) -> None:
    """Paths inside an archive are dropped; an archive that swells beyond reason is refused in one line."""
    desk = office.desk("curator")
    good = send(
        desk, "photos.zip", archive({"../../evil.png": photo(1), "/abs/other.png": photo(2), "deep/er/third.png": photo(3)})
    )
    assert good.json() == {"kept": 3, "refused": []}
    folder = office.house.workspace.root / "uploads" / BATCH
    assert sorted(path.name for path in folder.iterdir()) == ["evil.png", "other.png", "third.png"]
    bomb = send(desk, "bomb.zip", archive({"zeros.png": bytes(60_000_000)}), "batch-bomb-0001").json()
    assert bomb["kept"] == 0
    assert len(bomb["refused"]) == 1
    broken = send(desk, "broken.zip", b"PK no archive", "batch-broken-01").json()
    assert (broken["kept"], len(broken["refused"])) == (0, 1)


def test_a_page_called_png_is_no_photo_and_the_rest_is_kept(office: Office) -> None:
    """HTML and SVG under a photo's name are named and refused when the batch is prepared; a real one beside them is taken."""
    desk = office.desk("curator")
    for name, data in (("page.png", HTML), ("drawing.png", SVG), ("real.png", photo(7))):
        send(desk, name, data)
    assert desk.post(f"/c/uploads/{BATCH}").headers["location"] == "/c/jobs"
    assert run_one(office.house.workspace, office.house.engine, KINDS, "w") is not None
    with reading(office.house.engine) as session:
        job = session.exec(select(Job)).one()
    assert job.state == "done", job.message
    assert len(job.result["refused"]) == 2
    page = desk.get("/c/jobs").text
    assert "2 not taken" in page
    assert "alert(1)" not in page


def test_files_that_come_with_the_form_are_kept_and_named_alike(office: Office) -> None:
    """A browser without scripts sends its files with the form: broken ones are named on the page Work, the rest is prepared."""
    desk = office.desk("curator")
    files = [("files", (name, data)) for name, data in (("a.png", photo(8)), ("page.png", HTML), ("b.zip", b"PK no archive"))]
    address, headers = f"/c/uploads/{BATCH}", {"accept": "text/html"}
    wrong = desk.client.post(address, data={"form_token": "0"}, files=files, headers=headers, follow_redirects=False)
    assert wrong.status_code == 403
    sent = desk.client.post(address, data={"form_token": desk.token()}, files=files, headers=headers, follow_redirects=False)
    assert sent.headers["location"] == "/c/jobs"
    assert run_one(office.house.workspace, office.house.engine, KINDS, "w") is not None
    with reading(office.house.engine) as session:
        job = session.exec(select(Job)).one()
    assert (job.state, job.result["counts"]["prepared"]) == ("done", 1), job.message
    assert [line.split(":")[0].split(" ")[0] for line in job.result["refused"]] == ["b.zip", "page.png"]


def test_edits_that_wait_are_named_and_applied_to_their_photos_alone(office: Office) -> None:
    """A new mask makes its photo wait; applying prepares that photo once more from its original, and no other."""
    desk, place = office.desk("curator"), office.house.workspace
    for name in ("one.png", "two.png"):
        send(desk, name, photo(len(name) + ord(name[0])))
    desk.post(f"/c/uploads/{BATCH}")
    run_one(place, office.house.engine, KINDS, "w")
    names = [row["pristine"] for row in read_sources(place) if row["pristine"] in read_measures(place)]
    before = {name: (place.pristine / f"{name}.png").read_bytes() for name in names}
    assert desk.post("/c/collection", action="prepare").status_code == 409
    desk.post(f"/c/collection/{names[0]}", seen=row_hash(read_source(place, names[0])), masks="10 10 50 50")
    assert "1 photo</a>" in desk.get("/c/collection").text
    assert names[1] not in desk.get("/c/collection?show=waiting").text
    assert desk.post("/c/collection", action="prepare").headers["location"] == "/c/jobs"
    run_one(place, office.house.engine, KINDS, "w")
    assert (place.pristine / f"{names[0]}.png").read_bytes() != before[names[0]]
    assert (place.pristine / f"{names[1]}.png").read_bytes() == before[names[1]]
    assert read_rgb(place.pristine / f"{names[0]}.png")[10:60, 10:60].max() == 0
    shown = desk.get(f"/c/originals/{names[0]}?rotation=90")
    assert (shown.headers["x-frame-width"], shown.headers["content-type"]) == ("200", "image/jpeg")
    assert desk.get(f"/c/originals/{names[0]}?rotation=east").status_code == 422
    assert office.desk("viewer").get(f"/c/originals/{names[0]}").status_code == 403


def test_an_upload_needs_the_pages_token_and_the_header(office: Office) -> None:
    """Without either nothing is kept."""
    desk = office.desk("curator")
    assert send(desk, "a.png", photo(), **{"x-form-token": "wrong"}).status_code == 403
    assert desk.client.put(f"/c/uploads/{BATCH}/a.png", content=b"x").status_code == 403
    assert not (office.house.workspace.root / "uploads").exists()


def test_markup_in_a_photos_cells_is_shown_as_text(office: Office) -> None:
    """Every free cell of a photo comes back escaped on its page and in the grid."""
    desk, bad = office.desk("curator"), "\"'><img src=x onerror=alert(1)>"
    seen = row_hash(read_source(office.house.workspace, "P0000"))
    cells = dict.fromkeys(
        ("subject", "source", "source_url", "licence", "credit", "body_site", "skin_tone", "diagnosis", "notes"), bad
    )
    assert desk.post("/c/collection/P0000", seen=seen, **cells).status_code == 303
    for path in ("/c/collection/P0000", "/c/collection", "/c/collection?text=%3Cimg%20src%3Dx"):
        assert "<img src=x" not in desk.get(path).text, path


def test_two_curators_lose_no_edit(office: Office) -> None:
    """The second to save sees both values and nothing is overwritten until they save again from the new row."""
    one, two = office.desk("curator", "ana"), office.desk("curator", "bo")
    seen = row_hash(read_source(office.house.workspace, "P0000"))
    assert one.post("/c/collection/P0000", seen=seen, notes="by Ana").status_code == 303
    late = two.post("/c/collection/P0000", seen=seen, notes="by Bo")
    assert late.status_code == 409
    assert "by Bo" in late.text
    assert "now in the table: by Ana" in late.text
    assert read_source(office.house.workspace, "P0000")["notes"] == "by Ana"
    assert (
        two.post("/c/collection/P0000", seen=row_hash(read_source(office.house.workspace, "P0000")), notes="both").status_code
        == 303
    )
    assert read_source(office.house.workspace, "P0000")["notes"] == "both"


def test_names_in_addresses_reach_no_file(office: Office, tmp_path: Path) -> None:
    """A photo or variant whose name leads out of its folder is not found."""
    (tmp_path / "secret.png").write_bytes(photo())
    desk = office.desk("viewer")
    for path in (
        "photos/..%2f..%2fsecret/0",
        "photos/P0000/variants/..%2f..%2f..%2fsecret/0",
        "collection/..%2fsecret",
    ):
        assert desk.get(f"/c/{path}").status_code in (404, 405, 422), path


def test_a_person_says_that_nothing_identifies_and_says_it_again_after_new_edits(office: Office) -> None:
    """A photo not from a public source waits for that word, the study's last page counts it; a new mask asks anew."""
    desk, place = office.desk("curator", "ana"), office.house.workspace
    desk.post("/c/new-study", name="skin")
    desk.post("/c/studies/skin/setup/images", recipe="paper", reserve="1", training="2", gold="0")
    assert "5 photos not from a public source" in desk.get("/c/studies/skin/setup/freeze").text
    rows = {row["pristine"]: row_hash(row) for row in read_sources(place)}
    said = {"action": "confirm", "name": ["P0000", "P0001"], "all": list(rows), "seen": list(rows.values())}
    assert desk.post("/c/collection", **said).status_code == 303
    desk.post("/c/collection/P0002", seen=rows["P0002"], source_url="https://atlas.test/2")
    left = desk.get("/c/collection?show=unconfirmed").text
    assert "2 shown by this filter" in left
    assert "2 photos not from a public source" in desk.get("/c/studies/skin/setup/freeze").text
    assert ",ana," in (place.root / "identity.csv").read_text()
    desk.post("/c/collection/P0001", seen=row_hash(read_source(place, "P0001")), masks="1 1 2 2")
    assert "3 photos not from a public source" in desk.get("/c/studies/skin/setup/freeze").text
    stale = desk.post("/c/collection", **{**said, "name": ["P0001"]})
    assert stale.status_code == 409
    assert "changed meanwhile" in stale.text


def test_photos_come_from_a_folder_inside_the_workspace_and_from_nowhere_else(office: Office) -> None:
    """The page lists folders that are not the workspace's own; one of them is prepared by a job, anything else is refused."""
    desk, place = office.desk("curator"), office.house.workspace
    assert "Prepare this folder" not in desk.get("/c/collection").text
    (place.root / "camera").mkdir()
    (place.root / "camera" / "new.png").write_bytes(photo(11))
    page = desk.get("/c/collection").text
    assert "<option>camera</option>" in page
    assert "<option>pristine</option>" not in page
    for name in ("pristine", "..", "/etc", "camera/..", ".hidden", ""):
        assert desk.post("/c/collection", action="folder", folder=name).status_code == 409, name
    assert desk.post("/c/collection", action="folder", folder="camera").headers["location"] == "/c/jobs"
    assert run_one(place, office.house.engine, KINDS, "w") is not None
    assert [row["pristine"] for row in read_sources(place)] == [f"P{number:04d}" for number in range(6)]
