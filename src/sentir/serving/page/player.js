// The waveform of a recording with its turns in color, the spectrogram, and playback in step with the table.

import { el, icon, show } from "./dom.js";
import { clock, colorOf, t } from "./i18n.js";
import RegionsPlugin from "./vendor/wavesurfer/regions.esm.js";
import SpectrogramPlugin from "./vendor/wavesurfer/spectrogram.esm.js";
import WaveSurfer from "./vendor/wavesurfer/wavesurfer.esm.js";

const PLAY = "M8 5v14l11-7z";
const PAUSE = "M7 5h4v14H7zM13 5h4v14h-4z";
const SAMPLING_RATE = 16_000; // of the samples that are drawn
const nonce = document.querySelector('meta[name="csp-nonce"]').content;

/** Return the colors of the waveform in the current theme, computed, as a canvas knows no `light-dark()`. */
function themeColors() {
  const probe = document.body.appendChild(el("span"));
  const color = (name) => {
    probe.style.setProperty("color", `var(${name})`);
    return getComputedStyle(probe).color;
  };
  const colors = { waveColor: color("--wave"), progressColor: color("--accent"), cursorColor: color("--ink") };
  probe.remove();
  return colors;
}

/** Plays a recording; `onTurn(number)` is called when another turn, or none (-1), is heard. */
export class Player {
  constructor(audio, view, onTurn) {
    Object.assign(this, { audio, view, onTurn, turn: -1, regions: null, spectrogram: null });
    this.onTheme = () => this.surfer.setOptions(themeColors());
    this.wave = el("div", { class: "wave", "aria-hidden": "true" });
    this.button = el("button", { type: "button", class: "round", "aria-label": t("play"), onclick: () => this.surfer.playPause() }, icon(PLAY));
    this.time = el("span", { class: "clock", role: "timer", "aria-live": "off" }, clock(0));
    this.toggle = el("button", { type: "button", class: "quiet", "aria-pressed": "false", onclick: () => this.switchSpectrogram() }, t("spectrogram"));
    this.spectrum = el("div", { class: "spectrum", "aria-hidden": "true" });
    this.element = el("div", { class: "player" }, this.wave, this.spectrum, el("div", { class: "controls" }, this.button, this.time, this.toggle));
  }

  /** Draw the waveform; to be called once its element is part of the page. */
  start() {
    this.regions = RegionsPlugin.create();
    this.surfer = WaveSurfer.create({
      container: this.wave, height: 96, sampleRate: SAMPLING_RATE, cspNonce: nonce, normalize: true,
      ...themeColors(), cursorWidth: 2, barWidth: 2, barGap: 1, barRadius: 2, plugins: [this.regions],
    });
    document.addEventListener("sentir:theme", this.onTheme);
    this.surfer.on("decode", () => this.drawTurns());
    this.surfer.on("timeupdate", (seconds) => this.follow(seconds));
    this.surfer.on("play", () => this.showState(PAUSE, t("pause")));
    this.surfer.on("pause", () => this.showState(PLAY, t("play")));
    this.surfer.on("error", () => show(this.element, el("p", { class: "soft" }, t("player.cannot_play"))));
    this.regions.on("region-clicked", (region, event) => {
      event.stopPropagation();
      this.playFrom(region.start);
    });
    this.surfer.loadBlob(this.audio).catch(() => {}); // the event "error" says it
  }

  /** Color the turns, again after a correction. */
  drawTurns() {
    if (!this.surfer?.getDuration()) return;
    this.regions.clearRegions();
    this.view.document.turns.forEach((turn, number) => {
      const label = this.view.corrections.labelsOf(turn, number)[0];
      if (typeof turn.start !== "number" || !label) return;
      const color = colorOf(label, this.view.document.labels);
      this.regions.addRegion({ start: turn.start, end: turn.end, color: `${color}59`, drag: false, resize: false, id: String(number) });
    });
  }

  /** Play from a time, in seconds. */
  playFrom(seconds) {
    this.surfer.setTime(seconds);
    this.surfer.play().catch(() => {}); // it was interrupted
  }

  follow(seconds) {
    this.time.textContent = `${clock(seconds)} / ${clock(this.surfer.getDuration())}`;
    const turn = this.view.document.turns.findIndex((one) => one.start <= seconds && seconds < one.end);
    if (turn === this.turn) return;
    this.turn = turn;
    this.onTurn(turn);
  }

  showState(path, name) {
    show(this.button, icon(path));
    this.button.setAttribute("aria-label", name);
  }

  switchSpectrogram() {
    if (this.spectrogram) {
      this.spectrogram.destroy();
      this.spectrogram = null;
    } else {
      this.spectrogram = SpectrogramPlugin.create({
        container: this.spectrum, height: 128, labels: true, fftSamples: 512, scale: "mel", frequencyMax: SAMPLING_RATE / 2, splitChannels: false,
        colorMap: "roseus", labelsBackground: "rgba(0,0,0,0.55)", labelsColor: "#fff", labelsHzColor: "#fff",
      });
      this.surfer.registerPlugin(this.spectrogram);
    }
    this.toggle.setAttribute("aria-pressed", String(Boolean(this.spectrogram)));
  }

  /** Stop, and free what it holds. */
  destroy() {
    document.removeEventListener("sentir:theme", this.onTheme);
    this.surfer?.destroy();
  }
}
