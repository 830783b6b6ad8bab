// The microphone: asked for, captured, and released; what it heard is kept here for playback.

import { t } from "./i18n.js";
import { SAMPLING_RATE } from "./resampler.js";

const REASONS = { NotAllowedError: "microphone.refused", NotFoundError: "microphone.missing", NotReadableError: "microphone.busy" };

// As models were trained: without what browsers do to the sound of calls.
const PLAIN = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** Captures 16-bit samples at 16 kHz; `onBlock(samples)` is called every tenth of a second. */
export class Capture {
  constructor(onBlock) {
    Object.assign(this, { onBlock, blocks: [], count: 0, stream: null, context: null });
  }

  /** Ask for the microphone and start; throws an `Error` with a sentence for the reader. */
  async start() {
    if (!navigator.mediaDevices) throw new Error(t("microphone.insecure"));
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: PLAIN });
    } catch (error) {
      throw new Error(t(REASONS[error.name] ?? "microphone.failed"));
    }
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(new URL("./capture-worklet.js", import.meta.url));
    const node = new AudioWorkletNode(this.context, "capture", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => {
      this.blocks.push(data);
      this.count += data.length;
      this.onBlock(data);
    };
    this.context.createMediaStreamSource(this.stream).connect(node);
  }

  /** Release the microphone. */
  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    Object.assign(this, { stream: null, context: null });
  }

  /** The seconds that were captured. */
  get seconds() {
    return this.count / SAMPLING_RATE;
  }

  /** Return what was captured as a WAV file. */
  toWav() {
    const bytes = 2 * this.count;
    const header = new DataView(new ArrayBuffer(44));
    const write = (at, text) => [...text].forEach((letter, n) => header.setUint8(at + n, letter.charCodeAt(0)));
    write(0, "RIFF");
    header.setUint32(4, 36 + bytes, true);
    write(8, "WAVEfmt ");
    header.setUint32(16, 16, true);
    header.setUint16(20, 1, true); // PCM
    header.setUint16(22, 1, true); // channel
    header.setUint32(24, SAMPLING_RATE, true);
    header.setUint32(28, 2 * SAMPLING_RATE, true);
    header.setUint16(32, 2, true);
    header.setUint16(34, 16, true);
    write(36, "data");
    header.setUint32(40, bytes, true);
    return new Blob([header, ...this.blocks], { type: "audio/wav" });
  }
}
