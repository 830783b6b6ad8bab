// The models that are served, and the choice between them.

import { requestJson } from "./api.js";
import { el, newId } from "./dom.js";
import { language, languageNames, t } from "./i18n.js";

/** What the server serves: its models, its limits, and its notice. */
export const server = { models: [], limits: {}, notice: "" };

/** Load what the server serves. */
export async function loadServer() {
  const [models, limits, notice] = await Promise.all(
    ["/v1/models", "/v1/limits", "/v1/notice"].map((path) => requestJson(path)),
  );
  Object.assign(server, { models: models.models, limits, notice: notice.text });
}

/** Whether a model can do with a modality alone. */
export const takes = (model, modality) =>
  model.modalities.includes(modality) &&
  model.modalities.every((one) => one === modality || model.optional_modalities.includes(one));

/** Return the sentence on a model: what it takes, and in which languages. */
export function describeModel(model) {
  const parts = [];
  if (model.modalities.includes("text") && model.languages.length > 0 && model.languages.length < 8) {
    parts.push(t("model.languages", { languages: languageNames(model.languages) }));
    if (!model.languages.includes(language())) parts.push(t("model.other_languages"));
  }
  if (model.synthetic) parts.push(t("model.synthetic"));
  return parts.join(" ");
}

/** Chooses among the models that suit a panel. */
export class ModelChoice {
  /** `suits` says which models can be chosen; `prefers` which one is at first. */
  constructor(suits, { prefers = () => true, onChange = () => {} } = {}) {
    Object.assign(this, { suits, prefers, onChange, name: null });
  }

  /** The models that can be chosen. */
  get models() {
    return server.models.filter(this.suits);
  }

  /** The chosen model; `undefined` if none suits. */
  get model() {
    const { models } = this;
    return models.find((one) => one.name === this.name) ?? models.find(this.prefers) ?? models[0];
  }

  /** Return the control, with what is to be known of the chosen model. */
  render() {
    const { models, model } = this;
    if (!model) return el("div");
    const id = newId("model");
    const about = el("p", { class: "soft small", id: `${id}-about` }, describeModel(model));
    if (models.length === 1) {
      return el("div", { class: "model" }, el("p", { class: "small" }, t("model.label"), " ", el("strong", {}, model.name)), about);
    }
    const options = models.map((one) => el("option", { value: one.name, selected: one === model }, one.name));
    const change = (event) => {
      this.name = event.target.value;
      about.textContent = describeModel(this.model);
      this.onChange();
    };
    return el(
      "div",
      { class: "model" },
      el("label", { for: id, class: "small" }, t("model.label")),
      el("select", { id, "aria-describedby": `${id}-about`, onchange: change }, options),
      about,
    );
  }
}
