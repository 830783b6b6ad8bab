"""Hashes of what a corpus says and how it was annotated, wherever its files lie and whether there is sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentir.corpus.utterances import Utterance


def fingerprint(utterances: Iterable[Utterance]) -> str:
    """Return a hash of utterances in order: ids, splits, dialogues, turns, and what was said and annotated."""
    return _digest((u.id, u.split, u.dialogue, str(u.turn), *_said(u)) for u in utterances)


def test_fingerprint(utterances: Iterable[Utterance]) -> str:
    """Return a hash of what was said and annotated, whatever the ids and the order; the ledger's key."""
    return _digest(sorted(_said(u) for u in utterances))


def rows_fingerprint(utterances: Iterable[Utterance]) -> str:
    """Return a hash of what was said and by whom, whatever the ids, the order, the labels and the splits."""
    return _digest(sorted((u.text or "", u.speaker or "", str(u.clip and u.clip.path.name)) for u in utterances))


def scored_hash(ids: Iterable[str]) -> str:
    """Return a short hash of the set of scored ids, whatever their order."""
    return hashlib.sha256(json.dumps(sorted(ids), ensure_ascii=False).encode()).hexdigest()[:16]


def _said(u: Utterance) -> tuple[str, ...]:
    named = {task: row for task, row in u.labels.items() if all(isinstance(label, str) for label in row)}
    facts = (named, u.scores, u.numbers)  # a label that is a number is one of the scores
    return (
        u.text or "",
        u.speaker or "",
        json.dumps([sorted(map(list, f.items())) for f in facts], ensure_ascii=False, default=list),
    )


def _digest(rows: Iterable[tuple[str, ...]]) -> str:
    hasher = hashlib.sha256()
    for row in rows:
        hasher.update(json.dumps(row, ensure_ascii=False).encode())
    return hasher.hexdigest()[:16]
