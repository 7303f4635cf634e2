"""The Caddyfile that ships, run by Caddy itself in front of real processes: TLS, what it lets through, and what it keeps out."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from annotate_app.security import OBSERVER_COOKIE
from tests.annotate_app.house import House
from tests.annotate_app.server import free_port
from tests.drills.server import Load, Server, codes, lost

pytestmark = pytest.mark.slow
FILE = Path(__file__).resolve().parents[2] / "deploy" / "Caddyfile"
GLOBAL = "{{\n\tadmin off\n\tskip_install_trust\n\thttp_port {port}\n\thttps_port {tls}\n}}\n"


@contextmanager
def caddy(place: Path, observers: Server, curators: Server) -> Iterator[tuple[str, str, Path]]:
    """Caddy with the shipped file, ports and addresses of this machine in it; gives both sides' addresses and its authority's file."""
    if shutil.which("caddy") is None:
        pytest.skip("no Caddy here: apt-get install caddy")
    side, inner = free_port(), free_port()
    text = FILE.read_text()
    for old, new in (
        ("{$OBSERVER_HOST}", "https://localhost"), ("{$CURATOR_HOST}:8443", f"localhost:{inner}"),
        ("observers:8000", f"127.0.0.1:{observers.port}"), ("curators:8000", f"127.0.0.1:{curators.port}"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (place / "Caddyfile").write_text(GLOBAL.format(port=free_port(), tls=side) + text)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(place), "XDG_DATA_HOME": str(place), "XDG_CONFIG_HOME": str(place)}
    words = ["caddy", "run", "--config", str(place / "Caddyfile"), "--adapter", "caddyfile"]
    with (place / "caddy.out").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environment)
    authority = place / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    try:
        wait_for(authority, f"https://localhost:{side}/readyz", place / "caddy.out")
        yield f"https://localhost:{side}", f"https://localhost:{inner}", authority
    finally:
        process.terminate()
        process.wait(30)


def wait_for(authority: Path, url: str, log: Path) -> None:
    """Until the proxy answers for the server behind it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if (
                authority.is_file()
                and httpx.get(url, verify=ssl.create_default_context(cafile=str(authority))).status_code == 200
            ):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError(log.read_text())


def test_votes_pass_through_the_shipped_proxy(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind TLS cookies are Secure and every vote is kept; metrics, large bodies and the other side's pages stay out."""
    first, others = codes(house, 4)[0], codes(house, 3)
    root = house.workspace.root
    with (
        Server(root, "--only", "observer", "--metrics", "--trust-proxy", "127.0.0.1") as observers,
        Server(root, "--only", "curator", "--trust-proxy", "127.0.0.1") as curators,
        caddy(tmp_path, observers, curators) as (outside, inside, authority),
    ):
        assert observers.get("/metrics")[0] == 200
        trusted = ssl.create_default_context(cafile=str(authority))
        with httpx.Client(verify=trusted, base_url=outside, headers={"Origin": outside}) as browser:
            assert browser.get("/metrics").status_code == 404
            assert browser.get("/c/login").status_code == 404
            page = browser.get(f"/i/{first}")
            hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
            signed = browser.post(f"/i/{first}", data=hidden)
            assert signed.status_code == 303
            (cookie,) = [line for line in signed.headers.get_list("set-cookie") if line.startswith(f"{OBSERVER_COOKIE}=")]
            assert {"secure", "httponly", "samesite=lax"} <= {word.strip().lower() for word in cookie.split(";")}
            assert browser.get("/api/session").status_code == 200
            for size in (100_000, 300_000):  # over the application's limit; over the proxy's, which old versions answer by 502
                # only the status is read: both close on a body that they leave unread, and the answer's last bytes may go with it
                with browser.stream("POST", "/api/events", content=b"x" * size, headers={"X-Dermiqa": "1"}) as refused:
                    assert refused.status_code in (413, 502)
            assert browser.get("/api/session").status_code == 200
        login = httpx.get(f"{inside}/c/login", verify=trusted)
        assert login.status_code == 200
        assert httpx.get(f"{inside}/o/rate", verify=trusted).status_code == 404
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        with Load(outside, others) as load:
            load.thread.join(90)
    assert len(load.acknowledged) == 3 * 60
    assert lost(load.acknowledged, house.workspace.database_url) == []
