// Messages that take the picture's place, and the progress between pictures.

export async function lost(rating, body) {
  rating.turn += 1;
  rating.stop();
  const panel = body.error === "lost_session" ? "other-device" : "signed-out";
  rating.panels.show(panel, { kept: await rating.feed.kept() });
}

export function stepAside(rating) {
  rating.turn += 1;
  rating.stop();
  rating.feed.event("other_tab");
  rating.panels.show("other-tab");
}

export async function waiting(rating) {
  const { feed, turn } = rating;
  const kept = await feed.kept();
  if (turn === rating.turn && rating.state === "gap") {
    rating.panels.show(feed.sender.offline || feed.unreached ? "offline" : "loading", { kept });
  }
}

export function tooSmall(rating, room) {
  rating.turn += 1;
  rating.stop();
  rating.small = true;
  rating.feed.event("too_small", { needs: room.needs, has: room.has });
  rating.panels.show("small", { needs: room.needs.join(" × "), has: room.has.join(" × ") });
}

export async function showProgress(rating, visible) {
  const { feed, turn } = rating;
  rating.bar.hidden = !visible;
  rating.bar.value = feed.position;
  rating.bar.max = Math.max(1, feed.length);
  const note = rating.page.querySelector("#connection");
  note.hidden = !(visible && feed.sender.offline);
  const kept = note.hidden ? 0 : await feed.kept();
  if (turn === rating.turn) {
    rating.panels.fill(note, { kept });
  }
}

export function pauseIsDue(rating) {
  const { phase, position, session } = rating.feed;
  if (phase !== "rating" || !session.pause_at || position !== session.pause_at || rating.paused === position) {
    return false;
  }
  rating.paused = position;
  rating.feed.flush();
  rating.feed.event("half_pause");
  rating.state = "panel";
  rating.panels.show("half", rating.feed.counts);
  return true;
}
