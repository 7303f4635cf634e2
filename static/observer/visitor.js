// Small helps of plain pages: the browser's time zone and screen into hidden fields, and the time spent on a page.

for (const field of document.querySelectorAll("[data-time-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (field.tagName === "SELECT") {
    const known = [...field.options].some((option) => option.value === zone);
    if (known && (field.value === "UTC" || field.value === "")) {
      field.value = zone;
    }
  } else {
    field.value = zone ?? "";
  }
}

for (const field of document.querySelectorAll("[data-screen]")) {
  const touch = navigator.maxTouchPoints > 0 ? 1 : 0;
  field.value = `${Math.min(window.screen.width, window.screen.height)},${touch}`;
}

const seconds = document.querySelector("[data-seconds]");
if (seconds) {
  const began = performance.now();
  seconds.form.addEventListener("submit", () => {
    seconds.value = String(Math.round((performance.now() - began) / 1000));
  });
}
