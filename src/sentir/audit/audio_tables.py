"""Tables and histograms of a corpus' audio: durations, levels, clipping, silence, source formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from sentir.audit.audio_scan import AudioScan
from sentir.audit.counts import get_annotated_seconds
from sentir.audit.results import AuditRow, AuditTable, Histogram
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import SPLITS, AudioFeatures, Utterance
from sentir.display_names import audio_problem_name
from sentir.i18n import _

CLIPPING_THRESHOLD = 0.001  # share of samples at full scale from which on a clip counts as clipped
_NUM_BINS = 24
_MAX_PERCENTILE = 99.5  # upper edge of a histogram; larger values count in the last bin


def get_seconds(utterance: Utterance, audio_scan: AudioScan | None) -> float | None:
    """Return the duration of an utterance: as decoded, else as annotated."""
    audio = audio_scan.audio.get(utterance.id) if audio_scan else None
    return audio.seconds if audio and audio.seconds else get_annotated_seconds(utterance)


def compute_speech_rate(utterance: Utterance, audio_scan: AudioScan | None) -> float | None:
    """Return the words per second of an utterance; ``None`` without words or a duration."""
    seconds = get_seconds(utterance, audio_scan)
    return (
        len(utterance.text.split()) / seconds
        if utterance.text and not is_blank(utterance.text) and seconds
        else None
    )


def count_clips(corpus: Corpus, audio_scan: AudioScan) -> AuditTable:
    """Count clips by split: usable ones, their decoded seconds, and why others are unusable."""
    columns = {
        "split": _("split"),
        "utterances": _("utterances"),
        "clips": _("clips"),
        "usable": _("usable"),
        "seconds": _("seconds"),
        "median": _("median"),
        "longest": _("longest"),
        "unusable": _("why not usable"),
    }

    def row(split: str) -> AuditRow:
        utterances = corpus.split(split)
        clips = [audio_scan.audio[u.id] for u in utterances if u.id in audio_scan.audio]
        usable = [audio for audio in clips if not audio.problem_kind]
        seconds = [audio.seconds for audio in usable if audio.seconds]
        problems = Counter(audio.problem_kind for audio in clips if audio.problem_kind)
        return {
            "split": split,
            "utterances": len(utterances),
            "clips": len(clips),
            "usable": len(usable),
            "seconds": round(sum(seconds), 1) if seconds else None,
            "median": round(float(np.median(seconds)), 2) if seconds else None,
            "longest": round(max(seconds), 2) if seconds else None,
            "unusable": ", ".join(f"{audio_problem_name(kind)}: {n}" for kind, n in problems.most_common())
            or None,
        }

    return AuditTable("clips", _("Clips"), columns, tuple(row(split) for split in SPLITS))


def summarize_levels(corpus: Corpus, audio_scan: AudioScan) -> AuditTable:
    """Summarize by split: level of the active frames in dBFS, clipping, and silence."""
    columns = {
        "split": _("split"),
        "median": _("median dBFS"),
        "p5": _("low (5 %)"),
        "p95": _("high (95 %)"),
        "clipped": _("clipped"),
        "silent": _("silent"),
        "silence_share": _("silence, median"),
    }

    def row(split: str) -> AuditRow:
        clips = [
            dict(audio.descriptors) for u in corpus.split(split) if (audio := get_measured_audio(audio_scan, u))
        ]
        levels = [clip["health.level"] for clip in clips]
        if not levels:
            return {"split": split} | dict.fromkeys(list(columns)[1:])
        p5, median, p95 = (round(float(np.percentile(levels, p)), 1) for p in (5, 50, 95))
        return {
            "split": split,
            "median": median,
            "p5": p5,
            "p95": p95,
            "clipped": sum(clip["health.clipped"] >= CLIPPING_THRESHOLD for clip in clips),
            "silent": sum(clip["health.silence"] == 1 for clip in clips),
            "silence_share": round(float(np.median([clip["health.silence"] for clip in clips])), 4),
        }

    return AuditTable("levels", _("Level"), columns, tuple(row(split) for split in SPLITS))


def get_measured_audio(audio_scan: AudioScan, utterance: Utterance) -> AudioFeatures | None:
    """Return the audio features of an utterance if it has descriptors; precomputed spectrograms have none."""
    audio = audio_scan.audio.get(utterance.id)
    return audio if audio and audio.descriptors else None


def count_source_formats(corpus: Corpus, audio_scan: AudioScan) -> AuditTable:
    """Count clips by split, sampling rate and channels of their files."""
    columns = {"sampling_rate": _("sampling rate"), "channels": _("channels")} | {
        split: split for split in SPLITS
    }
    counts: dict[tuple[int, int], Counter[str]] = {}
    for u in corpus:
        if audio := get_measured_audio(audio_scan, u):
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
        audio = get_measured_audio(audio_scan, u) if audio_scan else None
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
