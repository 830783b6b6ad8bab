"""Counts by split: utterances, labels, words and seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sentir.audit.results import AuditRow, AuditTable
from sentir.corpus.corpus import Corpus
from sentir.corpus.fingerprints import hash_ids
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import SPLITS, Labels, Utterance
from sentir.i18n import _

LabelsById = Mapping[str, Labels]


def count_splits(corpus: Corpus, labels_of: LabelsById) -> AuditTable:
    """Count utterances, dialogues, speakers, and utterances without some label or without text."""
    columns = {
        "split": _("split"),
        "utterances": _("utterances"),
        "dialogues": _("dialogues"),
        "speakers": _("speakers"),
        "unlabeled": _("without a label of some task"),
        "without_text": _("without text"),
    }

    def row(split: str, rows: Sequence[Utterance]) -> AuditRow:
        return {
            "split": split,
            "utterances": len(rows),
            "dialogues": len({u.dialogue for u in rows}),
            "speakers": len({u.speaker for u in rows if u.speaker is not None}),
            "unlabeled": sum(not corpus.label_spaces.keys() <= labels_of[u.id].keys() for u in rows),
            "without_text": sum(is_blank(u.text) for u in rows),
        }

    return AuditTable("splits", _("Splits"), columns, tuple(row(split, corpus.split(split)) for split in SPLITS))


def count_labels(corpus: Corpus, labels_of: LabelsById) -> AuditTable:
    """Count each label by split; in multi-label tasks, also utterances with none of the labels.

    Numbers are counted at the nearest step of their scale.
    """
    columns = {"task": _("task"), "label": _("label")} | {split: split for split in SPLITS}
    rows = [row for space in corpus.label_spaces.values() for row in _label_rows(corpus, space, labels_of)]
    return AuditTable("labels", _("Labels"), columns, tuple(rows))


def _label_rows(corpus: Corpus, space: LabelSpace, labels_of: LabelsById) -> list[AuditRow]:
    counts = count_labels_by_split(corpus, space, labels_of)
    names = (*space.categories, None) if space.allows_no_label else space.categories
    return [
        {
            "task": space.task,
            "label": _("none of them") if name is None else name,
            **{split: counts[split][name] for split in SPLITS},
        }
        for name in names
    ]


def count_labels_by_split(
    corpus: Corpus, space: LabelSpace, labels_of: LabelsById
) -> dict[str, Counter[str | None]]:
    """Return split → label → number of utterances; ``None`` counts annotated utterances without any label."""
    counts: dict[str, Counter[str | None]] = {}
    for split in SPLITS:
        rows = [labels_of[u.id] for u in corpus.split(split)]
        grouped = [space.categorize(row[space.task]) for row in rows if space.task in row]
        counts[split] = Counter(label for labels in grouped for label in labels or (None,))
    return counts


def summarize_word_counts(corpus: Corpus) -> AuditTable:
    """Summarize words per utterance, separated by white space, over the utterances with text."""
    words = {u.id: len((u.text or "").split()) for u in corpus if not is_blank(u.text)}
    return _summarize(corpus, "words", _("Words per utterance"), lambda u: words.get(u.id))


def summarize_durations(corpus: Corpus) -> AuditTable:
    """Summarize annotated durations in seconds over the utterances that have one."""
    return _summarize(corpus, "durations", _("Annotated seconds per utterance"), get_annotated_seconds)


def get_annotated_seconds(utterance: Utterance) -> float | None:
    """Return the annotated duration of an utterance in seconds; ``None`` if unknown."""
    if utterance.clip is not None and utterance.clip.end is not None:
        return utterance.clip.end - (utterance.clip.start or 0.0)
    return utterance.numeric_features.get("duration")


def count_scored_utterances(corpus: Corpus, labels_of: LabelsById) -> AuditTable:
    """Count scored utterances by task and split, with the hash of their ids that reports show."""
    columns = {
        "task": _("task"),
        "split": _("split"),
        "utterances": _("scored utterances"),
        "scored": _("hash of their ids"),
    }
    rows: list[AuditRow] = []
    for task in corpus.label_spaces:
        for split in SPLITS:
            ids = [u.id for u in corpus.split(split) if task in labels_of[u.id]]
            rows.append({"task": task, "split": split, "utterances": len(ids), "scored": hash_ids(ids)})
    return AuditTable("scored", _("Scored utterances"), columns, tuple(rows))


def _summarize(corpus: Corpus, key: str, title: str, measure: Callable[[Utterance], float | None]) -> AuditTable:
    columns = {
        "split": _("split"),
        "utterances": _("utterances"),
        "total": _("total"),
        "median": _("median"),
        "p95": _("95th percentile"),
        "longest": _("longest"),
    }

    def row(split: str) -> AuditRow:
        values = [value for u in corpus.split(split) if (value := measure(u)) is not None]
        if not values:
            return {"split": split, "utterances": 0, "total": 0, "median": None, "p95": None, "longest": None}
        return {
            "split": split,
            "utterances": len(values),
            "total": round(np.sum(values).item(), 1),
            "median": round(float(np.median(values)), 2),
            "p95": round(float(np.percentile(values, 95)), 2),
            "longest": round(np.max(values).item(), 2),
        }

    return AuditTable(key, title, columns, tuple(row(split) for split in SPLITS))
