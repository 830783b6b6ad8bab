"""A cache of the embeddings of frozen encoders, keyed by content.

Each encoder has a folder named by the hash of its weights and settings; the keys in it are hashes of token ids or
clips. So an embedding is never stale, and paths do not matter. A folder holds an index of keys and parts:
``<part>.npy``, float32 ``(n, L, d)``, is what one call encoded, in the order of its keys. Rows that are not in
the index are not written yet.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from sentir.array_files import open_array
from sentir.cache_use import register_use
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import fsync
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.stage_encoder import StageEncoder
from sentir.models.text_encoder import TextEncoder
from sentir.paths import cache_dir
from sentir.progress import progress_bar
from sentir.recognizer.embedding_index import RECORD, EmbeddingIndex, Records
from sentir.recognizer.shared_embeddings import find_shared

T = TypeVar("T")
_FOLDER = "embeddings-2"  # with the version of its format: older ones are ignored
_ROWS_PER_BLOCK = 2048  # copied at a time


def encoder_digest(encoder: TextEncoder | SpeechEncoder | StageEncoder) -> str:
    """Return a hash of the weights, the layers and the pooling of an encoder."""
    pooling = "" if encoder.pooling == ("mean",) else encoder.pooling
    hasher = hashlib.sha256(f"{encoder.layers}{pooling}".encode())
    for name, tensor in sorted(encoder.state_dict().items()):
        hasher.update(name.encode())
        hasher.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return hasher.hexdigest()[:16]


def last_modified_ns(location: str) -> int:
    """Return when a file, or those of a folder, were last modified, in ns; 0 if there are none."""
    path = Path(location).expanduser()
    files = path.iterdir() if path.is_dir() else filter(Path.is_file, [path])
    return max((file.lstat().st_mtime_ns for file in files), default=0)


class EmbeddingCache:
    """The embeddings that one encoder has of some keys, on disk.

    Attributes:
        missing: the keys that are not cached, in order, and the row that each has in the part to write.
    """

    def __init__(self, folder: Path, keys: Sequence[str]) -> None:
        register_use(folder.parent)
        self._folder, self._index = folder, EmbeddingIndex(folder)
        self._keys = np.array(keys, dtype=RECORD["key"])
        self._found = self._find()
        uncached = dict.fromkeys(key for key, part in zip(keys, self._found["part"], strict=True) if not part)
        self.missing = {key: row for row, key in enumerate(uncached)}
        self._part = f"{time.time_ns():016x}{uuid.uuid4().hex[:16]}"  # a later one has a later name

    def _find(self) -> Records:
        """Return where each key is: nowhere if its part is damaged, so that it is encoded again."""
        found = self._index.find(self._keys)
        for part in np.unique(found["part"]):
            of_part = found["part"] == part
            if part and len(self._open(part)) <= found["row"][of_part].max():
                found["part"][of_part] = b""
        return found

    def _open(self, part: bytes) -> NDArray[np.float32]:
        """Return the embeddings of a part, memory-mapped; none of a damaged one."""
        try:
            return open_array(self._folder / f"{part.decode()}.npy", "c")
        except (OSError, ValueError):
            return np.empty(0, np.float32)

    def load(self) -> NDArray[np.float32]:
        """Return the ``(N, L, d)`` embeddings of the keys, memory-mapped if they are consecutive rows of a part.

        None of the keys may be missing.
        """
        found = self._find() if self.missing else self._found
        parts, rows = found["part"], found["row"]
        first = self._open(parts[0])
        if (parts == parts[0]).all() and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
            return first[rows[0] : rows[0] + len(rows)]
        embeddings = np.empty((len(rows), *first.shape[1:]), dtype=np.float32)
        order = np.lexsort((rows, parts))
        for start in range(0, len(order), _ROWS_PER_BLOCK):
            block = order[start : start + _ROWS_PER_BLOCK]
            for part in np.unique(parts[block]):  # opened again, so that only the pages of a block are in memory
                of_part = block[parts[block] == part]
                embeddings[of_part] = self._open(part)[rows[of_part]]
        return embeddings

    def add(self, keys: Sequence[str], embeddings: NDArray[np.float32]) -> None:
        """Write the embeddings of some of the missing keys, and then the keys by which they are found.

        Raises:
            SentirError: if the cache cannot be written.
        """
        path, rows = self._folder / f"{self._part}.npy", [self.missing[key] for key in keys]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            register_use(self._folder.parent)
            shape = (len(self.missing), *embeddings.shape[1:])
            offset = np.lib.format.open_memmap(
                path, mode="r+" if path.exists() else "w+", dtype=np.float32, shape=shape
            ).offset
            with path.open("r+b") as file:  # writing to the memory of a full disk would end the process
                for row, embedding in zip(rows, embeddings, strict=True):
                    file.seek(offset + row * embedding.nbytes)
                    file.write(embedding.tobytes())
            fsync(path)
            self._index.add(keys, self._part, rows)
        except OSError as error:
            raise SentirError(
                _("The cache {folder} cannot be written ({why}); set SENTIR_CACHE_DIR to a writable folder.",
                  folder=self._folder, why=error.strerror or error)
            ) from error  # fmt: skip


def encode_cached(
    keys: Sequence[str],
    items: Mapping[str, T],
    encode: Callable[[list[T], Callable[[int], None]], NDArray[np.float32]],
    *,
    digest: str,
    use_cache: bool,
    chunk_size: int,
    description: str,
) -> NDArray[np.float32]:
    """Return the embeddings of N keys, from the cache if they are there.

    Args:
        keys: in any order; duplicates are encoded once.
        items: key → item to encode, in the order in which to encode.
        encode: returns ``(n, L, d)`` for n items, and reports its progress in items to its second argument.
        digest: of the encoder.
        use_cache: whether to load and store embeddings; not for inputs from outside any corpus, which leave no
            trace and do not fill the cache of a server.
        chunk_size: items that are encoded and cached together; an interrupted run loses at most so many.
        description: for the progress bar.

    Returns:
        ``(N, L, d)`` float32, N at least 1.
    """
    cache = EmbeddingCache(cache_dir() / _FOLDER / digest, keys) if use_cache else None
    uncached = find_shared(digest)
    todo = [key for key in items if (key not in uncached if cache is None else key in cache.missing)]
    with progress_bar(description, len(todo)) as advance:
        for start in range(0, len(todo), chunk_size):
            chunk = todo[start : start + chunk_size]
            embeddings = encode([items[key] for key in chunk], advance)
            if cache is None:
                uncached.update(zip(chunk, embeddings, strict=True))
            else:
                cache.add(chunk, embeddings)
    return np.stack([uncached[key] for key in keys]) if cache is None else cache.load()
