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
  } else if (["a", "r", "o"].includes(event.key) && !event.ctrlKey && !event.metaKey) {
    only(item);
    press({ a: "accept", r: "refuse", o: "reopen" }[event.key]);
  }
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
  let number = 0;
  let kept = 0;
  const token = upload.querySelector("[name=form_token]").value;
  for await (const file of files) {
    number += 1;
    state.textContent = `Uploading file ${number} (${file.name}) ...`;
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
  state.textContent = `${kept} photos are uploaded. Press the button to prepare them.`;
}

document.getElementById("files")?.addEventListener("change", (event) => send([...event.target.files]));
upload?.addEventListener("dragover", (event) => event.preventDefault());
upload?.addEventListener("drop", (event) => {
  event.preventDefault();
  send(entriesOf([...event.dataTransfer.items]));
});
window.addEventListener("beforeunload", (event) => {
  if (busy) event.preventDefault();
});
