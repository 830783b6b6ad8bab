// A prediction as bars: what was recognized, how sure the model is, and what speaks for the other labels.

import { el, swatch, warning } from "./dom.js";
import { colorOf, decimal, nameOf, percent, t } from "./i18n.js";

/** Return the labels of a prediction as text. */
export const labelText = (labels) => labels.map(nameOf).join(", ") || t("label.none");

/** Return whether a prediction is below the confidence from which on the model commits itself. */
export function isUnsure(prediction, model) {
  if (typeof prediction.abstain === "boolean") return prediction.abstain;
  const threshold = model?.confidence_threshold ?? null;
  return threshold !== null && typeof prediction.confidence === "number" && prediction.confidence < threshold;
}

/** Return bars of label → probability, the largest first; `null` without any. */
export function renderBars(probabilities, labels, { chosen = [] } = {}) {
  const sorted = Object.entries(probabilities).sort((a, b) => b[1] - a[1]);
  if (sorted.length === 0) return null; // a number was predicted
  return el(
    "ul",
    { class: "bars" },
    sorted.map(([label, share]) =>
      el(
        "li",
        { class: chosen.includes(label) ? "chosen" : null },
        el("span", { class: "name" }, nameOf(label)),
        el("span", { class: "track", "aria-hidden": "true" },
          el("span", { class: "fill", style: { width: `${100 * share}%`, background: colorOf(label, labels) } })),
        el("span", { class: "number" }, percent(share)),
      ),
    ),
  );
}

/** Return what was recognized, with its confidence or that the model abstains; briefly without what that means. */
export function renderHeadline(prediction, model, { isBrief = false } = {}) {
  if (Object.keys(prediction.values ?? {}).length > 0) {
    return Object.entries(prediction.values).map(([name, value]) =>
      el("p", { class: "headline" }, el("span", { class: "what" }, decimal(value)), " ", el("span", { class: "soft" }, nameOf(name))),
    );
  }
  const names = labelText(prediction.labels);
  if (!isUnsure(prediction, model)) {
    return [
      el("p", { class: "headline" }, prediction.labels.map((one) => swatch(colorOf(one, model.labels))), el("span", { class: "what" }, names)),
      typeof prediction.confidence === "number" ? el("p", { class: "soft" }, t("confidence", { share: percent(prediction.confidence) })) : null,
    ];
  }
  return [
    el("p", { class: "headline unsure" }, el("span", { class: "what" }, t("unsure"))),
    el("p", {}, t("unsure.closest", { label: names, share: percent(prediction.confidence) })),
    isBrief ? null : el("details", {}, el("summary", {}, t("unsure.question")), el("p", {}, t("unsure.answer"))),
  ];
}

/** Return a whole prediction: headline, bars, other tasks and notes. */
export function renderPrediction(prediction, model) {
  if (prediction.problem) return [warning(prediction.problem)];
  return [
    ...renderHeadline(prediction, model),
    renderBars(prediction.probabilities ?? {}, model.labels, { chosen: prediction.labels }),
    ...Object.entries(prediction.other_tasks ?? {}).map(([task, one]) => renderTask(task, one)),
    ...(prediction.notes ?? []).map(warning),
    warning(model.synthetic ? t("synthetic") : ""),
  ];
}

function renderTask(task, prediction) {
  const probabilities = prediction.probabilities ?? prediction;
  const numbers = Object.entries(prediction.values ?? {}).map(([name, value]) => `${nameOf(name)} ${decimal(value)}`);
  return el(
    "section",
    { class: "task" },
    el("h3", {}, nameOf(task)),
    numbers.length > 0 ? el("p", {}, numbers.join(", ")) : renderBars(probabilities, Object.keys(probabilities), { chosen: prediction.labels }),
  );
}
