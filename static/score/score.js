// One photo in, one answer shown; nothing leaves this page but the photo's bytes.
const part = (id) => document.getElementById(id);
const root = document.documentElement.dataset.root;
const language = document.documentElement.lang === "es" ? "es" : "en";
let shown = "";

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

function show(answer, file) {
  URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(file);
  part("photo").src = shown;
  part("score").textContent = `${answer.score.toFixed(1)} / 10`;
  part("interval").textContent = answer.low === null ? "" : `${answer.low.toFixed(1)} – ${answer.high.toFixed(1)} (90 %)`;
  list(part("sentences"), answer.sentences[language]);
  const faults = Object.entries(answer.faults).sort((a, b) => b[1] - a[1]);
  part("faults").hidden = faults.length === 0;
  part("faults").tBodies[0].replaceChildren(...faults.map(([name, p]) => row(answer.names[language][name], p, answer.said.includes(name))));
  const attributes = Object.entries(answer.attributes);
  part("attributes").hidden = attributes.length === 0;
  part("attributes").tBodies[0].replaceChildren(...attributes.map(([name, value]) => line(answer.attribute_names[language][name], value.toFixed(0))));
  part("chain").textContent = answer.chain;
  list(part("notices"), answer.notices);
  part("result").hidden = false;
}

async function send(file) {
  part("result").hidden = true;
  part("state").textContent = "…";
  try {
    const reply = await fetch(`${root}/api/score`, { method: "POST", headers: { "X-Dermiqa": "1" }, body: file });
    const answer = await reply.json();
    if (!reply.ok) throw new Error(answer.message);
    show(answer, file);
    part("state").textContent = file.name;
  } catch (fault) {
    part("state").textContent = fault.message;
  }
}

part("form").addEventListener("submit", (event) => event.preventDefault());
part("file").addEventListener("change", () => part("file").files.length && send(part("file").files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  part("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    part("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
}
