"""A cache of the embeddings of frozen encoders, keyed by content.

Each encoder has a folder named by the hash of its weights and settings; the keys in it are hashes of token ids or
clips. So an embedding is never stale, and paths do not matter. A folder holds chunks: ``<chunk>.npy``, float32
``(n, L, d)``, and ``<chunk>.json``, its n keys, both written atomically.
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
    """Return a hash of the weights, the layers and the pooling of an encoder."""
    pooling = "" if encoder.pooling == ("mean",) else encoder.pooling
    hasher = hashlib.sha256(f"{encoder.layers}{pooling}".encode())
    for name, tensor in sorted(encoder.state_dict().items()):
        hasher.update(name.encode())
        hasher.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy())
    return hasher.hexdigest()[:16]


def last_modified_ns(location: str) -> int:
    """Return when the files of a folder were last modified, in ns; 0 if it is not a folder."""
    folder = Path(location)
    return max((path.lstat().st_mtime_ns for path in folder.iterdir()), default=0) if folder.is_dir() else 0


class EmbeddingCache:
    """Key → ``(L, d)`` embedding of one encoder, on disk."""

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
        """Return the ``(N, L, d)`` float32 embeddings of N cached keys, in their order."""
        locations = [self._locations[key] for key in keys]
        chunks = {
            path: np.load(path, mmap_mode="r", allow_pickle=False) for path in {path for path, _ in locations}
        }
        return np.stack([chunks[path][row] for path, row in locations])

    def add(self, keys: Sequence[str], embeddings: NDArray[np.float32]) -> None:
        """Write one chunk: first the embeddings, then the keys by which they are found.

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
                _("The cache {folder} cannot be written ({why}); set SENTIR_CACHE_DIR to a writable folder.",
                  folder=self.folder, why=error.strerror or error)
            ) from error  # fmt: skip
        self._locations |= {key: (path, row) for row, key in enumerate(keys)}


def _read_keys(index: Path) -> list[str]:
    """Return the keys of a chunk; none of a damaged one, which is then encoded again."""
    try:
        keys = json.loads(index.read_text(encoding="utf-8"))
        embeddings = np.load(index.with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return []
    return keys if isinstance(keys, list) and embeddings.shape[:1] == (len(keys),) else []


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
    cache = EmbeddingCache(cache_dir() / "embeddings" / digest) if use_cache else None
    todo = [key for key in items if cache is None or key not in cache]
    uncached: dict[str, NDArray[np.float32]] = {}
    with progress_bar(description, len(todo)) as advance:
        for start in range(0, len(todo), chunk_size):
            chunk = todo[start : start + chunk_size]
            embeddings = encode([items[key] for key in chunk], advance)
            if cache is None:
                uncached |= dict(zip(chunk, embeddings, strict=True))
            else:
                cache.add(chunk, embeddings)
    return np.stack([uncached[key] for key in keys]) if cache is None else cache.load(keys)
