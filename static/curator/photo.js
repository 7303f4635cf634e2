// The ladder's slider: the picture and its words follow the step; arrow keys work on the slider itself.
const slider = document.getElementById("slider");
const picture = document.getElementById("step");
const words = document.getElementById("step-text");
const rows = [...document.querySelectorAll("tr[data-src]")];
const pristine = picture?.getAttribute("src");

slider?.addEventListener("input", () => {
  const row = rows[Number(slider.value) - 1];
  picture.src = row ? row.dataset.src : pristine;
  words.textContent = row ? row.dataset.text : "pristine";
  const chosen = document.getElementById("left-variant");
  if (chosen && row) chosen.value = row.dataset.variant;
  rows.forEach((one) => one.classList.toggle("chosen", one === row));
});
