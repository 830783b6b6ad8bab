// The turns of a timeline, as a table and as a conversation: the primary view, which needs neither color nor mouse.

import { isUnsure, labelText } from "./bars.js";
import { el, icon, newId, swatch } from "./dom.js";
import { clock, colorOf, decimal, nameOf, percent, t } from "./i18n.js";

const PLAY = "M8 5v14l11-7z";

/**
 * Return the table of the turns.
 *
 * `view` is the timeline: `document`, `model`, `corrections`, `play(seconds)`, `correct(number, label)` and
 * `explain(turn, number)`.
 */
export function renderTable(view) {
  const { turns } = view.document;
  const columns = [
    ["time", t("turns.time"), turns.some((turn) => typeof turn.start === "number"), (turn) => timeCell(turn, view)],
    ["speaker", t("turns.speaker"), turns.some((turn) => turn.speaker), (turn) => turn.speaker ?? ""],
    ["said", t("turns.text"), turns.some((turn) => turn.text), (turn) => el("span", { dir: "auto" }, turn.text ?? "")],
    ["emotion", t("turns.emotion"), true, (turn, number) => emotionCell(turn, number, view)],
    ["sure", t("turns.confidence"), turns.some((turn) => typeof turn.confidence === "number"), (turn, number) => confidence(turn, number, view)],
    ["more", t("turns.more"), turns.some((turn) => turn.notes?.length || turn.problem) || view.model.can_explain, (turn, number) => moreCell(turn, number, view)],
  ].filter(([, , isShown]) => isShown);
  const head = columns.map(([name, title]) => el("th", { role: "columnheader", scope: "col", class: name }, title));
  const rows = turns.map((turn, number) =>
    el("tr", { role: "row", "data-turn": number, class: view.corrections.has(number) ? "corrected" : null },
      columns.map(([name, , , cell]) => el("td", { role: "cell", class: name }, cell(turn, number)))));
  return el("table", { class: "turns", role: "table", "aria-label": t("turns.table") },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
    el("tbody", { role: "rowgroup" }, rows));
}

/** Return the turns as a conversation, each speaker on a side; see `renderTable`. */
export function renderBubbles(view) {
  const { turns } = view.document;
  const speakers = [...new Set(turns.map((turn) => turn.speaker ?? ""))];
  return el("ol", { class: "bubbles", "aria-label": t("turns.conversation") }, turns.map((turn, number) => {
    const side = speakers.indexOf(turn.speaker ?? "") % 2 ? "right" : "left";
    const color = colorOf(view.corrections.labelsOf(turn, number)[0], view.document.labels);
    return el(
      "li",
      { class: `bubble ${side}`, "data-turn": number, style: { "--label": color } },
      el("p", { class: "who small" }, turn.speaker ?? "", typeof turn.start === "number" ? el("span", { class: "soft" }, ` ${clock(turn.start)}`) : null),
      el("p", { class: "words", dir: "auto" }, turn.text ?? "…"),
      el("div", { class: "felt" }, emotionCell(turn, number, view), confidence(turn, number, view), moreCell(turn, number, view)),
    );
  }));
}

function timeCell(turn, view) {
  const text = `${clock(turn.start)}–${clock(turn.end)}`;
  if (!view.play) return text;
  const name = t("turns.play", { time: clock(turn.start) });
  return el("button", { type: "button", class: "time-button", "aria-label": name, onclick: () => view.play(turn.start) }, icon(PLAY), text);
}

function emotionCell(turn, number, view) {
  const numbers = Object.entries(turn.values ?? {}).map(([name, value]) => `${nameOf(name)} ${decimal(value)}`);
  if (numbers.length > 0) return numbers.join(", ");
  const labels = view.corrections.labelsOf(turn, number);
  const color = labels.length > 0 ? colorOf(labels[0], view.document.labels) : "transparent";
  const isCorrected = view.corrections.has(number);
  const id = newId("label");
  const several = labels.length > 1 ? [el("option", { value: labels.join("|"), selected: true, disabled: true }, labelText(labels))] : [];
  const options = view.document.labels.map((label) =>
    el("option", { value: label, selected: labels.length === 1 && label === labels[0] }, nameOf(label)));
  const none = labels.length === 0 ? [el("option", { value: "", selected: true }, t("label.none"))] : [];
  const select = el("select", {
    id, class: "label-select", "aria-label": t("turns.correct", { n: number + 1 }),
    onchange: (event) => view.correct(number, event.target.value),
  }, none, several, options);
  return el("span", { class: "label-cell" }, swatch(color), select,
    isCorrected ? el("span", { class: "tag" }, t("corrected")) : null,
    isCorrected ? el("button", { type: "button", class: "undo", "aria-label": t("corrected.undo", { n: number + 1 }), onclick: () => view.correct(number, turn.labels?.[0] ?? "") }, "↺") : null);
}

function confidence(turn, number, view) {
  if (typeof turn.confidence !== "number" || view.corrections.has(number)) return null;
  const tag = isUnsure(turn, view.model) ? el("span", { class: "tag unsure" }, t("unsure")) : null;
  return el("span", { class: "share" }, percent(turn.confidence), tag ? " " : null, tag);
}

function moreCell(turn, number, view) {
  const sentences = [turn.problem, ...(turn.notes ?? [])].filter(Boolean);
  return [
    sentences.length > 0 ? el("details", { class: "notes" }, el("summary", {}, t("turns.notes")), sentences.map((one) => el("p", { class: "small" }, one))) : null,
    view.explain(turn, number),
  ].filter(Boolean);
}
