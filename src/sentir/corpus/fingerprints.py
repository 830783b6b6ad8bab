"""Hashes of the content of a corpus, independent of where its files are and whether it has audio."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentir.corpus.utterances import Utterance


def compute_corpus_fingerprint(utterances: Iterable[Utterance]) -> str:
    """Return a hash of the utterances in order: ids, splits, dialogues, turns, texts and annotations."""
    return _hash_rows((u.id, u.split, u.dialogue, str(u.turn), *_content_row(u)) for u in utterances)


def compute_test_fingerprint(utterances: Iterable[Utterance]) -> str:
    """Return a hash of texts and annotations that does not depend on ids and order; the ledger's key."""
    return _hash_rows(sorted(_content_row(u) for u in utterances))


def compute_content_fingerprint(utterances: Iterable[Utterance]) -> str:
    """Return a hash of texts and speakers that does not depend on ids, order, labels and splits."""
    return _hash_rows(
        sorted((u.text or "", u.speaker or "", str(u.clip and u.clip.path.name)) for u in utterances)
    )


def hash_ids(ids: Iterable[str]) -> str:
    """Return a short hash of a set of ids."""
    return hashlib.sha256(_to_bytes(sorted(ids))).hexdigest()[:16]


def _content_row(u: Utterance) -> tuple[str, ...]:
    # Labels of regression tasks are among the scores.
    names = {task: row for task, row in u.labels.items() if all(isinstance(label, str) for label in row)}
    annotations = (names, u.scores, u.numeric_features)
    return (
        u.text or "",
        u.speaker or "",
        json.dumps([sorted(map(list, one.items())) for one in annotations], ensure_ascii=False, default=list),
    )


def _hash_rows(rows: Iterable[tuple[str, ...]]) -> str:
    hasher = hashlib.sha256()
    for row in rows:
        hasher.update(_to_bytes(row))
    return hasher.hexdigest()[:16]


def _to_bytes(value: object) -> bytes:
    """Return JSON in UTF-8, also of texts with unpaired surrogates, which JSON files may have."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
