"""Voice activity on recordings of known turns, made of RAVDESS' clips with silences and noise.

The actors are those of dev by default; those of test (21 to 24) are for one measurement at the end. The true ends
of a turn are where its clean clip is within 35 dB of its peak, averaged over 25 ms.
"""

import argparse
import csv
import random
from pathlib import Path

import numpy as np

from sentir.audio.decoding import SAMPLING_RATE, decode
from sentir.corpus.utterances import Clip
from sentir.timelines.document import Turn
from sentir.timelines.levels import Levels
from sentir.timelines.scoring import score_timelines
from sentir.timelines.turn_detection import TurnDetectionSettings, TurnDetector
from sentir.timelines.voice_activity import make_detector

RECORDINGS, TURNS = 10, 20
NOISES = {"clean": None, "20 dB": 20.0, "10 dB": 10.0}


def make_recording(clips, seed, snr):
    """Return a waveform and its turns: clips without their silences, with 0.5 to 2 s between them."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    parts, turns, position = [np.zeros(SAMPLING_RATE, np.float32)], [], SAMPLING_RATE
    for path, label in rng.sample(clips, TURNS):
        waveform = decode(Clip(path)).waveform
        energy = np.convolve(waveform**2, np.ones(400) / 400, "same")
        active = np.flatnonzero(energy > energy.max() * 10**-3.5)
        speech = waveform[max(0, active[0] - 400) : active[-1] + 400]
        silence = np.zeros(round(rng.uniform(0.5, 2.0) * SAMPLING_RATE), np.float32)
        end = position + len(speech)
        turns.append(Turn(position / SAMPLING_RATE, end / SAMPLING_RATE, labels=(label,)))
        parts += [speech, silence]
        position = end + len(silence)
    clean = np.concatenate(parts)
    level = 1e-4 if snr is None else float(np.sqrt(np.mean(clean[clean != 0] ** 2))) * 10 ** (-snr / 20)
    return (clean + level * noise.standard_normal(len(clean))).astype(np.float32), turns


def find_turns(waveform, name):
    """Return the turns that a detector finds."""
    levels, detector = Levels(SAMPLING_RATE), make_detector(name)
    levels.push(waveform)
    turns = TurnDetector(TurnDetectionSettings(), 8.0, levels.find_quietest)
    probabilities = np.concatenate([detector.push(waveform), detector.finish()])
    return [*turns.push(probabilities), *turns.finish(len(waveform) / SAMPLING_RATE)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="folder of RAVDESS, with manifest.csv")
    parser.add_argument("--actors", default="actor17,actor18,actor19,actor20")
    arguments = parser.parse_args()
    rows = list(csv.DictReader((arguments.root / "manifest.csv").open(encoding="utf-8")))
    actors = arguments.actors.split(",")
    clips = [(arguments.root / row["path"], row["label"]) for row in rows if row["speaker"] in actors]
    print(f"{'noise':8}{'detector':10}{'error':>8}{'missed':>8}{'false':>8}{'turns':>8} of {RECORDINGS * TURNS}")
    for noise, snr in NOISES.items():
        recordings = [make_recording(clips, seed, snr) for seed in range(RECORDINGS)]
        for name in ("silero", "energy"):
            pairs = [
                ([Turn(turn.start, turn.end, labels=("speech",)) for turn in true],
                 [Turn(*times, labels=("speech",)) for times in find_turns(waveform, name)])
                for waveform, true in recordings
            ]  # fmt: skip
            scores = score_timelines(pairs).scores
            values = [scores[one].value for one in ("speech_error", "missed", "false_alarm")]
            found = sum(len(predicted) for _true, predicted in pairs)
            print(f"{noise:8}{name:10}{''.join(f'{value:8.3f}' for value in values)}{found:8}")


if __name__ == "__main__":
    main()
