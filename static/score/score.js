// One photo in, one answer shown; nothing leaves this page but the photo's bytes.
const part = (id) => document.getElementById(id);
const root = document.documentElement.dataset.root;
const language = document.documentElement.lang === "es" ? "es" : "en";
const words = Object.fromEntries([...part("words").content.querySelectorAll("[data-word]")].map((word) => [word.dataset.word, word.textContent]));
const largest = Number(part("form").dataset.megabytes) * 1e6;
const SAID_BY_ADVICE = "out_of_range";
let shown = "";
let newest = new AbortController();

function list(element, texts) {
  element.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

function line(...texts) {
  const made = document.createElement("tr");
  made.append(...texts.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return made;
}

function row(name, probability, said) {
  const made = line(name, probability.toFixed(2));
  if (said) made.className = "said";
  return made;
}

// The advice goes by the score alone: it may not stand plainly beside a fault that asks for another photo.
function sentences(answer) {
  const [advice, ...rest] = answer.sentences[language];
  const but = answer.advice === "accept" && (answer.said.length > 0 || answer.flags.includes("too_small"));
  return [but ? words["advice:but"] : advice, ...rest];
}

function showFlags(flags) {
  const told = flags.filter((flag) => flag !== SAID_BY_ADVICE);
  part("flagged").hidden = told.length === 0;
  list(part("flags"), told.map((flag) => words[`flag:${flag}`] ?? flag.replaceAll("_", " ")));
}

// The server's notices in the page's language; the first of all stands at the top of the page.
function notices(answer) {
  return answer.notices.filter((notice) => notice !== answer.notice).map((notice) => words[`notice:${notice.split(":")[0]}`] ?? notice);
}

function show(answer, file) {
  URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(file);
  part("photo").hidden = false;
  part("photo").src = shown;
  part("score").textContent = `${answer.score.toFixed(1)} / 10`;
  part("interval").textContent = answer.low === null ? "" : `${answer.low.toFixed(1)} – ${answer.high.toFixed(1)} (90 %)`;
  list(part("sentences"), sentences(answer));
  showFlags(answer.flags);
  const faults = Object.entries(answer.faults).sort((a, b) => b[1] - a[1]);
  part("faults").hidden = faults.length === 0;
  part("faults").tBodies[0].replaceChildren(...faults.map(([name, p]) => row(answer.names[language][name], p, answer.said.includes(name))));
  const attributes = Object.entries(answer.attributes);
  part("attributes").hidden = attributes.length === 0;
  part("attributes").tBodies[0].replaceChildren(...attributes.map(([name, value]) => line(answer.attribute_names[language][name], value.toFixed(0))));
  part("chain").textContent = answer.chain;
  list(part("notices"), notices(answer));
  part("result").hidden = false;
}

// A known refusal is said in the page's language; of another one the server's own words follow in small type.
function refuse(code, message) {
  const known = words[`error:${code}`];
  const own = Object.assign(document.createElement("small"), { textContent: message });
  part("state").replaceChildren(...(known ? [known] : [words["error:other"], " ", own]));
}

async function ask(file, signal) {
  try {
    const reply = await fetch(`${root}/api/score`, { method: "POST", headers: { "X-Dermiqa": "1" }, body: file, signal });
    return { ok: reply.ok, answer: await reply.json() };
  } catch {
    return { ok: false, answer: { error: "network" } };
  }
}

// Only the newest photo's answer is shown: an older one is given up.
async function send(file) {
  newest.abort();
  newest = new AbortController();
  const { signal } = newest;
  part("result").hidden = true;
  if (file.size > largest) return refuse("too_large");
  part("state").textContent = "…";
  const { ok, answer } = await ask(file, signal);
  if (signal.aborted) return;
  if (!ok) return refuse(answer.error, answer.message);
  show(answer, file);
  part("state").textContent = file.name;
}

part("photo").addEventListener("error", () => { part("photo").hidden = true; });
part("form").addEventListener("submit", (event) => event.preventDefault());
part("file").addEventListener("click", () => { part("file").value = ""; });
part("file").addEventListener("change", () => part("file").files.length && send(part("file").files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  part("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    part("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
}
// A photo dropped beside the box would make the browser leave the page.
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    if (event.dataTransfer && !part("drop").contains(event.target)) event.dataTransfer.dropEffect = "none";
  });
}
