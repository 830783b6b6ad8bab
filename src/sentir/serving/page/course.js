// The course of emotions: a line of emotions per row, a dot per turn, with the initial of its speaker.

import { el, newId, svg } from "./dom.js";
import { colorOf, nameOf, t } from "./i18n.js";

const ROW = 34;
const STEPS = [44, 96]; // the least and the most, as far as there is room
const LEFT = 104;
const RADIUS = 11;

/** Return the figure of a timeline; `null` for fewer than two turns, or in regression. See `turns.renderTable`. */
export function renderCourse(view) {
  const { document, corrections } = view;
  const labels = document.turns.map((turn, number) => corrections.labelsOf(turn, number)[0]);
  const rows = document.labels.filter((label) => labels.includes(label));
  if (document.turns.length < 2 || rows.length === 0) return null;
  const room = (view.element.clientWidth - LEFT) / (document.turns.length + 0.4);
  const step = Math.max(STEPS[0], Math.min(STEPS[1], room));
  const points = document.turns.map((turn, number) => {
    const [label, x] = [labels[number], LEFT + step * (number + 0.6)];
    return { turn, number, label, x, y: ROW * (rows.indexOf(label) + 0.5) };
  });
  const [width, height] = [LEFT + step * (points.length + 0.4), ROW * rows.length];
  const id = newId("course");
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-labelledby": id },
    rows.map((label, n) => row(label, n, width, document.labels)),
    lines(points.filter((point) => point.label)),
    points.filter((point) => point.label).map((point) => dot(point, view)));
  return el("figure", { class: "course" },
    el("figcaption", { class: "title", id }, t("course.title")),
    el("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": t("course.title") }, picture));
}

const row = (label, n, width, labels) => [
  svg("line", { x1: LEFT, x2: width, y1: ROW * (n + 0.5), y2: ROW * (n + 0.5), class: "rule" }),
  svg("rect", { x: 0, y: ROW * (n + 0.5) - 5, width: 10, height: 10, rx: 2, fill: colorOf(label, labels) }),
  svg("text", { x: 18, y: ROW * (n + 0.5) + 5 }, nameOf(label)),
].flat();

function lines(points) {
  const speakers = [...new Set(points.map((point) => point.turn.speaker))];
  return speakers.map((speaker, n) => {
    const own = points.filter((point) => point.turn.speaker === speaker);
    return svg("polyline", { points: own.map((point) => `${point.x},${point.y}`).join(" "), class: `path path-${n % 3}` });
  });
}

function dot(point, view) {
  const { turn, number, label, x, y } = point;
  const initial = [...(turn.speaker ?? "")][0]?.toUpperCase() ?? "";
  return svg("g", { class: "dot", "data-turn": number, onclick: () => view.focus(number) },
    svg("title", {}, [turn.speaker, nameOf(label), turn.text].filter(Boolean).join(" · ")),
    svg("circle", { cx: x, cy: y, r: RADIUS, fill: colorOf(label, view.document.labels) }),
    svg("text", { x, y: y + 4, class: "initial" }, initial));
}
