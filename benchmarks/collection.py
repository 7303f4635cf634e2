"""How the collection's page does with many photos in a real browser: 5,000 photos shown and edited, 500 photos uploaded and prepared.

    python -m benchmarks.collection [--quick]

Chromium loads pages from a server process over loopback; "longest task" is the longest time that the page's own thread was busy
(the browser answers nothing in that time). Photos shown are 320 x 240, photos uploaded 1,600 x 1,200 JPEGs of noise, one of them
broken. --quick takes a tenth.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright

from annotate_app.curators import LASTS
from annotate_app.security import CURATOR_COOKIE, new_secret, token_hash
from db.engine import open_engine, writing
from db.migrate import upgrade
from db.models import Curator, CuratorSession
from db.types import now
from distort.intake.notes import MEASURES, measures_path
from distort.png import encode
from tests.browser.lab import Lab
from workspace.files import sha256_bytes, write_bytes, write_rows
from workspace.settings import Workspace, create
from workspace.tables import SOURCES_COLUMNS

LONGEST = """() => { window.longest = 0; new PerformanceObserver((list) => { for (const one of list.getEntries())
window.longest = Math.max(window.longest, one.duration); }).observe({type: 'longtask', buffered: true}); }"""


def fill(place: Workspace, photos: int) -> None:
    """A workspace of prepared photos with their rows and measures."""
    rng = np.random.default_rng(5)
    data = [encode(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)) for _ in range(20)]
    rows, measures = [], []
    for number in range(photos):
        name = f"P{number + 1:04d}"
        write_bytes(place.pristine / f"{name}.png", data[number % 20])
        rows.append({**dict.fromkeys(SOURCES_COLUMNS, ""), "file": f"pristine/{name}.png", "pristine": name, "subject": f"S{number // 2}",
                     "sha256": sha256_bytes(name.encode()), "source": f"Atlas {number % 5}", "accepted": "yes", "width": "320",
                     "height": "240"})  # fmt: skip
        numbers = {axis: f"{rng.uniform(1, 100):.2f}" for axis in ("si", "colourfulness", "brightness", "contrast")}
        measures.append({**dict.fromkeys(MEASURES, ""), "pristine": name, "made": "0" * 16, **numbers})
    write_rows(place.sources, rows, SOURCES_COLUMNS)
    write_rows(measures_path(place), measures, MEASURES)


def uploads(folder: Path, photos: int) -> list[str]:
    """JPEG files of a camera's kind, the last one broken."""
    rng = np.random.default_rng(6)
    noise = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    base = cv2.resize(noise, (1600, 1200), interpolation=cv2.INTER_CUBIC)
    for number in range(photos):
        base[:8, :8] = (number % 256, number // 256, 0)
        cv2.imwrite(str(folder / f"photo{number:04}.jpg"), np.roll(base, 7 * number, axis=1))
    (folder / f"photo{photos - 1:04}.jpg").write_bytes(b"\xff\xd8\xff broken")
    return [str(path) for path in sorted(folder.glob("*.jpg"))]


def sign_in(lab: Lab, page: Page) -> None:
    """A curator's cookie."""
    cookie = new_secret()
    with writing(lab.engine) as session:
        curator = Curator(name="bench", password_hash="none", role="curator")
        session.add(curator)
        session.flush()
        session.add(CuratorSession(curator_id=curator.id or 0, token_hash=token_hash(cookie), expires=now() + LASTS))
    page.context.add_cookies([{"name": CURATOR_COOKIE, "value": cookie, "url": lab.address}])


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds that a call takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def say(name: str, waits: list[float], page: Page | None = None) -> None:
    """One line of the table."""
    longest = f"{page.evaluate('window.longest || 0'):>16.0f}" if page else ""
    print(f"{name:<52}{statistics.median(waits):>10.0f}{max(waits):>10.0f}{longest}", flush=True)


def show(lab: Lab, page: Page, photos: int) -> None:
    """The grid: loaded, scrolled to its end with all pictures there, filtered, edited in bulk."""
    address = lab.address + "/c/collection"
    pages = -(-photos // 60)
    for name, query in (("first page", ""), ("last page", f"?page={pages}"), ("filter by text", "?text=S12")):
        say(f"{name}: loaded", [timed(lambda query=query: page.goto(address + query)) for _ in range(7)], page)

    def scroll() -> None:
        for _ in range(int(page.evaluate("document.body.scrollHeight / innerHeight")) + 1):
            page.evaluate("window.scrollBy(0, innerHeight)")
        while not page.evaluate("[...document.querySelectorAll('#grid img')].every((one) => one.complete && one.naturalWidth)"):
            page.wait_for_timeout(20)

    page.goto(f"{address}?page=2")
    say("scrolled to the end, all 60 pictures shown (first)", [timed(scroll)], page)
    page.goto(f"{address}?page=2")
    say("scrolled to the end, all 60 pictures shown (again)", [timed(scroll)], page)

    def accept() -> None:
        page.evaluate("document.querySelectorAll('#grid input[type=checkbox]').forEach((box) => { box.checked = true; })")
        page.select_option("select[name=column]", "body_site")
        page.fill("input[name=value]", f"arm {time.perf_counter_ns()}")
        page.get_by_role("button", name="Set on ticked").click()
        page.wait_for_load_state()

    say("60 photos edited at once, page shown again", [timed(accept) for _ in range(5)], page)
    say("variety's plot", [timed(lambda: page.request.get(lab.address + "/c/variety.svg")) for _ in range(3)])


def send(lab: Lab, page: Page, files: list[str]) -> None:
    """Upload all files by the page, prepare them by the job, and see the broken one named."""
    page.goto(lab.address + "/c/collection")
    page.locator("details.upload").evaluate("(one) => { one.open = true; }")
    began = time.perf_counter()
    page.set_input_files("#files", files)
    page.get_by_text(f"{len(files)} photos are uploaded").wait_for(timeout=3_600_000)
    say(f"{len(files)} photos uploaded", [(time.perf_counter() - began) * 1000], page)
    began = time.perf_counter()
    page.get_by_role("button", name="Prepare what was uploaded").click()
    row = page.locator("tbody tr").first
    row.locator(".state.done").wait_for(timeout=3_600_000)
    say(f"{len(files)} photos prepared by the job", [(time.perf_counter() - began) * 1000], page)
    print(row.inner_text().replace("\n", " "))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        place = create(Path(folder) / "ws")
        fill(place, 500 if quick else 5000)
        (Path(folder) / "new").mkdir()
        files = uploads(Path(folder) / "new", 50 if quick else 500)
        upgrade(open_engine(place.database_url))
        lab = Lab(place)
        lab.start()
        try:
            browser = driver.chromium.launch(executable_path=chromium)
            page = browser.new_page()
            page.add_init_script(f"({LONGEST})()")
            sign_in(lab, page)
            print(f"{'':<52}{'median ms':>10}{'most ms':>10}{'longest task ms':>16}")
            show(lab, page, 500 if quick else 5000)
            send(lab, page, files)
            browser.close()
        finally:
            lab.stop()


if __name__ == "__main__":
    main()
