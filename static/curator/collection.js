// The grid by keys, and uploads one file after another with their state said aloud.
const grid = document.getElementById("grid");
const form = document.getElementById("grid-form");

function columns() {
  const items = [...grid.children];
  const top = items[0]?.offsetTop;
  return Math.max(1, items.filter((item) => item.offsetTop === top).length);
}

function press(action) {
  form.querySelector(`button[value="${action}"]`)?.click();
}

function only(item) {
  for (const box of grid.querySelectorAll("input[type=checkbox]")) box.checked = item.contains(box);
}

grid?.addEventListener("keydown", (event) => {
  const item = event.target.closest("li.photo");
  if (!item || event.target !== item) return;
  const items = [...grid.children];
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() }[event.key];
  if (step) {
    items[items.indexOf(item) + step]?.focus();
    event.preventDefault();
  } else if (event.key === " ") {
    const box = item.querySelector("input[type=checkbox]");
    box.checked = !box.checked;
    event.preventDefault();
  } else if (event.key === "Enter") {
    window.location.assign(item.dataset.href);
  } else if (event.key === "g" && !event.ctrlKey && !event.metaKey) {
    join([], item);
  } else if (["a", "r", "o", "i"].includes(event.key) && !event.ctrlKey && !event.metaKey) {
    only(item);
    press({ a: "accept", r: "refuse", o: "reopen", i: "confirm" }[event.key]);
  }
});

function join(items, onto) {
  for (const item of items) item.querySelector("input[type=checkbox]").checked = true;
  if (!grid.querySelector("input[type=checkbox]:checked")) return;
  document.getElementById("onto").value = onto.dataset.name;
  press("group");
}

let carried = null;

function over(event) {
  const item = event.target.closest("li.photo");
  for (const one of grid.querySelectorAll(".over")) one.classList.toggle("over", one === item);
  if (!carried || !item || item === carried) return null;
  event.preventDefault();
  item.classList.add("over");
  return item;
}

grid?.addEventListener("dragstart", (event) => {
  carried = event.target.closest("li.photo");
  event.dataTransfer.setData("text/plain", carried.dataset.name);
  event.dataTransfer.effectAllowed = "link";
});
grid?.addEventListener("dragover", over);
grid?.addEventListener("drop", (event) => {
  const item = over(event);
  if (item) join([carried], item);
});
grid?.addEventListener("dragend", () => {
  carried = null;
  for (const one of grid.querySelectorAll(".over")) one.classList.remove("over");
});

const upload = document.getElementById("upload");
const state = document.getElementById("upload-state");
const faults = document.getElementById("upload-faults");
let busy = false;

async function* entriesOf(items) {
  for (const item of items) {
    const entry = item.webkitGetAsEntry?.();
    if (entry) yield* walk(entry);
    else if (item.kind === "file") yield item.getAsFile();
  }
}

async function* walk(entry) {
  if (entry.isFile) {
    yield await new Promise((done, fail) => entry.file(done, fail));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const part = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!part.length) return;
    for (const one of part) yield* walk(one);
  }
}

function refused(line) {
  const item = document.createElement("li");
  item.textContent = line;
  faults.append(item);
}

async function send(files) {
  if (busy) return;
  busy = true;
  const bar = document.getElementById("upload-bar");
  const all = Array.isArray(files) ? files.length : 0;
  bar.hidden = false;
  if (all) bar.max = all;
  else bar.removeAttribute("value");
  let number = 0;
  let kept = 0;
  const token = upload.querySelector("[name=form_token]").value;
  for await (const file of files) {
    number += 1;
    if (all) bar.value = number - 1;
    state.textContent = `Uploading file ${number}${all ? ` of ${all}` : ""} (${file.name}) ...`;
    const root = document.documentElement.dataset.root;
    const address = `${root}/c/uploads/${upload.dataset.batch}/${encodeURIComponent(file.name)}`;
    try {
      const answer = await fetch(address, { method: "PUT", body: file, headers: { "X-Dermiqa": "1", "X-Form-Token": token } });
      const said = await answer.json();
      kept += said.kept ?? 0;
      for (const line of said.refused ?? [said.message]) refused(line);
    } catch {
      refused(`${file.name}: the connection broke, choose it again`);
    }
  }
  busy = false;
  bar.hidden = true;
  state.textContent = `${kept} photos are uploaded. Press the button to prepare them.`;
}

// With scripts the files go one by one, each with its own answer; without, they go with the form.
document.getElementById("files")?.removeAttribute("name");
if (upload) upload.enctype = "application/x-www-form-urlencoded";
document.getElementById("files")?.addEventListener("change", (event) => send([...event.target.files]));
upload?.addEventListener("dragover", (event) => event.preventDefault());
upload?.addEventListener("drop", (event) => {
  event.preventDefault();
  send(entriesOf([...event.dataTransfer.items]));
});
window.addEventListener("beforeunload", (event) => {
  if (busy) event.preventDefault();
});
