"""Tables of counts by split: utterances, labels, words, seconds, clips, levels, formats of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from sentir.audit.audio_scan import (
    CLIPPING_THRESHOLD,
    AudioScan,
    compute_speech_rate,
    get_annotated_seconds,
    get_seconds,
)
from sentir.audit.results import AuditCell, AuditRow, AuditTable, Histogram
from sentir.corpus.corpus import Corpus
from sentir.corpus.fingerprints import hash_ids
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import SPLITS, AudioFeatures, Labels, Utterance
from sentir.display_names import audio_problem_name
from sentir.i18n import _

LabelsById = Mapping[str, Labels]
_NUM_BINS = 24
_MAX_PERCENTILE = 99.5  # upper edge of a histogram; larger values count in the last bin
T = TypeVar("T")
_Columns = Mapping[str, tuple[str, Callable[[Sequence[T]], AuditCell]]]  # key → heading, function of the values


def _summarize(
    corpus: Corpus, key: str, title: str, measure: Callable[[Utterance], T | None], columns: _Columns[T]
) -> AuditTable:
    """Return a table with a row for each split, computed from what is known of its utterances."""
    rows: list[AuditRow] = []
    for split in SPLITS:
        values = [value for u in corpus.split(split) if (value := measure(u)) is not None]
        rows.append({"split": split} | {name: compute(values) for name, (_heading, compute) in columns.items()})
    headings = {"split": _("split")} | {name: heading for name, (heading, _compute) in columns.items()}
    return AuditTable(key, title, headings, tuple(rows))


def _rounded(
    statistic: Callable[[Any], Any], digits: int, measure: Callable[[Any], Any] = lambda value: value
) -> Callable[[Sequence[Any]], AuditCell]:
    """Return a function that computes a statistic of a measure of the values that have it; ``None`` without."""

    def compute(values: Sequence[Any]) -> AuditCell:
        measured = [one for value in values if (one := measure(value)) is not None]
        return round(np.asarray(statistic(measured)).item(), digits) if measured else None  # type: ignore[no-any-return]

    return compute


def count_splits(corpus: Corpus, labels_of: LabelsById) -> AuditTable:
    """Count utterances, dialogues, speakers, and utterances without some label or without text."""
    tasks = corpus.label_spaces.keys()
    columns: _Columns[Utterance] = {
        "utterances": (_("utterances"), len),
        "dialogues": (_("dialogues"), lambda rows: len({u.dialogue for u in rows})),
        "speakers": (_("speakers"), lambda rows: len({u.speaker for u in rows} - {None})),
        "unlabeled": (
            _("without a label of some task"),
            lambda rows: sum(not tasks <= labels_of[u.id].keys() for u in rows),
        ),
        "without_text": (_("without text"), lambda rows: sum(is_blank(u.text) for u in rows)),
    }
    return _summarize(corpus, "splits", _("Splits"), lambda u: u, columns)


def count_labels(corpus: Corpus, labels_of: LabelsById) -> AuditTable:
    """Count each label by split; in multi-label tasks, also utterances with none of the labels.

    Numbers are counted at the nearest step of their scale.
    """
    columns = {"task": _("task"), "label": _("label")} | {split: split for split in SPLITS}
    rows: list[AuditRow] = []
    for space in corpus.label_spaces.values():
        counts = count_labels_by_split(corpus, space, labels_of)
        for name in (*space.categories, None) if space.allows_no_label else space.categories:
            by_split = {split: counts[split][name] for split in SPLITS}
            rows.append({"task": space.task, "label": _("none of them") if name is None else name, **by_split})
    return AuditTable("labels", _("Labels"), columns, tuple(rows))


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
    title = _("Words per utterance")
    return _summarize_numbers(
        corpus, "words", title, lambda u: None if is_blank(u.text) else len((u.text or "").split())
    )


def summarize_durations(corpus: Corpus) -> AuditTable:
    """Summarize annotated durations in seconds over the utterances that have one."""
    return _summarize_numbers(corpus, "durations", _("Annotated seconds per utterance"), get_annotated_seconds)


def _summarize_numbers(
    corpus: Corpus, key: str, title: str, measure: Callable[[Utterance], float | None]
) -> AuditTable:
    columns: _Columns[float] = {
        "utterances": (_("utterances"), len),
        "total": (_("total"), lambda values: round(np.sum(values).item(), 1) if values else 0),
        "median": (_("median"), _rounded(np.median, 2)),
        "p95": (_("95th percentile"), _rounded(lambda values: np.percentile(values, 95), 2)),
        "longest": (_("longest"), _rounded(np.max, 2)),
    }
    return _summarize(corpus, key, title, measure, columns)


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


def count_clips(corpus: Corpus, audio_scan: AudioScan) -> AuditTable:
    """Count clips by split: usable ones, their decoded seconds, and why others are unusable."""

    def audio(u: Utterance) -> AudioFeatures:
        return audio_scan.audio.get(u.id) or AudioFeatures(problem_kind="no clip")

    def seconds(u: Utterance) -> float | None:
        return None if audio(u).problem_kind else audio(u).seconds or None

    def problems(rows: Sequence[Utterance]) -> str | None:
        kinds = Counter(audio(u).problem_kind for u in rows if u.id in audio_scan.audio)
        del kinds[""]
        return ", ".join(f"{audio_problem_name(kind)}: {n}" for kind, n in kinds.most_common()) or None

    columns: _Columns[Utterance] = {
        "utterances": (_("utterances"), len),
        "clips": (_("clips"), lambda rows: sum(u.id in audio_scan.audio for u in rows)),
        "usable": (_("usable"), lambda rows: sum(not audio(u).problem_kind for u in rows)),
        "seconds": (_("seconds"), _rounded(sum, 1, seconds)),
        "median": (_("median"), _rounded(np.median, 2, seconds)),
        "longest": (_("longest"), _rounded(max, 2, seconds)),
        "unusable": (_("why not usable"), problems),
    }
    return _summarize(corpus, "clips", _("Clips"), lambda u: u, columns)


def summarize_levels(corpus: Corpus, audio_scan: AudioScan) -> AuditTable:
    """Summarize by split: level of the active frames in dBFS, clipping, and silence."""

    def descriptor(name: str) -> Callable[[AudioFeatures], float]:
        return lambda audio: audio.descriptors[f"health.{name}"]

    columns: _Columns[AudioFeatures] = {
        "median": (_("median dBFS"), _rounded(np.median, 1, descriptor("level"))),
        "p5": (_("low (5%)"), _rounded(lambda levels: np.percentile(levels, 5), 1, descriptor("level"))),
        "p95": (_("high (95%)"), _rounded(lambda levels: np.percentile(levels, 95), 1, descriptor("level"))),
        "clipped": (
            _("clipped"),
            _rounded(sum, 0, lambda audio: descriptor("clipped")(audio) >= CLIPPING_THRESHOLD),
        ),
        "silent": (_("silent"), _rounded(sum, 0, lambda audio: descriptor("silence")(audio) == 1)),
        "silence_share": (_("silence, median"), _rounded(np.median, 4, descriptor("silence"))),
    }
    return _summarize(corpus, "levels", _("Level"), audio_scan.measured, columns)


def count_source_formats(corpus: Corpus, audio_scan: AudioScan) -> AuditTable:
    """Count clips by split, sampling rate and channels of their files."""
    columns = {"sampling_rate": _("sampling rate"), "channels": _("channels")} | {
        split: split for split in SPLITS
    }
    counts: dict[tuple[int, int], Counter[str]] = {}
    for u in corpus:
        if audio := audio_scan.measured(u):
            key = (int(audio.descriptors["health.sampling_rate"]), int(audio.descriptors["health.channels"]))
            counts.setdefault(key, Counter())[u.split] += 1
    rows = tuple(
        {"sampling_rate": sampling_rate, "channels": channels, **{split: by_split[split] for split in SPLITS}}
        for (sampling_rate, channels), by_split in sorted(counts.items(), key=lambda item: -item[1].total())
    )
    return AuditTable("source_formats", _("File formats"), columns, rows)


def compute_histograms(corpus: Corpus, audio_scan: AudioScan | None) -> tuple[Histogram, ...]:
    """Return the histograms of durations, words per second and levels; those without values are left out."""

    def level(u: Utterance) -> float | None:
        audio = audio_scan.measured(u) if audio_scan else None
        return audio.descriptors["health.level"] if audio else None

    measures: Iterable[tuple[str, str, str, Callable[[Utterance], float | None]]] = (
        ("durations", _("Duration"), _("seconds"), lambda u: get_seconds(u, audio_scan)),
        (
            "speech_rates",
            _("Speech rate"),
            _("words per second"),
            lambda u: compute_speech_rate(u, audio_scan),
        ),
        ("levels", _("Level"), _("dBFS"), level),
    )
    histograms = (_compute_histogram(corpus, *one) for one in measures)
    return tuple(histogram for histogram in histograms if histogram)


def _compute_histogram(
    corpus: Corpus, key: str, title: str, unit: str, measure: Callable[[Utterance], float | None]
) -> Histogram | None:
    values: Mapping[str, Sequence[float]] = {
        split: [value for u in corpus.split(split) if (value := measure(u)) is not None] for split in SPLITS
    }
    pooled = [value for by_split in values.values() for value in by_split]
    if len(set(pooled)) < 2:
        return None
    low = min(*pooled, 0.0) if key != "levels" else float(np.floor(np.percentile(pooled, 100 - _MAX_PERCENTILE)))
    edges = np.linspace(low, max(float(np.percentile(pooled, _MAX_PERCENTILE)), low + 1e-3), _NUM_BINS + 1)
    counts = {
        split: tuple(np.histogram(np.clip(by_split, edges[0], edges[-1]), edges)[0].tolist())
        for split, by_split in values.items()
        if by_split
    }
    return Histogram(key, title, unit, tuple(round(float(edge), 4) for edge in edges), counts)
