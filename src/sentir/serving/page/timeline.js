// A timeline: what was found, the recording in color, the turns, corrections and downloads.

import { Corrections } from "./corrections.js";
import { renderCourse } from "./course.js";
import { el, show, warning } from "./dom.js";
import { renderDownload } from "./downloads.js";
import { explainButton } from "./explanation.js";
import { clock, t } from "./i18n.js";
import { Player } from "./player.js";
import { renderBubbles, renderTable } from "./turns.js";

/** Shows a timeline, and holds its corrections. */
export class TimelineView {
  /** `audio` is the recording as a Blob, if there is one. */
  constructor(document, model, { audio = null, isConversation = false } = {}) {
    Object.assign(this, { document, model, audio, isConversation, corrections: new Corrections(), player: null });
    this.element = el("div", { class: "timeline" });
  }

  /** Build everything, also when the language or the theme changes. */
  render() {
    this.destroy();
    this.course = el("div");
    this.turns = el("div");
    this.status = el("p", { class: "visually-hidden", role: "status" });
    const hasTurns = this.document.turns.length > 0;
    if (this.audio && hasTurns && this.document.turns.every((turn) => typeof turn.start === "number")) {
      this.player = new Player(this.audio, this, (number) => this.mark(number));
    }
    show(
      this.element,
      el("h2", {}, this.document.recording.file || t("timeline.title")),
      el("p", { class: "soft facts" }, this.describe()),
      warning(this.document.synthetic ? t("synthetic") : ""),
      this.document.notes.map(warning),
      hasTurns || this.document.notes.length > 0 ? null : warning(t("timeline.empty")),
      this.player?.element,
      hasTurns ? [this.course, this.renderBar(), this.turns, this.status] : null,
    );
    this.renderTurns();
    this.player?.start();
  }

  describe() {
    const facts = [t(this.document.turns.length === 1 ? "timeline.turn" : "timeline.turns", { n: this.document.turns.length })];
    if (typeof this.document.recording.seconds === "number") facts.unshift(clock(this.document.recording.seconds));
    if (this.document.model.name) facts.push(t("timeline.model", { name: this.model.name }));
    const clips = this.document.settings?.enrollment?.clips;
    if (clips) facts.push(t(clips === 1 ? "voice.used_one" : "voice.used", { n: clips }));
    return facts.join(" · ");
  }

  renderBar() {
    const choose = (isConversation) => {
      this.isConversation = isConversation;
      for (const [button, value] of buttons) button.setAttribute("aria-pressed", String(value === isConversation));
      this.renderTurns();
    };
    const buttons = [[t("view.table"), false], [t("view.conversation"), true]].map(([name, value]) =>
      [el("button", { type: "button", "aria-pressed": String(value === this.isConversation), onclick: () => choose(value) }, name), value]);
    const hasTexts = this.document.turns.some((turn) => turn.text);
    return el("div", { class: "bar" },
      hasTexts ? el("div", { class: "switch", role: "group", "aria-label": t("view.label") }, buttons.map(([button]) => button)) : el("p", { class: "soft small" }, t("turns.hint")),
      renderDownload(() => this.corrections.apply(this.document)));
  }

  renderTurns() {
    show(this.course, renderCourse(this));
    show(this.turns, this.isConversation ? renderBubbles(this) : renderTable(this));
  }

  /** Play from a time; `null` without a recording. */
  get play() {
    return this.player ? (seconds) => this.player.playFrom(seconds) : null;
  }

  /** Give a turn another label. */
  correct(number, label) {
    this.corrections.correct(this.document.turns[number], number, label);
    this.renderTurns();
    this.player?.drawTurns();
    this.status.textContent = t("corrected.count", { n: this.corrections.size });
    this.turns.querySelector(`[data-turn="${number}"] select`)?.focus();
  }

  /** Bring a turn into view. */
  focus(number) {
    const turn = this.turns.querySelector(`[data-turn="${number}"]`);
    turn?.scrollIntoView({ block: "center", behavior: "smooth" });
    this.mark(number);
  }

  /** Mark the turn that is heard, or none. */
  mark(number) {
    for (const one of this.element.querySelectorAll("[data-turn]")) {
      const isNow = Number(one.dataset.turn) === number;
      one.classList.toggle("now", isNow);
      if (isNow) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
    }
  }

  /** Return the button that explains a turn. */
  explain(turn, number) {
    if (this.corrections.has(number)) return null;
    return explainButton(this.model, turn, () => this.explanationRequest(turn), {
      offset: turn.start ?? 0,
      number: this.audio ? null : number + 1,
    });
  }

  explanationRequest(turn) {
    const model = this.model.name;
    if (!this.audio) {
      const inputs = this.document.turns.map((one) => ({ text: one.text ?? "", speaker: one.speaker ?? null, dialogue: "conversation" }));
      return { json: { inputs, model } };
    }
    const { start, end, text } = turn;
    const form = new FormData();
    form.append("file", this.audio, "recording");
    form.append("request", JSON.stringify({ inputs: [{ audio: "recording", start, end, ...(text ? { text } : {}) }], model }));
    return { form };
  }

  /** Free what it holds. */
  destroy() {
    this.player?.destroy();
    this.player = null;
  }
}
