"""Vectors of frozen encoders, each computed once and cached by the content of what was encoded.

The key is (all weights of the encoder, the layers read, the token ids and masks), so neither a changed text,
tokenizer or setting, nor another machine's path, can bring back a stale vector. A cache folder holds chunks:
``<chunk>.npy``, float32 ``(n, L, d)``, and ``<chunk>.json``, its n keys, each renamed into place when whole.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import atomic_write, write_text
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.text_encoder import TextEncoder
from sentir.paths import cache_dir
from sentir.progress import progress_bar

T = TypeVar("T")


def encoder_digest(encoder: TextEncoder | SpeechEncoder) -> str:
    """Return a hash of an encoder's weights, of the layers that are read and of how they are pooled."""
    pooling = "" if encoder.pooling == ("mean",) else encoder.pooling  # means alone, as they were named first
    hasher = hashlib.sha256(f"{encoder.layers}{pooling}".encode())
    for name, tensor in sorted(encoder.state_dict().items()):
        hasher.update(name.encode())
        hasher.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return hasher.hexdigest()[:16]


def last_modified_ns(location: str) -> int:
    """Return when a folder's files were last written, in ns; 0 if it is none: an encoder may learn anew there."""
    folder = Path(location)
    return max((path.lstat().st_mtime_ns for path in folder.iterdir()), default=0) if folder.is_dir() else 0


class EmbeddingCache:
    """Key → ``(L, d)`` vector of one encoder, on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._locations: dict[str, tuple[Path, int]] = {}
        for index in sorted(folder.glob("[!.]*.json")):
            self._locations |= {
                key: (index.with_suffix(".npy"), row) for row, key in enumerate(_read_keys(index))
            }

    def __contains__(self, key: object) -> bool:
        return key in self._locations

    def load(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """Return ``(N, L, d)`` float32 for N known keys, in their order."""
        places = [self._locations[key] for key in keys]
        files = {path: np.load(path, mmap_mode="r", allow_pickle=False) for path in {path for path, _ in places}}
        return np.stack([files[path][row] for path, row in places])

    def add(self, keys: Sequence[str], embeddings: NDArray[np.float32]) -> None:
        """Write one chunk: first the vectors, then the keys that make them known.

        Raises:
            SentirError: if the cache cannot be written.
        """
        path = self.folder / f"{uuid.uuid4().hex}.npy"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as draft:
                np.save(draft, embeddings, allow_pickle=False)
            write_text(path.with_suffix(".json"), json.dumps(list(keys)))
        except OSError as error:
            raise SentirError(
                _("The cache {folder} cannot be written ({why}); set SENTIR_CACHE_DIR to a folder that can.",
                  folder=self.folder, why=error.strerror or error)
            ) from error  # fmt: skip
        self._locations |= {key: (path, row) for row, key in enumerate(keys)}


def _read_keys(index: Path) -> list[str]:
    """Return the keys of a chunk; a damaged one has none, so that its utterances are encoded again."""
    try:
        keys = json.loads(index.read_text(encoding="utf-8"))
        vectors = np.load(index.with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return []
    return keys if isinstance(keys, list) and vectors.shape[:1] == (len(keys),) else []


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
    """Return the vectors of N keys, each encoded once, now or before.

    Args:
        keys: in any order, some of them perhaps twice.
        items: key → what is encoded, in the order in which that goes best.
        encode: gives ``(n, L, d)`` for n sources, and tells how many it has done.
        digest: names the encoder.
        use_cache: whether to use the cache; what comes from outside any corpus leaves no trace, and so a server
            whose users write something new each time is not slowed down by all that was written before.
        chunk_size: how many are encoded and cached together: what a killed run loses at most.
        description: of the work.

    Returns:
        ``(N, L, d)`` float32, N at least 1.
    """
    cache = EmbeddingCache(cache_dir() / "embeddings" / digest) if use_cache else None
    todo = [key for key in items if cache is None or key not in cache]
    passing: dict[str, NDArray[np.float32]] = {}
    with progress_bar(description, len(todo)) as advance:
        for start in range(0, len(todo), chunk_size):
            some = todo[start : start + chunk_size]
            vectors = encode([items[key] for key in some], advance)
            if cache is None:
                passing |= dict(zip(some, vectors, strict=True))
            else:
                cache.add(some, vectors)
    return np.stack([passing[key] for key in keys]) if cache is None else cache.load(keys)
