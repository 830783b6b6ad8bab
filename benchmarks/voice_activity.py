"""Voice activity on recordings of known turns: RAVDESS' clips or demo voices, with silences and noise.

python benchmarks/voice_activity.py DATA/ravdess
python benchmarks/voice_activity.py            # the demo voices
"""

import argparse
import random
from pathlib import Path

import numpy as np
from known_turns import SAMPLING_RATE, corpus_clips, demo_clips, make_recording

import sentir
from sentir.timelines.document import Turn
from sentir.timelines.levels import Levels
from sentir.timelines.scoring import score_timelines
from sentir.timelines.turn_detection import TurnDetectionSettings, TurnDetector
from sentir.timelines.voice_activity import make_detector

RECIPE = Path(__file__).parents[1] / "recipes" / "ravdess.toml"
RECORDINGS, TURNS = 10, 20
NOISES = {"clean": None, "20 dB": 20.0, "10 dB": 10.0}


def find_turns(waveform, name):
    """Return the turns that a detector finds."""
    levels, detector = Levels(SAMPLING_RATE), make_detector(name)
    levels.push(waveform)
    turns = TurnDetector(TurnDetectionSettings(), 8.0, levels.find_quietest)
    probabilities = np.concatenate([detector.push(waveform), detector.finish()])
    return [*turns.push(probabilities), *turns.finish(len(waveform) / SAMPLING_RATE)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?", help="folder of RAVDESS, with manifest.csv")
    root = parser.parse_args().root
    if root is None:
        clips = demo_clips(RECORDINGS * TURNS)
    else:
        clips = corpus_clips(sentir.load_corpus(sentir.load_recipe(RECIPE), root=root), "dev")
    print(f"{'noise':8}{'detector':10}{'error':>8}{'missed':>8}{'false':>8}{'turns':>8} of {RECORDINGS * TURNS}")
    for noise, snr in NOISES.items():
        recordings = []
        for seed in range(RECORDINGS):
            rng = random.Random(seed)
            noise_rng = np.random.default_rng(seed)
            recordings.append(make_recording(rng.sample(clips, TURNS), rng, noise_rng, snr))
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
