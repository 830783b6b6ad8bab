// The texts of the page, as the server's catalogs have them, and numbers in the language of the page.

let texts = { messages: {}, names: {}, colors: { known: {}, others: [] }, formats: [] };
let current = document.documentElement.lang;

/** Return the language of the page. */
export const language = () => current;

/** Load a language, and let every part of the page show it. */
export async function setLanguage(code) {
  const response = await fetch(new URL(`page/texts/${code}.json`, document.baseURI));
  texts = await response.json();
  current = texts.language;
  document.documentElement.lang = current;
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of document.querySelectorAll("[data-t-label]")) one.setAttribute("aria-label", t(one.dataset.tLabel));
  document.dispatchEvent(new CustomEvent("sentir:language"));
}

/** Return a message with the values of its {placeholders}. */
export function t(key, values = {}) {
  const message = texts.messages[key];
  if (message === undefined) throw new Error(`There is no message ${key}`);
  return message.replace(/\{(\w+)\}/g, (_match, name) => values[name]);
}

/** Return the name of a label or task, as Python's `display_name` does. */
export const nameOf = (key) => texts.names[key] ?? key.replaceAll("_", " ");

/** Return the names of the languages with these codes. */
export function languageNames(codes) {
  const names = new Intl.DisplayNames([current], { type: "language" });
  return new Intl.ListFormat(current, { type: "conjunction" }).format(codes.map((code) => names.of(code)));
}

/** Return the color of a label, as Python's `label_color` does. */
export function colorOf(label, labels) {
  const { known, others } = texts.colors;
  if (label in known) return known[label];
  const position = labels.filter((name) => !(name in known)).indexOf(label);
  return others.at(position < 0 ? -1 : position % others.length);
}

/** Return the formats that timelines are written in. */
export const formats = () => texts.formats;

/** Format a share as a percentage; a small one is not 0 %. */
export function percent(share) {
  const format = new Intl.NumberFormat(current, { style: "percent" });
  return share > 0 && share < 0.005 ? `<${format.format(0.01)}` : format.format(share);
}

/** Format a number with two decimals. */
export const decimal = (number) =>
  new Intl.NumberFormat(current, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(number);

/** Format seconds as 1:05, or 1:00:05. */
export function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
