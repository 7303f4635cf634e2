// Crop and masks drawn on the upright original: by mouse, by keys, or typed into the cells; all three show the same boxes.
const frame = document.getElementById("frame");
const form = document.getElementById("photo-form");
const state = document.getElementById("tool-state");
const picture = document.getElementById("pristine");
const cells = { masks: form.elements.masks, crop: form.elements.crop, rotation: form.elements.rotation };
const LEAST = 4;
let size = null;
let tool = "masks";

const read = (name) =>
  cells[name].value
    .split(";")
    .map((part) => part.trim().split(/\s+/).map(Number))
    .filter((box) => box.length === 4 && box.every(Number.isInteger));

function write(name, boxes) {
  cells[name].value = boxes.map((box) => box.join(" ")).join("; ");
  draw();
}

const within = (value, low, high) => Math.min(Math.max(Math.round(value), low), Math.max(low, high));

function fitted([x, y, width, height]) {
  const w = within(width, LEAST, size.width);
  const h = within(height, LEAST, size.height);
  return [within(x, 0, size.width - w), within(y, 0, size.height - h), w, h];
}

function change(name, place, box) {
  const boxes = read(name);
  boxes[place] = fitted(box);
  write(name, name === "crop" ? [boxes[place]] : boxes);
}

function remove(name, place) {
  write(name, read(name).filter((_, k) => k !== place));
  state.textContent = "Removed.";
}

function show(name, place, box) {
  const item = document.createElement("div");
  item.className = `box ${name}`;
  item.tabIndex = 0;
  item.dataset.name = name;
  item.dataset.place = place;
  item.setAttribute("role", "group");
  item.setAttribute("aria-label", `${name === "crop" ? "crop" : `mask ${place + 1}`}: ${box.join(" ")}`);
  const [x, y, width, height] = box;
  Object.assign(item.style, {
    left: `${(100 * x) / size.width}%`,
    top: `${(100 * y) / size.height}%`,
    width: `${(100 * width) / size.width}%`,
    height: `${(100 * height) / size.height}%`,
  });
  item.append(Object.assign(document.createElement("span"), { className: "corner" }));
  frame.append(item);
}

function draw() {
  const held = document.activeElement?.closest?.(".box");
  const again = held && `.box.${held.dataset.name}[data-place="${held.dataset.place}"]`;
  for (const old of frame.querySelectorAll(".box")) old.remove();
  if (!size) return;
  for (const name of ["masks", "crop"]) read(name).forEach((box, place) => show(name, place, box));
  if (again) frame.querySelector(again)?.focus();
}

async function load() {
  const answer = await fetch(`${frame.dataset.original}?rotation=${encodeURIComponent(cells.rotation.value.trim())}`);
  if (!answer.ok) {
    state.textContent = (await answer.json()).message;
    return;
  }
  size = { width: Number(answer.headers.get("X-Frame-Width")), height: Number(answer.headers.get("X-Frame-Height")) };
  picture.src = URL.createObjectURL(await answer.blob());
  picture.alt = "the upright original";
  state.textContent = `The upright original, ${size.width} x ${size.height} pixels.`;
  draw();
}

function place(event) {
  const around = frame.getBoundingClientRect();
  return [((event.clientX - around.left) / around.width) * size.width, ((event.clientY - around.top) / around.height) * size.height];
}

function drag(event) {
  if (!size || event.button) return;
  event.preventDefault();
  const start = place(event);
  const item = event.target.closest(".box");
  const name = item?.dataset.name ?? tool;
  const boxes = read(name);
  const at = item ? Number(item.dataset.place) : name === "crop" ? 0 : boxes.length;
  const before = item ? boxes[at] : null;
  const corner = event.target.classList.contains("corner");
  const move = (now) => {
    const [x, y] = place(now);
    const [dx, dy] = [x - start[0], y - start[1]];
    if (!before) {
      if (Math.min(Math.abs(dx), Math.abs(dy)) >= LEAST) change(name, at, [Math.min(x, start[0]), Math.min(y, start[1]), Math.abs(dx), Math.abs(dy)]);
    } else if (corner) change(name, at, [before[0], before[1], before[2] + dx, before[3] + dy]);
    else change(name, at, [before[0] + dx, before[1] + dy, before[2], before[3]]);
  };
  const end = () => {
    window.removeEventListener("pointermove", move);
    frame.querySelector(`.box.${name}[data-place="${at}"]`)?.focus();
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", end, { once: true });
}

function press(event) {
  const item = event.target.closest(".box");
  if (!item) return;
  const name = item.dataset.name;
  const at = Number(item.dataset.place);
  const [x, y, width, height] = read(name)[at];
  const step = Math.max(1, Math.round(size.width / 100));
  const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  if (way) change(name, at, event.shiftKey ? [x, y, width + way[0], height + way[1]] : [x + way[0], y + way[1], width, height]);
  else if (event.key === "Delete" || event.key === "Backspace") remove(name, at);
  else return;
  event.preventDefault();
}

async function turn(degrees) {
  const { width, height } = size;
  const turned = ([x, y, w, h]) => (degrees > 0 ? [height - y - h, x, h, w] : [y, width - x - w, h, w]);
  const kept = { masks: read("masks").map(turned), crop: read("crop").map(turned) };
  cells.rotation.value = String((Number(cells.rotation.value || 0) + degrees + 360) % 360 || "");
  for (const name of ["masks", "crop"]) cells[name].value = kept[name].map((box) => box.join(" ")).join("; ");
  await load();
}

function choose(chosen) {
  tool = chosen;
  frame.dataset.tool = tool;
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    button.classList.toggle("outline", button.dataset.tool !== tool);
  }
}

function add() {
  const boxes = read(tool);
  const at = tool === "crop" ? 0 : boxes.length;
  change(tool, at, [size.width * 0.375, size.height * 0.375, size.width * 0.25, size.height * 0.25]);
  frame.querySelector(`.box.${tool}[data-place="${at}"]`).focus();
}

if (frame.dataset.original) {
  for (const id of ["tools", "tool-help"]) document.getElementById(id).hidden = false;
  for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => choose(button.dataset.tool));
  for (const button of document.querySelectorAll("[data-turn]")) button.addEventListener("click", () => size && turn(Number(button.dataset.turn)));
  document.getElementById("add-box").addEventListener("click", () => size && add());
  frame.dataset.tool = tool;
  frame.addEventListener("pointerdown", drag);
  frame.addEventListener("keydown", press);
  for (const name of ["masks", "crop"]) cells[name].addEventListener("input", draw);
  cells.rotation.addEventListener("change", load);
  load();
}
