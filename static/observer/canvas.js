// The picture on whole device pixels: a canvas of n k device pixels, CSS size n k / ratio, so that nothing resamples it.

export const GREY = "#808080";

/** Copies of each pixel per side. From measured device pixels per degree: the fewest that keep the picture's
 *  pixels per degree at or below `high`; unmeasured: one per whole step of the device pixel ratio. */
export function replication(ratio, devicePixelsPerDegree, high) {
  if (devicePixelsPerDegree > 0 && high > 0) {
    return Math.max(1, Math.ceil(devicePixelsPerDegree / high - 1e-9));
  }
  return Math.max(1, Math.floor(ratio + 0.25));
}

/** CSS size of a picture of `width` x `height` pixels, each copied `k` times per side. */
export function cssSize(width, height, k, ratio) {
  return { width: (width * k) / ratio, height: (height * k) / ratio };
}

/** Lays the canvas in the middle of `stage`, its corner on a whole device pixel of the window; one that is wider begins at the
 *  stage's edge, so that scrolling reaches all of it. */
export function place(canvas, stage, ratio) {
  const box = stage.getBoundingClientRect();
  const middle = Math.round((box.left + box.width / 2) * ratio - canvas.width / 2);
  const left = Math.max(middle, Math.ceil(box.left * ratio));
  const top = Math.round((box.top + box.height / 2) * ratio - canvas.height / 2);
  canvas.style.left = `${left / ratio - box.left}px`;
  canvas.style.top = `${top / ratio - box.top}px`;
  canvas.style.width = `${canvas.width / ratio}px`;
  canvas.style.height = `${canvas.height / ratio}px`;
}

/** Draws a bitmap with every pixel copied `k` times per side. */
export function draw(canvas, bitmap, k) {
  canvas.width = bitmap.width * k;
  canvas.height = bitmap.height * k;
  const pen = canvas.getContext("2d", { alpha: false });
  pen.imageSmoothingEnabled = false;
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}

/** Fetches a picture and decodes it whole; the file's numbers are taken as they are. */
export async function decode(response) {
  return createImageBitmap(await response.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
}
