"""The Containerfile's steps in a bare Debian tree instead of an image: the bundle installs without a network and serves."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.annotate_app.server import free_port

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "deploy" / "Containerfile").read_text()
LIMIT_S = 500
ROOM = 6 * 1024**3


def run(*words: str, inside: bool = False, timeout: float = LIMIT_S) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; `inside` with nothing of this machine's environment."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"} if inside else None
    return subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False, env=environment)


def mirror() -> str | None:
    """The Debian mirror that this machine uses."""
    files = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    for file in files:
        found = re.search(
            r"^(?:URIs:|deb)\s+(?:\[[^]]*\]\s+)?(\S+/debian/?)(?:\s|$)", file.read_text() if file.is_file() else "", re.M
        )
        if found:
            return found[1]
    return None


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Path]:
    """A bare tree with the packages that the Containerfile installs; skipped without root, debootstrap or a mirror.

    Made once; later runs unpack the archive that pytest's cache keeps (`pytest --cache-clear` makes it anew).
    """
    if os.geteuid() or shutil.which("debootstrap") is None or mirror() is None:
        pytest.skip("a bare tree needs root and debootstrap (apt-get install debootstrap) on Debian")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the Containerfile's Debian has Python 3.11, this one makes bundles for another version")
    packages = re.search(r"apt-get install -y --no-install-recommends ([^\n]*) \\", RECIPE)
    assert packages is not None
    place = tmp_path_factory.mktemp("tree") / "root"
    place.mkdir()
    kept = pytestconfig.cache.mkdir("bare-trees") if pytestconfig.cache else place.parent
    archive = kept / f"bookworm-{hashlib.sha256(packages[1].encode()).hexdigest()[:12]}.tar"
    with in_memory(place):
        if archive.is_file():
            subprocess.run(["tar", "-C", str(place), "-xpf", str(archive)], check=True)
        else:
            make_tree(place, packages[1], archive)
        subprocess.run(["mount", "-t", "proc", "proc", str(place / "proc")], check=True)
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", str(place / "proc")], check=True)
    subprocess.run(["rm", "-rf", "--one-file-system", str(place)], check=True)


@contextmanager
def in_memory(place: Path) -> Iterator[None]:
    """The folder as a disk in memory, where there is room for that; else as it is."""
    mounted = memory_left() > ROOM and run("mount", "-t", "tmpfs", "-o", "size=4g,mode=755", "tmpfs", str(place)).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)


def memory_left() -> int:
    """Bytes of memory that this machine has to spare."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found[1]) * 1024 if found else 0


def make_tree(place: Path, packages: str, archive: Path) -> None:
    """Make the tree and keep it as an archive, without what apt has downloaded."""
    words = ["--variant=minbase", f"--include={packages.replace(' ', ',')}", "bookworm", str(place), mirror() or ""]
    try:
        done = run("debootstrap", *words)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the mirror gave no Debian tree within {LIMIT_S} s")
    if done.returncode:
        pytest.skip(f"debootstrap made no tree: {done.stdout[-200:]}")
    for old in (place / "var" / "cache" / "apt" / "archives").glob("*.deb"):
        old.unlink()
    part = archive.with_suffix(".part")
    subprocess.run(["tar", "-C", str(place), "--exclude=./proc/*", "-cpf", str(part), "."], check=True)
    part.replace(archive)


@contextmanager
def serving(tree: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The Containerfile's entry point as its user."""
    words = ["chroot", "--userspec=10001:10001", str(tree), "/opt/dermiqa/bin/dermiqa", "serve", "--port", str(port)]
    environment = {"PATH": "/opt/dermiqa/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DERMIQA_WORKSPACE": "/data", "HOME": "/data"}
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


@pytest.mark.slow
def test_the_containers_steps_in_a_bare_tree(tree: Path) -> None:
    """The bundle is made, installed with networking off, served by a user without rights; a damaged bundle is refused."""
    made = run(str(ROOT / "scripts" / "bundle"), str(tree / "tmp"))
    assert made.returncode == 0, made.stderr
    for step in ("COPY deploy/install-bundle /tmp/", "RUN /tmp/install-bundle /tmp /opt/dermiqa", "useradd --system --uid 10001"):
        assert step in RECIPE
    shutil.copy2(ROOT / "deploy" / "install-bundle", tree / "tmp" / "install-bundle")
    alone = ("unshare", "--net", "chroot", str(tree))
    done = run(*alone, "/tmp/install-bundle", "/tmp", "/opt/dermiqa", inside=True)
    assert done.returncode == 0, done.stderr
    assert "dermiqa" in done.stdout
    wheel = next(tree.glob("tmp/dermiqa-bundle-*/wheels/dermiqa-*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"!")
    again = run(*alone, "sh", "-c", "/tmp/dermiqa-bundle-*/install.sh /opt/again", inside=True)
    assert (again.returncode, (tree / "opt" / "again").exists()) == (1, False)
    assert "damaged" in again.stderr
    user = ("chroot", str(tree), "useradd", "--system", "--uid", "10001", "--home-dir", "/data", "--create-home", "dermiqa")
    assert run(*user, inside=True).returncode == 0
    init = run("chroot", "--userspec=10001", str(tree), "/opt/dermiqa/bin/dermiqa", "init", "/data", inside=True)
    assert init.returncode == 0, init.stderr
    port = free_port()
    with serving(tree, port) as process:
        until = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                    assert answer.status == 200
                    break
            except OSError:
                time.sleep(0.2)
        else:
            process.kill()
            pytest.fail(f"the server did not answer: {process.communicate()[1].decode()[-500:]}")
    assert (tree / "data" / "dermiqa.db").stat().st_uid == 10001
