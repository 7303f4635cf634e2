// What happens around a picture and is kept beside the votes: blur, hiding, resizing, zoom, leaving the full screen.

import { tooSmall } from "./messages.js";

export function watchWindow(rating) {
  const note = (kind, data) => rating.feed.event(kind, data, rating.open ? rating.item : undefined);
  window.addEventListener("blur", () => note("blur"));
  window.addEventListener("focus", () => note("focus"));
  document.addEventListener("visibilitychange", () => {
    rating.view?.visibility(document.hidden, performance.now());
    note(document.hidden ? "hidden" : "visible");
  });
  document.addEventListener("fullscreenchange", () => {
    note("fullscreen", { on: Boolean(document.fullscreenElement) });
    if (!document.fullscreenElement) {
      rating.interrupt("pause", "pause");
    }
  });
  let timer = 0;
  window.addEventListener("resize", () => {
    rating.stage?.again();
    clearTimeout(timer);
    timer = setTimeout(() => resized(rating, note), 150);
  });
  window.visualViewport?.addEventListener("resize", () => {
    const { scale } = window.visualViewport;
    if (Math.abs(scale - 1) > 0.01) {
      note("pinch", { scale });
    }
  });
  window.addEventListener("online", () => rating.feed.sender.kick());
  window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
}

function resized(rating, note) {
  note("resize", { width: window.innerWidth, height: window.innerHeight, ratio: window.devicePixelRatio });
  const item = rating.open ? rating.item : rating.feed.items[0];
  if (!rating.stage || !item) {
    return;
  }
  const room = rating.stage.measure(item);
  if (!room.fits && rating.open) {
    tooSmall(rating, room);
  } else if (!room.fits && rating.small) {
    tooSmall(rating, room);
  } else if (room.fits && rating.small) {
    rating.small = false;
    rating.go();
  }
}
