// The panel of a recording: a file is dropped or chosen, and becomes a timeline.

import { el, show } from "./dom.js";
import { t } from "./i18n.js";
import { ModelChoice, server, takes } from "./models.js";
import { TimelineOutput } from "./output.js";
import { VoiceClips } from "./voice.js";

const MEGABYTE = 1024 ** 2;
const takesAudio = (model) => takes(model, "audio");
const choice = new ModelChoice(() => true, { prefers: takesAudio, onChange: () => voice.render() });
const voice = new VoiceClips(choice);
const output = new TimelineOutput();
let turns = null;
let drop;

/** Build the panel, and build it again when the language of the page changes. */
export function renderFile(panel) {
  show(panel, el("div", { class: "card" }, renderDrop(), renderTurns(), voice.render(), choice.render()), output.element);
  output.render();
}

function renderDrop() {
  const input = el("input", {
    type: "file", id: "recording", accept: "audio/*,video/*", class: "visually-hidden",
    onchange: () => {
      if (input.files[0]) predict(input.files[0]);
      input.value = "";
    },
  });
  drop = el(
    "label",
    { class: output.view ? "drop small" : "drop", for: "recording" },
    el("span", { class: "title" }, t("file.drop")),
    el("span", { class: "button" }, t("file.choose")),
    el("span", { class: "soft small" }, t("file.kinds", { n: Math.round(server.limits.max_body_bytes / MEGABYTE) })),
  );
  const over = (isOver) => (event) => {
    event.preventDefault();
    drop.classList.toggle("over", isOver);
  };
  drop.addEventListener("dragover", over(true));
  drop.addEventListener("dragleave", over(false));
  drop.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files[0]) predict(event.dataTransfer.files[0]);
  });
  return el("div", {}, input, drop);
}

function renderTurns() {
  const input = el("input", {
    type: "file", id: "turns", accept: ".srt,.vtt,.json,.jsonl,.csv,.eaf,.TextGrid,.rttm",
    onchange: () => {
      turns = input.files[0] ?? null;
    },
  });
  return el(
    "details",
    { class: "turns-file", open: Boolean(turns) || !server.models.some(takesAudio) },
    el("summary", {}, t("file.turns")),
    el("p", {}, t("file.turns_why")),
    el("label", { for: "turns" }, t("file.turns_choose")),
    " ",
    input,
  );
}

function predict(recording) {
  const [bytes, most] = [recording.size + (turns?.size ?? 0) + voice.bytesFor(choice.model), server.limits.max_body_bytes];
  if (bytes > most) {
    const [n, limit] = [bytes, most].map((one) => Math.round(one / MEGABYTE));
    output.fail(t("file.too_large", { name: recording.name, n, limit }));
    return;
  }
  const form = new FormData();
  form.append("recording", recording);
  if (turns) form.append("turns", turns);
  voice.addTo(form, choice.model);
  drop.classList.add("small");
  output.make(form, recording.name, choice.model, { audio: recording });
}
