// The panel of a text: typed or clicked, predicted, explained.

import { requestJson } from "./api.js";
import { renderPrediction } from "./bars.js";
import { el, problem, show } from "./dom.js";
import { TEXTS, exampleLanguages } from "./examples.js";
import { explainButton } from "./explanation.js";
import { language, t } from "./i18n.js";
import { ModelChoice, server, takes } from "./models.js";

const choice = new ModelChoice((model) => takes(model, "text"), {
  prefers: (model) => !model.modalities.includes("audio"),
  onChange: () => renderExamples(),
});
const state = { text: "", result: null, isBusy: false, error: "" };
let panel, input, examples, output, button;

/** Build the panel, and build it again when the language of the page changes. */
export function renderText(parent) {
  panel = parent;
  if (!choice.model) {
    show(panel, el("div", { class: "card" }, el("p", {}, t("text.no_model"))));
    return;
  }
  input = el("textarea", {
    id: "text", rows: 5, dir: "auto", maxlength: server.limits.max_characters, placeholder: t("text.placeholder"),
    oninput: () => {
      state.text = input.value;
    },
    onkeydown: (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) predict();
    },
  });
  input.value = state.text;
  button = el("button", { type: "button", class: "primary", onclick: predict }, t("predict"));
  examples = el("div", { class: "examples" });
  output = el("div", { class: "card result", "aria-live": "polite" });
  show(
    panel,
    el(
      "div",
      { class: "card" },
      el("label", { for: "text", class: "title" }, t("text.label")),
      input,
      el("div", { class: "actions" }, choice.render(), button),
      examples,
    ),
    output,
  );
  renderExamples();
  if (state.result) predict(); // its sentences are in the language of the request
  else renderOutput();
}

function renderExamples() {
  const codes = exampleLanguages(choice.model, language());
  const texts = (TEXTS[codes[0]] ?? []).map((text) => [codes[0], text]);
  if (!codes.includes(language())) texts.splice(4, 1, [language(), TEXTS[language()][0]]);
  const use = (text) => {
    input.value = state.text = text;
    predict();
  };
  show(
    examples,
    el("p", { class: "soft small" }, t("examples")),
    el("ul", { class: "chips" }, texts.map(([code, text]) =>
      el("li", {}, el("button", { type: "button", class: "chip", lang: code, onclick: () => use(text) }, text)))),
  );
}

async function predict() {
  if (state.isBusy) return;
  const { model } = choice;
  if (!state.text.trim()) {
    input.focus();
    return;
  }
  Object.assign(state, { isBusy: true, error: "" });
  button.setAttribute("aria-busy", "true");
  try {
    const inputs = [state.text];
    const abstain = model.confidence_threshold !== null;
    const answer = await requestJson("/v1/emotions", { json: { inputs, model: model.name, abstain } });
    state.result = { prediction: answer.predictions[0], model, inputs };
  } catch (error) {
    Object.assign(state, { result: null, error: error.message });
  }
  state.isBusy = false;
  button.removeAttribute("aria-busy");
  renderOutput();
  output.scrollIntoView({ block: "nearest" }); // on a phone it is below the examples
}

function renderOutput() {
  if (state.error) {
    show(output, problem(state.error));
  } else if (state.result) {
    const { prediction, model, inputs } = state.result;
    show(output, el("h2", { class: "visually-hidden" }, t("result")), renderPrediction(prediction, model), explainButton(model, prediction, { json: { inputs, model: model.name } }));
  } else {
    show(output, el("div", { class: "empty" }, el("p", {}, t("text.empty")), ghostBars()));
  }
}

const ghostBars = () =>
  el("div", { class: "ghost", "aria-hidden": "true" }, [88, 42, 27, 12].map((width) => el("span", { style: { width: `${width}%` } })));
