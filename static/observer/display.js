// The display check: what the browser knows of the screen, the card held against it, and patches drawn on whole device pixels.

import { place, replication } from "./canvas.js";

const CARD_MM = { width: 85.6, height: 53.98 };

/** What is kept of the screen: sizes in CSS pixels, the device pixel ratio, colour depth. */
function facts() {
  return {
    width: window.innerWidth,
    height: window.innerHeight,
    screen_width: window.screen.width,
    screen_height: window.screen.height,
    ratio: window.devicePixelRatio,
    pinch: window.visualViewport?.scale ?? 1,
    fullscreen: Boolean(document.fullscreenElement) || window.innerHeight === window.screen.height,
    depth: window.screen.colorDepth,
    wide_colour: window.matchMedia("(color-gamut: p3)").matches,
    high_range: window.matchMedia("(dynamic-range: high)").matches,
    touch: navigator.maxTouchPoints > 0,
  };
}

function keepFacts() {
  const found = facts();
  for (const field of document.querySelectorAll("[data-facts]")) {
    field.value = JSON.stringify(found);
  }
  const places = document.querySelectorAll('[data-show="window"]');
  for (const spot of places) {
    spot.textContent = `${Math.round(found.width * found.ratio)} × ${Math.round(found.height * found.ratio)}`;
  }
  for (const button of document.querySelectorAll("[data-needs]")) {
    const room = (Number(button.dataset.needs) * replication(found.ratio)) / found.ratio;
    const small = found.width < room || found.height < room;
    document.querySelector("[data-small]").hidden = !small;
  }
}

for (const button of document.querySelectorAll("[data-fullscreen]")) {
  button.hidden = !document.documentElement.requestFullscreen;
  button.addEventListener("click", () => document.documentElement.requestFullscreen().catch(() => {}));
}
window.addEventListener("resize", keepFacts);
document.addEventListener("submit", keepFacts, true);
keepFacts();

const slider = document.querySelector("[data-card-width]");
if (slider) {
  const card = document.querySelector("[data-card]");
  const resize = () => {
    card.style.width = `${slider.value}px`;
    card.style.height = `${(Number(slider.value) * CARD_MM.height) / CARD_MM.width}px`;
  };
  slider.addEventListener("input", resize);
  resize();
}

function grey(value) {
  return `rgb(${value},${value},${value})`;
}

/** Beside each other: a pattern and the even grey of the same light. */
function halves(pen, side, pattern) {
  pattern(0);
  pen.fillStyle = grey(188);
  pen.fillRect(side + 40, 0, side, side);
}

const boards = {
  example: { width: 440, height: 100, paint(pen) {
    for (let x = 0; x < 200; x += 20) {
      pen.fillStyle = grey((x / 20) % 2 ? 168 : 88);
      pen.fillRect(x, 0, 20, 100);
    }
    pen.fillStyle = grey(128);
    pen.fillRect(240, 0, 200, 100);
  } },
  checker: { width: 440, height: 200, paint(pen) {
    halves(pen, 200, () => {
      const data = pen.createImageData(200, 200);
      for (let i = 0; i < 200 * 200; i += 1) {
        const on = (i + Math.floor(i / 200)) % 2 ? 255 : 0;
        data.data.set([on, on, on, 255], i * 4);
      }
      pen.putImageData(data, 0, 0);
    });
  } },
  edges: { width: 440, height: 100, paint(pen) {
    const pairs = [["rgb(200,40,40)", "rgb(40,40,200)"], ["rgb(40,160,40)", "rgb(180,40,160)"], [grey(40), grey(216)]];
    pairs.forEach(([one, other], i) => {
      for (let x = 0; x < 120; x += 2) {
        pen.fillStyle = (x / 2) % 2 ? one : other;
        pen.fillRect(i * 155 + x, 0, 2, 100);
      }
    });
  } },
  greys: { width: 440, height: 80, paint(pen) {
    for (let i = 0; i < 11; i += 1) {
      pen.fillStyle = grey(Math.round((i * 255) / 10));
      pen.fillRect(i * 40, 0, 40, 80);
    }
  } },
  dark: { width: 440, height: 110, paint(pen) {
    pen.fillStyle = grey(0);
    pen.fillRect(0, 0, 440, 110);
    [4, 8, 14, 24].forEach((value, i) => {
      pen.fillStyle = grey(value);
      pen.fillRect(30 + i * 105, 25, 60, 60);
    });
  } },
};

for (const board of document.querySelectorAll("[data-board]")) {
  const { width, height, paint } = boards[board.dataset.board];
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.setAttribute("aria-hidden", "true");
  board.append(canvas);
  const pen = canvas.getContext("2d", { alpha: false });
  pen.fillStyle = grey(128);
  pen.fillRect(0, 0, width, height);
  paint(pen);
  const lay = () => {
    board.style.minHeight = `${height / window.devicePixelRatio + 4}px`;
    place(canvas, board, window.devicePixelRatio);
  };
  window.addEventListener("resize", lay);
  lay();
}
