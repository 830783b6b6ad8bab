"""How time and memory grow with the number of inputs, and what workers change, local and of Ray.

Rows of text are predicted by a bag of words, fitted on a demo corpus or on MELD; clips are RAVDESS's, repeated
under new names; texts to audit are new ones, whose words and trigrams are as frequent as those of MELD. Every
run is a new process of the command line; CPU seconds are those of it and its children, but not of Ray's actors,
the peak is that of its largest process. The exponent b fits seconds = a · n^b to the two largest sizes. Ray has
no more workers than its cluster has CPUs: four need ``ray start --head --num-cpus 4``.

    python benchmarks/scaling.py texts --root DATA/meld --sizes 1000 10000 100000 1000000
    python benchmarks/scaling.py clips --root DATA/ravdess --model models/speech --sizes 500 2000 8000
    python benchmarks/scaling.py texts --root DATA/meld --sizes 100000 --engine local ray --workers 1 2 4
    python benchmarks/scaling.py corpora --root DATA/meld --sizes 1000 10000 100000
"""

import argparse
import csv
import hashlib
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

from sentir import load_corpus
from sentir.corpus.utterances import Utterance
from sentir.recipe import Recipe
from sentir.recipe.toml import dump_toml
from sentir.study.baseline_model import BaselineModel
from sentir.study.baselines import fit_baseline

TURNS_PER_DIALOGUE = 10
FOLLOWER_SHARE, DISCOUNT, CONCENTRATION = 0.8, 0.7, 50.0
HEADER = "| run | inputs | CPU seconds | ms each | wall seconds | peak, MB |\n|---|--:|--:|--:|--:|--:|"

WATCH = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


@dataclass(frozen=True)
class Cost:
    """CPU and wall seconds of a command, the peak of its largest process in MB, and a hash of its output."""

    cpu: float
    wall: float
    peak: float
    digest: str

    def row(self, run: str, n: int) -> str:
        return (
            f"| {run} | {n:,} | {self.cpu:.1f} | {1000 * self.cpu / n:.2f} | {self.wall:.0f} | {self.peak:.0f} |"
        )


def measure(out: Path, *command: object) -> Cost:
    """Run ``sentir`` with one thread in a new process, started by a small one: a fork counts its parent."""
    start = time.perf_counter()
    arguments = [sys.executable, "-S", "-c", WATCH, sys.executable, "-m", "sentir", *map(str, command)]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(arguments, stdout=subprocess.PIPE, check=True, env=one_thread)
    wall = time.perf_counter() - start
    code, cpu, peak = json.loads(done.stdout)
    if code > 1:
        raise SystemExit(f"failed: sentir {' '.join(map(str, command))}")
    digest = hashlib.sha256(out.read_bytes()).hexdigest() if out.is_file() else ""
    return Cost(cpu, wall, peak / 1024, digest)


def prepare_model(given: argparse.Namespace, folder: Path) -> tuple[Path, list[Utterance]]:
    """Return the model to measure, by default a bag of words fitted here, and the utterances of train."""
    reader = "demo-meld" if given.root is None else "meld"
    corpus = load_corpus(reader, given.root)
    if given.model is not None:
        return given.model, list(corpus.train)
    recipe = Recipe.parse({"name": "scaling", "data": {"reader": reader, "audio": False}})
    fitted = fit_baseline("bag of words", recipe, corpus, "weighted_f1")
    space = corpus.label_space(recipe.data.task)
    BaselineModel("bag of words", recipe, space, fitted, facts={"corpus": reader}).save_pretrained(folder)
    return folder, list(corpus.train)


def write_texts(utterances: Sequence[Utterance], n: int, path: Path) -> Path:
    """Write a table of n turns, in dialogues, with a number and texts drawn from a corpus."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "speaker", "dialogue", "score"])
        for k in range(n):
            u = utterances[rng.randrange(len(utterances))]
            writer.writerow([f"k{k}", u.text, u.speaker, f"d{k // TURNS_PER_DIALOGUE}", f"{k % 7}.5"])
    return path


class TextMaker:
    """New texts as long as those of a corpus, with words and letter trigrams as frequent.

    A word follows the one before as in the corpus, or is drawn by a Pitman-Yor process that begins with the words
    of the corpus, so their frequencies stay Zipfian and new ones come by Heaps' law. Texts that join texts of a
    corpus would be near-duplicates of each other: a third of 10,000 of them, and more of more.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.rng = random.Random(0)
        self.texts = [text.split() for text in texts]
        self.drawn = [word for words in self.texts for word in words]
        self.words = list(dict.fromkeys(self.drawn))
        self.known = set(self.words)
        self.followers = defaultdict[str, list[str]](list)
        for one, other in (pair for words in self.texts for pair in pairwise(words)):
            self.followers[one].append(other)

    def write(self) -> str:
        length, words = len(self.rng.choice(self.texts)), [self.draw_word()]
        while len(words) < length:
            followers = self.followers.get(words[-1])
            follows = followers and self.rng.random() < FOLLOWER_SHARE
            words.append(self.rng.choice(followers) if followers and follows else self.draw_word())
        return " ".join(words)

    def draw_word(self) -> str:
        chance = (CONCENTRATION + DISCOUNT * len(self.words)) / (CONCENTRATION + len(self.drawn))
        word = self.make_word() if self.rng.random() < chance else self.rng.choice(self.drawn)
        self.drawn.append(word)
        return word

    def make_word(self) -> str:
        """Join the beginning of a word and the end of another one to a word that there was not."""
        while True:
            one, other = self.rng.choice(self.words), self.rng.choice(self.words)
            word = one[: self.rng.randint(1, len(one))] + other[self.rng.randrange(len(other)) :]
            if word not in self.known:
                self.known.add(word)
                self.words.append(word)
                return word


def link_clips(root: Path, n: int, folder: Path) -> Path:
    """Make a folder of n links to the clips below another one."""
    clips = sorted(path for path in root.rglob("*.ogg"))
    folder.mkdir()
    for k in range(n):
        (folder / f"{k:06}.ogg").symlink_to(clips[k % len(clips)].resolve())
    return folder


def fit_exponent(costs: dict[int, Cost]) -> float:
    """Return the exponent between the two largest sizes."""
    small, large = sorted(costs)[-2:]
    return math.log(costs[large].cpu / costs[small].cpu) / math.log(large / small)


def print_growth(costs: dict[int, Cost]) -> None:
    if len(costs) > 1:
        small, large = sorted(costs)[-2:]
        growth = costs[large].peak / costs[small].peak
        print(f"\n{small:,} to {large:,}: exponent {fit_exponent(costs):.2f}, peak memory × {growth:.2f}\n")


def texts(given: argparse.Namespace, work: Path) -> None:
    model, utterances = prepare_model(given, work / "model")
    predict(given, model, work, lambda n: write_texts(utterances, n, work / f"{n}.csv"))


def clips(given: argparse.Namespace, work: Path) -> None:
    predict(given, given.model, work, lambda n: link_clips(given.root, n, work / str(n)))


def predict(given: argparse.Namespace, model: Path, work: Path, write: Callable[[int], Path]) -> None:
    """Predict inputs of each size with each engine and number of workers, and compare the files."""
    costs = dict[tuple[str, int], dict[int, Cost]]()
    for n in given.sizes:
        inputs, out, digests = write(n), work / f"{n}.out.csv", set[str]()
        for engine, workers in product(given.engine, given.workers):
            cost = measure(out, "predict", model, inputs, "--out", out, "--engine", engine, "--workers", workers)
            costs.setdefault((engine, workers), {})[n] = cost
            print(cost.row(f"predict, {engine}, {workers} worker(s)", n), flush=True)
            digests.add(cost.digest)
            out.unlink()
        if len(digests) > 1:
            raise SystemExit("The files of the engines differ.")
    for by_size in costs.values():
        print_growth(by_size)


def corpora(given: argparse.Namespace, work: Path) -> None:
    """Read, audit and evaluate labeled tables, which are held in memory."""
    model, utterances = prepare_model(given, work / "model")
    costs = dict[str, dict[int, Cost]]()
    for n in given.sizes:
        recipe = write_corpus(utterances, n, work / str(n))
        root = ("--root", recipe.parent)
        table = work / f"{n}.out.csv"
        for run, command in {
            "read": ("corpus", "export", recipe, *root, "--out", table),
            "audit": ("corpus", "audit", recipe, *root),
            "evaluate": ("evaluate", model, "--corpus", recipe, *root, "--split", "dev", "--analyze"),
        }.items():
            cost = costs.setdefault(run, {})[n] = measure(table, *command)
            print(cost.row(run, n), flush=True)
    for run, by_size in costs.items():
        print(f"\n{run}:", end="")
        print_growth(by_size)


def write_corpus(utterances: Sequence[Utterance], n: int, folder: Path) -> Path:
    """Write a table of n labeled turns, a tenth of its dialogues dev and a tenth test, and a recipe for it."""
    folder.mkdir()
    rng, text_maker = random.Random(0), TextMaker([u.text or "" for u in utterances])
    with (folder / "corpus.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "speaker", "dialogue", "split", "emotion"])
        for k in range(n):
            dialogue = k // TURNS_PER_DIALOGUE
            u = utterances[rng.randrange(len(utterances))]
            split = {0: "dev", 1: "test"}.get(dialogue % 10, "train")
            row = [f"k{k}", text_maker.write(), u.speaker, f"d{dialogue}", split, *u.labels["emotion"]]
            writer.writerow(row)
    recipe = folder / "recipe.toml"
    columns = {"text": "text", "speaker": "speaker", "dialogue": "dialogue", "split": "split", "label": "emotion"}
    table = {"file": "corpus.csv", **columns}
    data = {"reader": "table", "task": "emotion", "audio": False, "table": table}
    recipe.write_text(dump_toml({"data": data}), encoding="utf-8")
    return recipe


RUNS = {"texts": texts, "clips": clips, "corpora": corpora}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=RUNS)
    parser.add_argument("--root", type=Path, help="MELD, or RAVDESS for clips")
    parser.add_argument("--model", type=Path, help="for clips; for texts instead of a bag of words")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--engine", choices=("local", "ray"), nargs="+", default=["local"])
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    given = parser.parse_args()
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder:
        RUNS[given.what](given, Path(folder))


if __name__ == "__main__":
    main()
