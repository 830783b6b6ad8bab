"""The embedding cache with 400,000 keys of twenty corpora: opening it and loading one corpus.

Against a cache that has no index and reads the keys of all its files, as JSON, when it is opened. Also the peak
memory of loading, as a multiple of the array's size, in a new process.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from sentir.bench.timing import Row, alternate, pin_to_one_core, print_rows
from sentir.recognizer.embedding_cache import EmbeddingCache

CORPORA, CHUNK, SHAPE, ROUNDS = 20, 2048, (3, 64), 9
LARGE = (10_000, 4, 768)  # of which memory is measured
PEAK = """
import sys
from pathlib import Path
from sentir.recognizer.embedding_cache import EmbeddingCache
keys = Path(sys.argv[2]).read_text().split()
def peak():
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
Path("/proc/self/clear_refs").write_text("5")  # the peak starts again
before = peak()
array = EmbeddingCache(Path(sys.argv[1]), keys).load()
array.sum()
print((peak() - before) / array.nbytes)
"""


def make_keys(corpus: int, n: int) -> list[str]:
    return [hashlib.sha256(f"{corpus}/{row}".encode()).hexdigest()[:32] for row in range(n)]


def fill(folder: Path, plain: Path, n: int) -> None:
    """Write the corpora to a cache and, without an index, to files of keys and embeddings."""
    draw = np.random.default_rng(0)
    plain.mkdir()
    for corpus in range(CORPORA):
        keys = make_keys(corpus, n)
        cache, rows = EmbeddingCache(folder, keys), draw.standard_normal((n, *SHAPE), dtype=np.float32)
        for start in range(0, n, CHUNK):
            chunk = slice(start, start + CHUNK)
            cache.add(keys[chunk], rows[chunk])
            name = plain / f"{corpus}-{start}"
            name.with_suffix(".json").write_text(json.dumps(keys[chunk]))
            np.save(name.with_suffix(".npy"), rows[chunk])


def load_without_index(folder: Path, keys: list[str]) -> np.ndarray:
    places = {}
    for path in folder.glob("*.json"):
        np.load(path.with_suffix(".npy"), mmap_mode="r")
        places |= {key: (path, row) for row, key in enumerate(json.loads(path.read_text()))}
    arrays = {path: np.load(path.with_suffix(".npy"), mmap_mode="r") for path in {places[key][0] for key in keys}}
    return np.stack([arrays[path][row] for path, row in (places[key] for key in keys)])


def load(folder: Path, keys: list[str]) -> np.ndarray:
    return EmbeddingCache(folder, keys).load()


def measure_peak(folder: Path, keys: list[str]) -> float:
    names = folder.with_suffix(".txt")
    names.write_text("\n".join(keys))
    run = subprocess.run([sys.executable, "-c", PEAK, folder, names], capture_output=True, text=True, check=True)
    return float(run.stdout)


def rows(n: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as temporary:
        folder, plain = Path(temporary) / "cache", Path(temporary) / "plain"
        fill(folder, plain, n // CORPORA)
        keys = make_keys(0, n // CORPORA)
        shuffled = np.random.default_rng(1).permutation(keys).tolist()
        few = [*keys[:100], *make_keys(CORPORA, 100)]
        assert np.array_equal(load(folder, shuffled), load_without_index(plain, shuffled))
        works = {
            "no index": partial(load_without_index, plain, keys),
            "Sentir": partial(load, folder, keys),
            "Sentir, other order": partial(load, folder, shuffled),
            "Sentir, 200 keys, half of them missing": partial(EmbeddingCache, folder, few),
        }
        times = alternate(works, ROUNDS)
        for name in list(works)[1:]:
            yield times.row(f"embedding cache, {n:,} keys", "no index", name)
        large, keys = Path(temporary) / "large", make_keys(0, LARGE[0])
        EmbeddingCache(large, keys).add(keys, np.ones(LARGE, np.float32))
        for title, chosen in (("loading", keys), ("loading in reverse", keys[::-1])):
            peak = measure_peak(large, chosen)
            note = f"peak of {title} / size of the array"
            yield Row("embedding cache, memory", ratio=peak, aim="about 1", note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--keys", type=int, default=400_000)
    given = parser.parse_args()
    pin_to_one_core()
    print_rows(rows(given.keys))


if __name__ == "__main__":
    main()
