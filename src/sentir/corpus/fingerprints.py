"""Hashes of what a corpus says and how it was annotated, wherever its files lie and whether there is sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentir.corpus.utterances import Utterance


def compute_corpus_fingerprint(utterances: Iterable[Utterance]) -> str:
    """Return a hash of utterances in order: ids, splits, dialogues, turns, and what was said and annotated."""
    return _hash_rows((u.id, u.split, u.dialogue, str(u.turn), *_content_row(u)) for u in utterances)


def compute_test_fingerprint(utterances: Iterable[Utterance]) -> str:
    """Return a hash of what was said and annotated, whatever the ids and the order; the ledger's key."""
    return _hash_rows(sorted(_content_row(u) for u in utterances))


def compute_content_fingerprint(utterances: Iterable[Utterance]) -> str:
    """Return a hash of what was said and by whom, whatever the ids, the order, the labels and the splits."""
    return _hash_rows(
        sorted((u.text or "", u.speaker or "", str(u.clip and u.clip.path.name)) for u in utterances)
    )


def hash_ids(ids: Iterable[str]) -> str:
    """Return a short hash of the set of scored ids, whatever their order."""
    return hashlib.sha256(json.dumps(sorted(ids), ensure_ascii=False).encode()).hexdigest()[:16]


def _content_row(u: Utterance) -> tuple[str, ...]:
    named = {task: row for task, row in u.labels.items() if all(isinstance(label, str) for label in row)}
    facts = (named, u.scores, u.numeric_features)  # a label that is a number is one of the scores
    return (
        u.text or "",
        u.speaker or "",
        json.dumps([sorted(map(list, f.items())) for f in facts], ensure_ascii=False, default=list),
    )


def _hash_rows(rows: Iterable[tuple[str, ...]]) -> str:
    hasher = hashlib.sha256()
    for row in rows:
        hasher.update(json.dumps(row, ensure_ascii=False).encode())
    return hasher.hexdigest()[:16]
