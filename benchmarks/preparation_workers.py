"""Corpus preparation with two workers against one, on ten times as many clips as RAVDESS has.

Clips are Ogg Vorbis, as those of RAVDESS, and each has content of its own: a clip of RAVDESS, or of the demo's
voices if it is missing, rotated by some samples. Start-up and imports are excluded: what is compared is the wall
time that many clips take longer than a tenth of them. It needs two idle cores. Both must store equal bytes. Also
how much more memory the parent takes for many clips than for few.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
from corpus_preparation import load_waveforms, make_utterances

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.store import attach_audio
from sentir.bench.timing import Row, Times, alternate, print_rows
from sentir.corpus.utterances import Clip

CLIPS, SHARE = 14_400, 10


@dataclass(frozen=True)
class Preparation:
    """What preparing clips took.

    Attributes:
        seconds: wall time.
        peak: memory of the parent, in MB.
        digest: of all that was stored.
    """

    seconds: float
    peak: float
    digest: str


def write_clips(folder: Path, waveforms: Sequence[np.ndarray], n: int) -> list[Clip]:
    """Write ``n`` clips."""
    clips = [Clip(folder / f"{k}.ogg") for k in range(n)]
    for k, clip in enumerate(clips):
        soundfile.write(clip.path, np.roll(waveforms[k % len(waveforms)], k), SAMPLING_RATE)
    return clips


def prepare(clips: Sequence[Clip], workers: int) -> Preparation:
    """Prepare clips in a new process, as ``sentir corpus prepare`` does."""
    with tempfile.TemporaryDirectory() as store, ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_prepare, clips, Path(store), workers).result()


def _prepare(clips: Sequence[Clip], store: Path, workers: int) -> Preparation:
    start = time.perf_counter()
    prepared = attach_audio(make_utterances(clips), folder=store, workers=workers)
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()  # getrusage counts the parent's memory for its child
    digest = hashlib.sha256()
    for u in prepared:
        digest.update(u.audio.mel.tobytes() + repr(sorted(u.audio.descriptors.items())).encode())
    return Preparation(seconds, int(status.partition("VmHWM:")[2].split()[0]) / 1024, digest.hexdigest())


def rows(waveforms: Sequence[np.ndarray], n: int, rounds: int) -> Iterator[Row]:
    done: dict[tuple[int, int], Preparation] = {}

    def time_more_clips(workers: int) -> float:
        for size in (n // SHARE, n):
            done[workers, size] = prepare(clips[:size], workers)
        return done[workers, n].seconds - done[workers, n // SHARE].seconds

    with tempfile.TemporaryDirectory() as folder:
        clips = write_clips(Path(folder), waveforms, n)
        works = {"one worker": 1, "two workers": 2}
        times: Times = alternate(works, rounds, warm_up=False, timer=time_more_clips)
    assert done[1, n].digest == done[2, n].digest
    yield times.row(f"preparing {n - n // SHARE:,} clips", *works, aim="at least 1.8")
    few, many = (done[1, size].peak for size in (n // SHARE, n))
    note = f"{n:,} clips {many:.0f} MB, {n // SHARE:,} clips {few:.0f} MB"
    yield Row("peak memory of preparing", ratio=many / few, aim="near 1", note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ravdess", type=Path, nargs="?", default=Path("../shared/data/ravdess"))
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print_rows(rows(load_waveforms(given.ravdess, 200), given.clips, given.rounds))


if __name__ == "__main__":
    main()
