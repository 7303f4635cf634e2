// Messages that take the picture's place: one at a time, each written in the page in the reader's language.

const SETTLE_MS = 300;

export class Panels {
  constructor(page) {
    this.page = page;
    this.sections = new Map([...page.querySelectorAll("[data-panel]")].map((section) => [section.dataset.panel, section]));
    this.open = null;
  }

  /** Show a panel, fill its places `<span data-fill="name">`, and move the focus to its button or heading. */
  show(name, fills = {}) {
    for (const [key, section] of this.sections) {
      section.hidden = key !== name;
    }
    this.open = name;
    this.since = performance.now();
    this.page.classList.add("with-panel");
    const section = this.sections.get(name);
    this.fill(section, fills);
    const first = section.querySelector("[data-first]") ?? section.querySelector("h1");
    first.focus({ preventScroll: true });
  }

  fill(section, fills) {
    for (const [key, value] of Object.entries(fills)) {
      for (const place of section.querySelectorAll(`[data-fill="${key}"]`)) {
        place.textContent = value;
      }
    }
  }

  hide() {
    if (this.open !== null) {
      this.sections.get(this.open).hidden = true;
    }
    this.open = null;
    this.page.classList.remove("with-panel");
  }

  /** A button's action; a press that came with the panel was made for the picture before it and does nothing. */
  on(name, action, handler) {
    for (const button of this.sections.get(name).querySelectorAll(`[data-action="${action}"]`)) {
      button.addEventListener("click", (event) => {
        if (event.timeStamp - this.since > SETTLE_MS) {
          handler(button, event);
        }
      });
    }
  }
}
