// Pictures on plain pages: shown on whole device pixels, nothing scaled.

import { decode, draw, place, replication } from "./canvas.js";

/** Shows a picture of this server at 1:1 in every `canvas[data-picture]` of a page, and again when the ratio changes. */
async function showAll(root = document) {
  const places = [...root.querySelectorAll("canvas[data-picture]")];
  await Promise.all(places.map(async (canvas) => {
    const answer = await fetch(canvas.dataset.picture, { credentials: "same-origin" });
    if (!answer.ok) {
      return;
    }
    const bitmap = await decode(answer);
    const paint = () => {
      const ratio = window.devicePixelRatio;
      const k = canvas.dataset.copies ? Number(canvas.dataset.copies) : replication(ratio);
      draw(canvas, bitmap, k);
      canvas.parentElement.style.height = `${Math.ceil(canvas.height / ratio)}px`;
      place(canvas, canvas.parentElement, ratio);
    };
    paint();
    window.addEventListener("resize", paint);
    canvas.dataset.shown = "yes";
  }));
}

await showAll();
