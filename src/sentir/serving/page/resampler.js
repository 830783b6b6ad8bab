// Samples at the rate of the sound card → samples at 16 kHz, block by block.

export const SAMPLING_RATE = 16_000;
const ZERO_CROSSINGS = 16; // of the windowed sinc, on each side

/** Resamples a stream of blocks by a windowed sinc; the state between blocks is kept. */
export class Resampler {
  constructor(rate) {
    this.step = rate / SAMPLING_RATE; // input samples per output sample
    this.cutoff = Math.min(1, 1 / this.step) * 0.95; // below the lower of the two Nyquist frequencies
    this.reach = Math.ceil(ZERO_CROSSINGS / this.cutoff);
    this.buffer = new Float32Array(this.reach); // silence before the start
    this.position = this.reach; // in the buffer, of the next output sample
  }

  /** Return the samples that a block completes. */
  push(block) {
    const joined = new Float32Array(this.buffer.length + block.length);
    joined.set(this.buffer);
    joined.set(block, this.buffer.length);
    const count = Math.max(0, Math.ceil((joined.length - this.reach - this.position) / this.step));
    const output = new Float32Array(count);
    for (let n = 0; n < count; n += 1) output[n] = this.interpolate(joined, this.position + n * this.step);
    const next = this.position + count * this.step;
    const first = Math.max(0, Math.floor(next) - this.reach);
    this.buffer = joined.slice(first);
    this.position = next - first;
    return output;
  }

  interpolate(samples, at) {
    const [first, last] = [Math.ceil(at - this.reach), Math.floor(at + this.reach)];
    let sum = 0;
    for (let k = Math.max(0, first); k <= last; k += 1) {
      const x = (k - at) * this.cutoff;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * (k - at)) / this.reach);
      sum += samples[k] * window * this.cutoff * (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
    }
    return sum;
  }
}

/** Return float samples as 16-bit ones. */
export function toInt16(samples) {
  return Int16Array.from(samples, (one) => Math.round(32_767 * Math.max(-1, Math.min(1, one))));
}
