"""An hour of known turns: the score of its timeline, its speed, and the memory that it takes.

The clips are those of a split of a corpus, by default RAVDESS' dev actors, or lines of the demo voices; they may
repeat. The timeline is made by ``sentir timeline`` in a process of its own, with turns by voice activity.

    python benchmarks/timeline_hour.py models/mel-onnx --root DATA/ravdess
    python benchmarks/timeline_hour.py models/mel-onnx --root DATA/ravdess --split test --reason "final"
    python benchmarks/timeline_hour.py models/mel-onnx --voices demo --snr 20
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from known_turns import SAMPLING_RATE, corpus_clips, demo_clips, make_recording, repeat

import sentir
from sentir.timelines.document import Source
from sentir.timelines.timeline import Timeline

DEMO_LINES = 200


def make_clips(options):
    """Return the clips to make recordings of."""
    if options.voices == "demo":
        return demo_clips(DEMO_LINES)
    corpus = sentir.load_corpus(sentir.load_recipe(options.recipe), root=options.root)
    return corpus_clips(corpus, options.split, options.reason)


def write_recording(options, folder):
    """Write a recording and its turns; return its seconds, and the numbers of its turns and of its clips."""
    clips = make_clips(options)
    rng = random.Random(options.seed)
    noise = np.random.default_rng(rng.randrange(2**32))
    waveform, turns = make_recording(repeat(clips, rng), rng, noise, options.snr, options.seconds)
    soundfile.write(folder / "hour.wav", waveform, SAMPLING_RATE, subtype="PCM_16")
    seconds = len(waveform) / SAMPLING_RATE
    Timeline(tuple(turns), Source("hour.wav", "", seconds)).save(folder / "truth.csv")
    return seconds, len(turns), len(clips)


def measure(model, folder):
    """Make and score the timeline; return its row, scores, wall and CPU seconds, and peak memory in MB."""
    command = [
        sys.executable, "-m", "sentir", "timeline", model, folder / "hour.wav", "--out", folder / "out",
        "--score", folder / "truth.csv", "--json",
    ]  # fmt: skip
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        tree = json.load(process.stdout)
        _pid, process.returncode, usage = os.wait4(process.pid, 0)
    wall, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    return tree["recordings"][0], tree["scores"], wall, cpu, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder of a model that takes audio, best an exported one")
    parser.add_argument("--voices", choices=("corpus", "demo"), default="corpus")
    parser.add_argument("--recipe", type=Path, default=Path(__file__).parents[1] / "recipes" / "ravdess.toml")
    parser.add_argument("--root", type=Path, help="folder of the corpus")
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--reason", default="", help="why test is used; the ledger counts it")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--snr", type=float, help="of white noise, in dB; default: hardly any")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # its memory would count as that of the next
            seconds, true, clips = pool.submit(write_recording, options, Path(name)).result()
        found, scores, wall, cpu, memory = measure(options.model, Path(name))
    print(f"{seconds:.0f} s, {true} turns of {clips} clips, of which {found['turns']} were found")
    for measure_name, score in scores["scores"].items():
        print(f"{measure_name:28}{score['value']:7.3f}")
    print(f"{seconds / wall:.0f} times real time with start-up, {seconds / cpu:.0f} times per CPU second")
    print(f"peak memory {memory:.0f} MB")


if __name__ == "__main__":
    main()
