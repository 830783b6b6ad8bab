const languages = document.getElementById("languages");
languages.hidden = false;
for (const copy of document.querySelectorAll("[data-of]")) {
  const original = document.getElementById(copy.dataset.of);
  if (original) copy.src = original.src;
}
languages.addEventListener("click", (event) => {
  const code = event.target.lang;
  if (!event.target.matches("button")) return;
  for (const audio of document.querySelectorAll("audio")) audio.pause();
  for (const main of document.querySelectorAll("main")) {
    main.hidden = main.lang !== code;
    if (!main.hidden) document.title = main.dataset.title;
  }
  for (const button of languages.children) button.setAttribute("aria-pressed", button.lang === code);
  document.documentElement.lang = code;
});
// Headings become buttons that sort their table: numbers by value, text alphabetically, missing values last.
const valueOf = (row, column) => {
  const cell = row.cells[column];
  const text = (cell.dataset.value ?? cell.textContent).replace(/[\s\u202f]+/g, " ").trim();
  if (!cell.classList.contains("num")) return text;
  const number = parseFloat(text.replace(/(\d) (?=\d{3}\b)/g, "$1").replace(/^\[/, "").replace("−", "-").replace(",", "."));
  return Number.isNaN(number) ? null : number;
};
const compare = (a, b, sign) => {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
};
for (const table of document.querySelectorAll(".scroll table:not(.fixed)")) {
  const body = table.tBodies[0];
  if (!table.tHead || body.rows.length < 3) continue;
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      const first = heading.classList.contains("num") ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = before === first ? other : first;
      for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      body.append(...[...body.rows].sort((a, b) => compare(valueOf(a, column), valueOf(b, column), sign)));
    });
  });
}
// A table that is wider than its container gets a hint, and only then a stop for the keyboard.
const updateOverflow = (region) => {
  const hidden = region.scrollWidth - region.clientWidth;
  region.classList.toggle("scrolls", hidden > 1);
  region.classList.toggle("more", hidden - region.scrollLeft > 1);
  region.tabIndex = hidden > 1 ? 0 : -1;
};
const widths = new ResizeObserver((entries) => { for (const { target } of entries) updateOverflow(target); });
for (const region of document.querySelectorAll(".scroll")) {
  widths.observe(region);
  region.addEventListener("scroll", () => updateOverflow(region), { passive: true });
}
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const one of closed) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of closed) one.open = false;
});
