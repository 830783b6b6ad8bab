"use strict";
const all = (selector) => Array.from(document.querySelectorAll(selector));
const audio = document.querySelector("audio");
const rows = all("tbody tr");
const strips = all(".strip");

for (const button of all("nav button")) {
  button.addEventListener("click", () => {
    const lang = button.dataset.lang;
    document.documentElement.lang = lang;
    for (const other of all("nav button")) other.setAttribute("aria-pressed", String(other === button));
    for (const one of all("[data-en]")) one.textContent = one.dataset[lang];
  });
}

for (const button of all(".legend button")) {
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!shown));
    const hidden = all('.legend button[aria-pressed="false"]').map((one) => one.dataset.label);
    for (const one of [...rows, ...all(".turn")]) {
      const labels = JSON.parse(one.dataset.labels);
      const off = labels.length > 0 && labels.every((label) => hidden.includes(label));
      one.style.display = off ? "none" : "";
    }
  });
}

const play = (seconds) => {
  if (!audio) return;
  audio.currentTime = seconds;
  audio.play().catch(() => {});
};
for (const button of all("td.time button")) {
  button.addEventListener("click", () => play(Number(button.dataset.start)));
}
for (const strip of strips) {
  strip.addEventListener("click", (event) => {
    const box = strip.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const seconds = Number(strip.dataset.seconds);
    play(Number(strip.dataset.start) + share * seconds);
  });
}
if (audio) {
  const picker = document.querySelector(".player input");
  if (picker) {
    picker.addEventListener("change", () => {
      if (picker.files[0]) audio.src = URL.createObjectURL(picker.files[0]);
    });
  }
  const turns = all(".turn");
  audio.addEventListener("timeupdate", () => {
    const now = audio.currentTime;
    for (const one of [...rows, ...turns]) {
      one.classList.toggle("now", Number(one.dataset.start) <= now && now < Number(one.dataset.end));
    }
    for (const strip of strips) {
      const x = (1000 * (now - Number(strip.dataset.start))) / Number(strip.dataset.seconds);
      const cursor = strip.querySelector(".cursor");
      cursor.setAttribute("visibility", x >= 0 && x <= 1000 ? "visible" : "hidden");
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
    }
  });
}
