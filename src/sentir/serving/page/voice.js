// Clips of one voice, by which a model with speaker normalization judges a recording. They stay in the memory of
// this page, and go along with each recording.

import { Capture } from "./capture.js";
import { el, newId, problem, show } from "./dom.js";
import { clock, t } from "./i18n.js";
import { SAMPLING_RATE } from "./resampler.js";

const MAX_SECONDS = 30; // of a clip that is recorded here

/** The clips of a panel; `choice` says which model is to be used, `isLive` whether the panel also predicts live. */
export class VoiceClips {
  element = el("div");
  clips = [];
  capture = null;
  isOpen = false;
  error = "";

  constructor(choice, { isLive = false } = {}) {
    Object.assign(this, { choice, isLive });
  }

  /** Whether a model uses the clips. */
  areUsedBy(model) {
    return Boolean(model?.has_speaker_normalization) && this.clips.length > 0;
  }

  /** The bytes that a form gets for a model. */
  bytesFor(model) {
    return this.areUsedBy(model) ? this.clips.reduce((sum, { blob }) => sum + blob.size, 0) : 0;
  }

  /** Add the clips to the form of a model that uses them. */
  addTo(form, model) {
    if (this.areUsedBy(model)) this.clips.forEach((clip, n) => form.append("enroll", clip.blob, `${n + 1}`));
  }

  /** Return the controls, for a model that can use the clips; again when model or language change. */
  render() {
    if (!this.choice.model?.has_speaker_normalization) {
      show(this.element);
      return this.element;
    }
    const id = newId("voice");
    const input = el("input", {
      type: "file", id, multiple: true, accept: "audio/*,video/*", class: "visually-hidden",
      onchange: () => {
        this.add(...[...input.files].map((file) => ({ name: file.name, blob: file })));
        input.value = "";
      },
    });
    this.button = el("button", { type: "button", onclick: () => this.toggle() });
    this.time = el("span", { class: "clock", "aria-hidden": "true" });
    this.status = el("div", { role: "status" });
    this.list = el("ul", { "aria-label": t("voice.clips") });
    const details = el("details", { class: "voice", open: this.isOpen || this.clips.length > 0, ontoggle: () => (this.isOpen = details.open) },
      el("summary", {}, t("voice.title")),
      el("p", {}, t("voice.why"), this.isLive ? ` ${t("voice.live")}` : ""),
      el("div", { class: "actions" }, input, el("label", { for: id, class: "button" }, t("voice.choose")), this.button, this.time),
      this.status, this.list);
    show(this.element, details);
    this.refresh();
    return this.element;
  }

  add(...clips) {
    this.error = "";
    this.clips.push(...clips);
    this.refresh();
  }

  async toggle() {
    if (this.capture) {
      this.stop();
      return;
    }
    const capture = new Capture(() => {
      if (capture.seconds >= MAX_SECONDS) this.stop();
      else this.time.textContent = clock(capture.seconds);
    });
    Object.assign(this, { capture, error: "" });
    this.refresh();
    try {
      await capture.start();
    } catch (error) {
      Object.assign(this, { capture: null, error: error.message });
      this.refresh();
    }
  }

  stop() {
    const { capture } = this;
    if (!capture) return;
    capture.stop();
    this.capture = null;
    if (capture.count >= SAMPLING_RATE / 10) this.add({ number: this.clips.length + 1, blob: capture.toWav() });
    else this.refresh();
  }

  remove(clip) {
    this.clips = this.clips.filter((one) => one !== clip);
    this.refresh();
    this.button.focus();
  }

  refresh() {
    this.button.textContent = t(this.capture ? "voice.stop" : "voice.record");
    if (!this.capture) this.time.textContent = "";
    show(this.status, this.error ? problem(this.error) : null);
    show(this.list, this.clips.map((clip) => {
      const name = clip.name ?? t("voice.recorded", { n: clip.number });
      return el("li", {}, name, " ", el("button", { type: "button", class: "quiet", "aria-label": t("voice.remove", { name }), onclick: () => this.remove(clip) }, t("voice.remove_short")));
    }));
  }
}
