// The panel of the microphone: what is said is predicted while it is said, and becomes a timeline at the end.

import { renderBars, renderHeadline } from "./bars.js";
import { Capture } from "./capture.js";
import { el, icon, show, swatch } from "./dom.js";
import { clock, colorOf, nameOf, percent, t } from "./i18n.js";
import { ModelChoice, server, takes } from "./models.js";
import { TimelineOutput } from "./output.js";
import { Stream } from "./stream.js";
import { VoiceClips } from "./voice.js";

const MICROPHONE = "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21";
const STOP = "M7 7h10v10H7z";
const FORM_BYTES = 16_384; // around the files of a form
const LEVELS = 48; // tenths of a second in the meter
const choice = new ModelChoice((model) => takes(model, "audio"), { onChange: () => voice.render() });
const voice = new VoiceClips(choice, { isLive: true });
const state = { phase: "idle", capture: null, stream: null, model: null, turns: [], open: null, isLost: false, levels: [] };
const output = new TimelineOutput();
let button, hint, meter, time;

/** Build the panel, and build it again when the language of the page changes. */
export function renderMicrophone(panel) {
  if (!choice.model) {
    show(panel, el("div", { class: "card" }, el("p", { class: "title" }, t("audio.no_model")), el("p", { class: "soft" }, t("audio.no_model_how"))));
    return;
  }
  button = el("button", { type: "button", class: "record", onclick: toggle });
  hint = el("p", { role: "status" });
  time = el("span", { class: "clock" });
  meter = el("div", { class: "meter", "aria-hidden": "true" }, Array.from({ length: LEVELS }, () => el("span")));
  show(panel, el("div", { class: "card center" }, button, hint, el("div", { class: "live-bar" }, meter, time), choice.render(), voice.render(), el("p", { class: "soft small" }, t("microphone.consent"))), output.element);
  renderPhase();
}

async function toggle() {
  if (state.phase === "idle") await start();
  else if (state.phase === "recording") await stop();
}

async function start() {
  output.clear();
  Object.assign(state, { phase: "asking", model: choice.model, turns: [], open: null, isLost: false, levels: [] });
  renderPhase();
  const capture = new Capture((block) => onBlock(block));
  state.capture = capture;
  try {
    await capture.start();
  } catch (error) {
    fail(error);
    return;
  }
  state.stream = new Stream(state.model, capture.blocks, { onEvent, onState });
  state.stream.finished.catch((error) => fail(error));
  state.phase = "recording";
  renderPhase();
}

function onBlock(block) {
  state.stream?.send();
  const level = block.reduce((most, one) => Math.max(most, Math.abs(one)), 0) / 32_768;
  state.levels = [...state.levels, level].slice(-LEVELS);
  renderLevel();
  if (state.capture.seconds >= server.limits.max_recording_seconds) stop();
}

async function stop() {
  state.capture.stop();
  state.phase = "finishing";
  renderPhase();
  const timeline = await state.stream.finish().catch(() => null); // `fail` says why
  if (!timeline) return;
  state.phase = "idle";
  showResult(timeline);
  renderButton();
}

/** Show the timeline of the stream; if there are clips of the voice, make it again with them. */
function showResult(timeline) {
  const [{ model }, audio, file] = [state, state.capture.toWav(), `${t("microphone.name")}.wav`];
  const isTooLarge = audio.size + voice.bytesFor(model) + FORM_BYTES > server.limits.max_body_bytes;
  if (voice.areUsedBy(model) && !isTooLarge) {
    const form = new FormData();
    form.append("recording", audio, file);
    voice.addTo(form, model);
    output.make(form, file, model, { audio });
    return;
  }
  const notes = voice.areUsedBy(model) ? [...timeline.notes, t("voice.too_large")] : timeline.notes;
  output.showTimeline({ ...timeline, notes, recording: { ...timeline.recording, file } }, model, { audio });
}

function fail(error) {
  state.capture.stop();
  state.phase = "idle";
  output.fail(error.message);
  renderButton();
}

function onState(name) {
  if (name === "restarted") Object.assign(state, { turns: [], open: null }); // all of it comes again
  state.isLost = name === "lost";
  if (state.phase !== "idle") renderPhase();
}

function onEvent(event) {
  if (event.type === "measurement") state.open = event.turn;
  else if (event.type === "speech_started") state.open = { start: event.time, labels: [], probabilities: {} };
  else if (event.type === "speech_ended") Object.assign(state, { turns: [...state.turns, event.turn], open: null });
  if (state.phase === "recording") renderLive();
}

function renderPhase() {
  renderButton();
  if (state.phase === "idle") output.render();
  else renderLive();
}

function renderButton() {
  const isRecording = state.phase === "recording";
  const names = { idle: t("microphone.start"), asking: t("microphone.asking"), recording: t("microphone.stop"), finishing: t("microphone.finishing") };
  button.className = `record ${state.phase}`;
  button.disabled = state.phase === "asking" || state.phase === "finishing";
  show(button, icon(isRecording ? STOP : MICROPHONE));
  button.setAttribute("aria-label", names[state.phase]);
  hint.textContent = state.isLost && state.phase !== "idle" ? t("microphone.lost") : names[state.phase];
  renderLevel();
}

function renderLevel() {
  const recent = state.levels;
  [...meter.children].forEach((bar, n) => {
    const level = recent[n - (LEVELS - recent.length)] ?? 0;
    bar.style.setProperty("height", `${4 + 36 * Math.sqrt(level)}px`);
  });
  time.textContent = state.phase === "idle" ? "" : clock(state.capture?.seconds ?? 0);
}

function renderLive() {
  const last = state.open ?? state.turns.at(-1);
  const now = last && Object.keys(last.probabilities ?? {}).length + Object.keys(last.values ?? {}).length > 0
    ? [renderHeadline({ ...last, labels: last.labels ?? [] }, state.model, { isBrief: true }), renderBars(last.probabilities ?? {}, state.model.labels, { chosen: last.labels })]
    : el("p", { class: "soft" }, state.open ? t("live.hearing") : t("live.waiting"));
  show(output.element, el("div", { class: "card two live" },
    el("section", {}, el("h2", {}, state.open ? t("live.now") : t("live.last")), now),
    el("section", {}, el("h2", {}, t("live.turns")), renderTurns())));
}

const renderTurns = () =>
  el("ol", { class: "live-turns", "aria-live": "polite" }, state.turns.map((turn) =>
    el("li", {}, el("span", { class: "soft" }, clock(turn.start)), " ",
      (turn.labels ?? []).map((label) => [swatch(colorOf(label, state.model.labels)), nameOf(label)]).flat(),
      typeof turn.confidence === "number" ? el("span", { class: "soft" }, ` ${percent(turn.confidence)}`) : null)));
