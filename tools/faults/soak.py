"""Long runs: memory and open files stay flat, and threads predict what one alone predicts."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from typing import TypeVar

import numpy as np

import sentir
from faults.commands import Running, preload
from faults.frame import Case, Check, UnavailableError
from faults.inputs import shared_inputs
from faults.kills import ask, ask_until_answered, free_port
from sentir.paths import STARTER
from sentir.serving.live import LiveTimeline

T = TypeVar("T")
MAX_GROWTH_MB = 16.0
"""By which resident memory may grow from the second to the last quarter of a run: allocators keep some."""
_WORDS = (
    "I",
    "you",
    "we",
    "happy",
    "sad",
    "angry",
    "what",
    "never",
    "think",
    "about",
    "tomorrow",
    "with",
    "her",
    "!",
)
_NUM_MEASUREMENTS = 80
_STREAM_RATE, _BLOCKS_PER_SECOND = 16_000, 10
_NUM_THREADS = 8


def soak(work: Iterable[object], cases: int, name: str, pid: int | None = None) -> Iterator[Case]:
    """Yield a case for each piece of work, then one for the memory and one for the open files of a process.

    Args:
        work: an iterator that does a piece of the work with each item.
        cases: how many.
        name: of the cases.
        pid: of the process that is measured; by default this one.
    """
    folder, sizes, handles = Path(f"/proc/{pid or os.getpid()}"), [], []
    if not folder.exists():
        raise UnavailableError("memory and open files are read from /proc")
    for n, problem in enumerate(islice(work, cases)):
        yield Case(f"{name} #{n}", str(problem or ""))
        if n % max(1, cases // _NUM_MEASUREMENTS) == 0:
            sizes.append(int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
            handles.append(len(os.listdir(folder / "fd")))
    grown, opened = _growth(sizes), _growth(handles)
    problem = f"it grew by {grown:.0f} MB" if grown > MAX_GROWTH_MB else ""
    yield Case(f"{name}: memory", problem, memory_mb=max(sizes))
    yield Case(f"{name}: open files", f"{opened:.0f} more than before" if opened > 2 else "")


def _growth(values: Sequence[float]) -> float:
    """Return by how much the largest of the last quarter exceeds the largest of the second."""
    quarter = max(1, len(values) // 4)
    return max(values[-quarter:]) - max(values[quarter : 2 * quarter] or values[:1])


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch


def _texts(seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    for n in count():
        yield f"{' '.join(rng.choices(_WORDS, k=rng.randrange(1, 40)))} {n}"


def soak_texts(cases: int, seed: int, folder: Path) -> Iterator[Case]:
    """Predict texts with the starter, 64 at a time."""
    model = sentir.load(STARTER)
    work = (row.problem for texts in _batches(_texts(seed), 64) for row in model.predict(texts))
    yield from soak(work, cases, "text")


def soak_clips(cases: int, seed: int, folder: Path) -> Iterator[Case]:
    """Predict the clips of the corpus again and again, 20 at a time."""
    model = sentir.load(shared_inputs().model("audio"))
    clips = sorted((shared_inputs().root / "clips").iterdir())
    rng = random.Random(seed)
    work = (row.problem for _n in count() for row in model.predict(rng.sample(clips, 20)))
    yield from soak(work, cases, "clip")


def soak_stream(cases: int, seed: int, folder: Path) -> Iterator[Case]:
    """Feed a stream with turns and pauses; each case is one second of audio."""
    live = LiveTimeline(sentir.load(shared_inputs().model("audio")), 1.0, None)
    rng = np.random.default_rng(seed)

    def seconds() -> Iterator[object]:
        for second in count():
            level = 0.0005 if second % 7 > 4 else 0.2
            samples = (level * rng.standard_normal(_STREAM_RATE)).astype(np.float32)
            for block in np.split(samples, _BLOCKS_PER_SECOND):
                list(live.push(block))
            yield None

    yield from soak(seconds(), cases, "second of audio")


def soak_server(cases: int, seed: int, folder: Path) -> Iterator[Case]:
    """Send requests to a server from eight threads."""
    preload()
    port, texts = free_port(), list(islice(_texts(seed), 500))
    running = Running(["serve", f"text={shared_inputs().model('text')}", "--port", port], folder / "serve")
    ask_until_answered(port, running)

    def request(n: int) -> str:
        return "" if ask(port, texts[n % len(texts)]) else "no answer"

    try:
        with ThreadPoolExecutor(_NUM_THREADS) as pool:
            work = (problem for ns in _batches(count(), 64) for problem in pool.map(request, ns))
            yield from soak(work, cases, "request", running.pid)
    finally:
        running.kill()
        running.wait()


def compare_threads(cases: int, seed: int, folder: Path) -> Iterator[Case]:
    """Predict texts and clips from eight threads: each prediction equals that of one thread alone."""
    inputs = shared_inputs()
    clips = sorted((inputs.root / "clips").iterdir())
    text, audio = (sentir.load(inputs.model(name)) for name in ("text", "audio"))
    texts = list(islice(_texts(seed), cases - cases // 4))
    rng = random.Random(seed)
    jobs: list[Callable[[], object]] = [lambda one=one: text.predict(one).to_dict() for one in texts]
    jobs += [lambda one=one: audio.predict(one).to_dict() for one in rng.choices(clips, k=cases // 4)]
    alone = [job() for job in jobs]
    with ThreadPoolExecutor(_NUM_THREADS) as pool:
        together = list(pool.map(lambda job: job(), jobs))
    for n, (one, other) in enumerate(zip(alone, together, strict=True)):
        yield Case(f"input #{n}", "" if one == other else f"{other} instead of {one}")


CHECKS = [
    Check("soak.texts", "texts predicted by one process", 20_000, 256, soak_texts),
    Check("soak.clips", "clips predicted by one process", 5_000, 80, soak_clips),
    Check("soak.stream", "seconds of one stream", 3_600, 30, soak_stream),
    Check("soak.server", "requests to one server, eight at a time", 30_000, 200, soak_server),
    Check("soak.threads", "predictions by eight threads, equal to those of one", 2_000, 80, compare_threads),
]
