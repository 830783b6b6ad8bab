// Runs on the audio thread: sends what the microphone hears as 16-bit samples at 16 kHz, every tenth of a second.

import { Resampler, SAMPLING_RATE, toInt16 } from "./resampler.js";

const BLOCK = SAMPLING_RATE / 10;

class Capture extends AudioWorkletProcessor {
  resampler = new Resampler(sampleRate);
  waiting = [];
  count = 0;

  process([channels]) {
    if (channels.length === 0) return true; // not connected yet
    const mono = channels[0].map((_one, n) => channels.reduce((sum, channel) => sum + channel[n], 0) / channels.length);
    const samples = this.resampler.push(mono);
    this.waiting.push(samples);
    this.count += samples.length;
    if (this.count >= BLOCK) this.send();
    return true;
  }

  send() {
    const block = new Float32Array(this.count);
    let at = 0;
    for (const samples of this.waiting) {
      block.set(samples, at);
      at += samples.length;
    }
    Object.assign(this, { waiting: [], count: 0 });
    const content = toInt16(block);
    this.port.postMessage(content, [content.buffer]);
  }
}

registerProcessor("capture", Capture);
