"""A Firefox without window, spoken to by its own remote protocol (Marionette), with the part of Playwright's page that tests use.

Playwright drives a Firefox of its own build alone; this one is whatever the machine has.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Enter": "\ue006", "Escape": "\ue00c", "Backspace": "\ue003"}
START_S, STEP_MS, STEP_S = 120.0, 15_000.0, 0.05
SEEN = """(selector) => { const found = document.querySelector(selector);
  return found !== null && found.getClientRects().length > 0 && !found.disabled; }"""
RUN = "const value = (%s); return typeof value === 'function' ? value(...arguments) : value;"


class Firefox:
    """A running Firefox with one page. `prefs` go into its profile, for instance the pixel ratio."""

    def __init__(self, program: str, profile: Path, **prefs: str | int | bool) -> None:
        profile.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        said = {"marionette.port": port, "gfx.color_management.mode": 0, **{k.replace("__", "."): v for k, v in prefs.items()}}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in said.items()]
        (profile / "user.js").write_text("".join(lines))
        command = [
            program,
            "--headless",
            "--marionette",
            "--no-remote",
            "--width=1400",
            "--height=900",
            "--profile",
            str(profile),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stream, self.number = self._connect(port), 0
        self._read()
        self.send("WebDriver:NewSession")
        self.keyboard = Keyboard(self)

    def _connect(self, port: int) -> socket.socket:
        until = time.monotonic() + START_S
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), START_S)
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    self.process.kill()
                    raise RuntimeError("Firefox does not listen to its remote protocol") from None
                time.sleep(0.2)

    def _read(self) -> Any:
        head = b""
        while not head.endswith(b":"):
            head += self.stream.recv(1)
        size, body = int(head[:-1]), b""
        while len(body) < size:
            body += self.stream.recv(size - len(body))
        return json.loads(body)

    def send(self, command: str, **said: Any) -> Any:
        """One command; gives its answer. Raises RuntimeError with Firefox's words."""
        self.number += 1
        data = json.dumps([0, self.number, command, said]).encode()
        self.stream.sendall(b"%d:%s" % (len(data), data))
        _, _, fault, answer = self._read()
        if fault is not None:
            raise RuntimeError(f"{command}: {fault['error']}: {fault['message']}")
        return answer.get("value") if isinstance(answer, dict) else answer

    def quit(self) -> None:
        """End it."""
        self.stream.close()
        self.process.terminate()
        self.process.wait(30)

    def on(self, event: str, handle: Callable[[Any], None]) -> None:
        """Events of the page are not told here."""

    @property
    def url(self) -> str:
        """The page's address."""
        return str(self.send("WebDriver:GetCurrentURL"))

    def goto(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self.send("WebDriver:Navigate", url=url)

    def evaluate(self, expression: str, *values: Any) -> Any:
        """The value of an expression, or of a function called with `values`."""
        return self.send("WebDriver:ExecuteScript", script=RUN % expression, args=list(values))

    def wait(self, holds: Callable[[], Any], what: str, timeout: float = STEP_MS) -> Any:
        """Wait until something holds; gives it."""
        until = time.monotonic() + timeout / 1000
        while time.monotonic() < until:
            try:
                if found := holds():
                    return found
            except RuntimeError:
                pass
            time.sleep(STEP_S)
        raise TimeoutError(f"{what} did not come within {timeout / 1000:g} s at {self.url}")

    def wait_for_selector(self, selector: str, timeout: float = STEP_MS) -> None:
        """Wait until an element is seen."""
        self.wait(lambda: self.evaluate(SEEN, selector), selector, timeout)

    def wait_for_function(self, function: str, arg: Any = None, timeout: float = STEP_MS) -> Found:
        """Wait until a function gives something true."""
        return Found(self.wait(lambda: self.evaluate(function, arg), function, timeout))

    def wait_for_url(self, pattern: str, timeout: float = STEP_MS) -> None:
        """Wait for an address of this pattern."""
        self.wait(lambda: fnmatch(self.url, re.sub(r"\*+", "*", pattern)), pattern, timeout)

    @contextmanager
    def expect_navigation(self) -> Iterator[None]:
        """Do what leads to another page, and wait until that page is loaded."""
        self.evaluate("window.left = false")
        yield
        self.wait(lambda: self.evaluate("window.left === undefined && document.readyState === 'complete'"), "another page")

    def wait_for_timeout(self, milliseconds: float) -> None:
        """Wait."""
        time.sleep(milliseconds / 1000)

    def click(self, selector: str) -> None:
        """Click an element once it is seen."""
        self.wait_for_selector(selector)
        self.query_selector_all(selector)[0].check()

    def query_selector_all(self, selector: str) -> list[Element]:
        """All elements of a selector."""
        found = self.send("WebDriver:FindElements", using="css selector", value=selector)
        return [Element(self, one[ELEMENT]) for one in found]

    def inner_text(self, selector: str) -> str:
        """An element's text."""
        return str(self.evaluate("(selector) => document.querySelector(selector).innerText", selector))

    def screenshot(self, scale: str = "device") -> bytes:
        """What is seen, PNG, in device pixels."""
        return base64.b64decode(self.send("WebDriver:TakeScreenshot", full=False))


@dataclass(frozen=True)
class Found:
    """A value that a function gave."""

    value: Any

    def json_value(self) -> Any:
        """The value."""
        return self.value


@dataclass(frozen=True)
class Element:
    """An element of the page."""

    page: Firefox
    key: str

    def check(self) -> None:
        """Click it."""
        self.page.send("WebDriver:ElementClick", id=self.key)


@dataclass(frozen=True)
class Keyboard:
    """The keyboard."""

    page: Firefox

    def type(self, text: str) -> None:
        """Type letters and digits."""
        self._strike(*text)

    def press(self, key: str) -> None:
        """Press one key."""
        self._strike(KEYS[key])

    def _strike(self, *keys: str) -> None:
        moves = [{"type": way, "value": key} for key in keys for way in ("keyDown", "keyUp")]
        self.page.send("WebDriver:PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": moves}])
