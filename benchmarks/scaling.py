"""How time and memory grow with the number of inputs, and what two workers change, local and of Ray.

Rows of text are predicted by a bag of words, fitted on a demo corpus or on MELD; clips are RAVDESS's, repeated
under new names. Every run is a new process of the command line; CPU seconds are those of it and its children, the
peak is that of its largest process. The exponent b fits seconds = a · n^b to the two largest sizes.

    python benchmarks/scaling.py texts --root DATA/meld --sizes 1000 10000 100000 1000000
    python benchmarks/scaling.py clips --root DATA/ravdess --model models/speech --sizes 500 2000 8000
    python benchmarks/scaling.py engines --root DATA/meld --sizes 20000
    python benchmarks/scaling.py corpora --root DATA/meld --sizes 1000 10000 100000
"""

import argparse
import csv
import hashlib
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentir import load_corpus
from sentir.corpus.utterances import Utterance
from sentir.recipe import Recipe
from sentir.recipe.toml import dump_toml
from sentir.study.baseline_model import BaselineModel
from sentir.study.baselines import fit_baseline

TURNS_PER_DIALOGUE = 10
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
    """Run ``sentir`` in a new process, started by a small one: a fork counts the memory of its parent."""
    start = time.perf_counter()
    arguments = [sys.executable, "-S", "-c", WATCH, sys.executable, "-m", "sentir", *map(str, command)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, check=True)
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
    costs = {}
    for n in given.sizes:
        table, out = write_texts(utterances, n, work / f"{n}.csv"), work / f"{n}.out.csv"
        costs[n] = measure(out, "predict", model, table, "--out", out, "--workers", given.workers)
        print(costs[n].row(f"predict, {given.workers} worker(s)", n), flush=True)
    print_growth(costs)


def clips(given: argparse.Namespace, work: Path) -> None:
    costs = {}
    for n in given.sizes:
        folder, out = link_clips(given.root, n, work / str(n)), work / f"{n}.out.csv"
        costs[n] = measure(out, "predict", given.model, folder, "--out", out, "--workers", given.workers)
        print(costs[n].row(f"predict, {given.workers} worker(s)", n), flush=True)
    print_growth(costs)


def engines(given: argparse.Namespace, work: Path) -> None:
    model, utterances = prepare_model(given, work / "model")
    for n in given.sizes:
        table, digests = write_texts(utterances, n, work / f"{n}.csv"), set[str]()
        for run, options in list_engines():
            out = work / f"{n}.csv.out.csv"
            cost = measure(out, "predict", model, table, "--out", out, *options)
            print(cost.row(run, n), flush=True)
            digests.add(cost.digest)
        print(f"\nThe files of all engines {'are equal' if len(digests) == 1 else 'DIFFER'}.\n")


def corpora(given: argparse.Namespace, work: Path) -> None:
    """Read, audit and evaluate labeled tables, which are held in memory; their texts join two of the corpus."""
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
    rng = random.Random(0)
    with (folder / "corpus.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "speaker", "dialogue", "split", "emotion"])
        for k in range(n):
            dialogue = k // TURNS_PER_DIALOGUE
            one, other = (utterances[rng.randrange(len(utterances))] for _ in range(2))
            split = {0: "dev", 1: "test"}.get(dialogue % 10, "train")
            text = f"{one.text} {other.text}"
            writer.writerow([f"k{k}", text, one.speaker, f"d{dialogue}", split, *one.labels["emotion"]])
    recipe = folder / "recipe.toml"
    columns = {"text": "text", "speaker": "speaker", "dialogue": "dialogue", "split": "split", "label": "emotion"}
    table = {"file": "corpus.csv", **columns}
    data = {"reader": "table", "task": "emotion", "audio": False, "table": table}
    recipe.write_text(dump_toml({"data": data}), encoding="utf-8")
    return recipe


def list_engines() -> Iterator[tuple[str, Sequence[str]]]:
    yield "this process", ()
    yield "two local workers", ("--workers", "2")
    yield "a Ray cluster of this machine", ("--engine", "ray")


RUNS = {"texts": texts, "clips": clips, "engines": engines, "corpora": corpora}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=RUNS)
    parser.add_argument("--root", type=Path, help="MELD, or RAVDESS for clips")
    parser.add_argument("--model", type=Path, help="for clips; for texts instead of a bag of words")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder:
        RUNS[given.what](given, Path(folder))


if __name__ == "__main__":
    main()
