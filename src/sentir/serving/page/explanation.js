// Why a label was predicted, on demand: the words and moments that counted.

import { request } from "./api.js";
import { el, newId, problem, show, svg } from "./dom.js";
import { clock, colorOf, decimal, nameOf, t } from "./i18n.js";

const STRONG = 0.5; // share of the largest attribution
const WEAK = 0.15;

/**
 * Return a button that explains a prediction below itself; `null` where the model cannot.
 *
 * `body` is that of the request, or a function that makes it; `offset` is where the clip starts in its recording.
 */
export function explainButton(model, prediction, body, { number, offset = 0 } = {}) {
  if (!model.can_explain || prediction.problem) return null;
  const id = newId("explanation");
  const place = el("div", { id, "aria-live": "polite" });
  const label = prediction.labels?.[0];
  const explain = async () => {
    button.setAttribute("aria-busy", "true");
    try {
      const query = new URLSearchParams({ ...(label ? { label } : {}), ...(number ? { number } : {}) });
      const options = typeof body === "function" ? body() : body;
      const response = await request(`/v1/explanations?${query}`, options);
      show(place, renderExplanation(await response.json(), model, offset));
      button.hidden = true;
    } catch (error) {
      show(place, problem(error.message));
    }
    button.removeAttribute("aria-busy");
  };
  const button = el("button", { type: "button", class: "quiet", "aria-controls": id, onclick: explain }, t("explain"));
  return el("div", { class: "explain" }, button, place);
}

function renderExplanation(explanation, model, offset) {
  const words = explanation.passages.flatMap((passage) => passage.words);
  const largest = Math.max(...words.map((word) => Math.abs(word.value)), 0);
  return el(
    "section",
    { class: "explanation" },
    el("h3", {}, t("explain.title", { label: nameOf(explanation.label) })),
    explanation.passages.map((passage) => renderPassage(passage, largest)),
    words.length > 0 ? renderLegend(explanation.label) : null,
    explanation.moments.length > 0 ? renderMoments(explanation, model, offset) : null,
    el("p", { class: "soft small" }, t("explain.caution")),
  );
}

function renderPassage(passage, largest) {
  const pieces = passage.words.flatMap((word) => [word.follows_without_space ? null : " ", renderWord(word, largest)]);
  return el("p", { class: `passage ${passage.position}`, dir: "auto" }, passage.speaker ? el("b", {}, `${passage.speaker}: `) : null, pieces);
}

function renderWord(word, largest) {
  const share = largest ? Math.abs(word.value) / largest : 0;
  const strength = share >= STRONG ? "strong" : share >= WEAK ? "weak" : "none";
  const side = word.value >= 0 ? "for" : "against";
  return el("span", { class: `word ${side} ${strength}`, title: decimal(word.value) }, word.text);
}

const renderLegend = (label) =>
  el(
    "p",
    { class: "small legend" },
    el("span", { class: "word for strong" }, t("explain.for", { label: nameOf(label) })),
    " ",
    el("span", { class: "word against strong" }, t("explain.against")),
  );

function renderMoments(explanation, model, offset) {
  const { moments } = explanation;
  const best = moments.reduce((a, b) => (b.value > a.value ? b : a));
  const width = 100 / moments.length;
  const bars = moments.map((moment, n) =>
    svg("rect", { x: n * width + width * 0.1, y: 30 - 28 * moment.value, width: width * 0.8, height: 28 * moment.value + 1 }));
  const sentence = t("explain.moment", { time: clock(offset + best.time), label: nameOf(explanation.label) });
  const color = colorOf(explanation.label, model.labels);
  return el(
    "figure",
    { class: "moments" },
    svg("svg", { viewBox: "0 0 100 31", preserveAspectRatio: "none", role: "img", "aria-label": sentence, style: { fill: color } }, bars),
    el("figcaption", { class: "small" }, sentence),
  );
}
