// The panel of a conversation in text: pasted or opened, and predicted turn by turn.

import { el, show } from "./dom.js";
import { CONVERSATIONS, exampleLanguages } from "./examples.js";
import { language, t } from "./i18n.js";
import { ModelChoice, takes } from "./models.js";
import { TimelineOutput } from "./output.js";

const choice = new ModelChoice((model) => takes(model, "text"), { prefers: (model) => !model.modalities.includes("audio") });
const output = new TimelineOutput();
const state = { text: "", name: "" };
let input;

/** Build the panel, and build it again when the language of the page changes. */
export function renderConversation(panel) {
  if (!choice.model) {
    show(panel, el("div", { class: "card" }, el("p", {}, t("text.no_model"))));
    return;
  }
  input = el("textarea", {
    id: "conversation", rows: 9, dir: "auto", placeholder: t("conversation.placeholder"), "aria-describedby": "conversation-how",
    oninput: () => Object.assign(state, { text: input.value, name: "" }),
  });
  input.value = state.text;
  const card = el(
    "div",
    { class: "card" },
    el("label", { for: "conversation", class: "title" }, t("conversation.label")),
    el("p", { class: "soft small", id: "conversation-how" }, t("conversation.how")),
    input,
    el("div", { class: "actions" }, choice.render(),
      el("button", { type: "button", class: "quiet", onclick: useExample }, t("conversation.example")),
      renderOpen(),
      el("button", { type: "button", class: "primary", onclick: predict }, t("predict"))),
  );
  show(panel, card, output.element);
  output.render();
}

function renderOpen() {
  const file = el("input", {
    type: "file", class: "visually-hidden", id: "conversation-file", accept: ".txt,.jsonl,.json,.srt,.vtt,.csv",
    onchange: async () => {
      const [chosen] = file.files;
      if (chosen) use(await chosen.text(), chosen.name);
      file.value = "";
    },
  });
  return el("span", {}, file, el("label", { for: "conversation-file", class: "button" }, t("conversation.open")));
}

function useExample() {
  const [code] = exampleLanguages(choice.model, language());
  use(CONVERSATIONS[code ?? "en"], "");
}

function use(text, name) {
  Object.assign(state, { text, name });
  input.value = text;
  predict();
}

/** Return the suffix of a pasted conversation: JSON lines, subtitles, or "Name: what is said". */
function guessSuffix(text) {
  const start = text.trimStart();
  if (start.startsWith("{")) return ".jsonl";
  if (start.startsWith("WEBVTT")) return ".vtt";
  return /^\d+\s*\n\d\d:\d\d:\d\d,\d+\s*-->/.test(start) ? ".srt" : ".txt";
}

function predict() {
  if (!state.text.trim()) {
    input.focus();
    return;
  }
  const name = state.name || t("conversation.name") + guessSuffix(state.text);
  const form = new FormData();
  form.append("turns", new Blob([state.text]), name);
  output.make(form, name, choice.model, { isConversation: true });
}
