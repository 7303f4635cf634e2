"""An observer at a browser, as tests play one."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

SETTLE = 350
PANELS = "[...document.querySelectorAll('[data-panel]')].filter((part) => !part.hidden).map((part) => part.dataset.panel)"


class Person:
    """One page and what a person does on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        self.given: dict[str, int] = {}
        page.on("pageerror", lambda fault: self.faults.append(str(fault)))

    def onward(self, button: str = "form#form button.main") -> None:
        """Press a button that leads to another page, and wait until that page is there."""
        with self.page.expect_navigation():
            self.page.click(button)

    def sign_on(self, link: str) -> None:
        """Open a link and press its button."""
        self.page.goto(link)
        self.onward("main button.main")

    @property
    def step(self) -> str:
        """The last part of the address."""
        return self.page.url.split("?")[0].rstrip("/").split("/")[-1]

    def consent(self) -> None:
        """Tick every line and go on."""
        assert self.step == "consent", self.page.url
        for box in self.page.query_selector_all("main input[type=checkbox]"):
            box.check()
        self.onward()

    def arrive(self, link: str) -> None:
        """From the link to the rating page of a study without other steps."""
        self.sign_on(link)
        self.consent()
        self.page.wait_for_url("**/o/rate")

    def panel(self, name: str, timeout: float = 15000) -> None:
        """Wait for a panel."""
        self.page.wait_for_selector(f'[data-panel="{name}"]:not([hidden])', timeout=timeout)

    def panels(self) -> list[str]:
        """Panels that are open: one or none."""
        found: list[str] = self.page.evaluate(PANELS)
        return found

    def go(self, panel: str) -> None:
        """Press a panel's main button once it has settled."""
        self.panel(panel)
        self.page.wait_for_timeout(SETTLE)
        self.page.click(f'[data-panel="{panel}"] [data-first]')

    def picture(self, timeout: float = 15000) -> str:
        """Wait until a picture takes votes; gives its opaque name."""
        found = self.page.wait_for_function("() => document.querySelector('#rating')?.dataset.open", timeout=timeout)
        return str(found.json_value())

    def vote(self, value: int, *, by: str = "keys") -> str:
        """Vote for the picture that is seen and wait until it has gone; gives its name."""
        name = self.picture()
        if by == "keys":
            self.page.keyboard.type(str(value))
            self.page.keyboard.press("Enter")
        else:
            self.page.click(f'#scale label:has(input[value="{value}"])')
            self.page.click("#next")
        self.given[name] = value
        self.gone(name)
        return name

    def gone(self, name: str) -> None:
        """Wait until a picture takes no votes any more."""
        self.page.wait_for_function("(name) => document.querySelector('#rating')?.dataset.open !== name", arg=name)

    def practice(self, count: int = 2) -> None:
        """Go through the practice."""
        self.go("practice")
        for _ in range(count):
            self.vote(5)
        self.given.clear()

    def rate(self, count: int, start: int = 0, **how: Any) -> None:
        """Vote for so many pictures, values 1 to 10 in turn; a pause at half is ended."""
        for k in range(start, start + count):
            self.page.wait_for_selector('#rating[data-open], [data-panel="half"]:not([hidden])', timeout=15000)
            if self.panels() == ["half"]:
                self.go("half")
            self.vote(k % 10 + 1, **how)

    def leave(self) -> None:
        """Wait for the page after the last picture."""
        self.page.wait_for_url("**/o/step/*", timeout=15000)
