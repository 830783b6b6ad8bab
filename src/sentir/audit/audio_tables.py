"""Tables and histograms of how a corpus sounds: lengths, loudness, clipping, silence, sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from sentir.audio.store_report import describe_problem_kind
from sentir.audit.audio_scan import AudioScan
from sentir.audit.counts import get_annotated_seconds
from sentir.audit.results import AuditRow, AuditTable, Histogram
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import SPLITS, AudioFeatures, Utterance
from sentir.i18n import _

CLIPPING_THRESHOLD = 0.001  # share of samples at full scale from which a clip counts as clipped
_NUM_BINS = 24
_MAX_PERCENTILE = 99.5  # percentile that ends a histogram; what lies beyond it is counted in the last bin


def get_seconds(utterance: Utterance, audio_scan: AudioScan | None) -> float | None:
    """Return how long an utterance is: as decoded, else as annotated."""
    sound = audio_scan.audio.get(utterance.id) if audio_scan else None
    return sound.seconds if sound and sound.seconds else get_annotated_seconds(utterance)


def compute_speech_rate(utterance: Utterance, audio_scan: AudioScan | None) -> float | None:
    """Return how fast an utterance is spoken, ``None`` without words or length."""
    seconds = get_seconds(utterance, audio_scan)
    return (
        len(utterance.text.split()) / seconds
        if utterance.text and not is_blank(utterance.text) and seconds
        else None
    )


def count_clips(corpus: Corpus, audio_scan: AudioScan) -> AuditTable:
    """Count clips by split: usable ones, their decoded seconds, and why others cannot be used."""
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
        sounds = [audio_scan.audio[u.id] for u in utterances if u.id in audio_scan.audio]
        kept = [sound for sound in sounds if not sound.problem_kind]
        seconds = [sound.seconds for sound in kept if sound.seconds]
        kinds = Counter(sound.problem_kind for sound in sounds if sound.problem_kind)
        return {
            "split": split,
            "utterances": len(utterances),
            "clips": len(sounds),
            "usable": len(kept),
            "seconds": round(sum(seconds), 1) if seconds else None,
            "median": round(float(np.median(seconds)), 2) if seconds else None,
            "longest": round(max(seconds), 2) if seconds else None,
            "unusable": ", ".join(f"{describe_problem_kind(kind)}: {n}" for kind, n in kinds.most_common())
            or None,
        }

    return AuditTable("clips", _("Clips"), columns, tuple(row(split) for split in SPLITS))


def summarize_levels(corpus: Corpus, audio_scan: AudioScan) -> AuditTable:
    """Summarize by split: loudness of the active frames in dB against full scale, clipping, and silence."""
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
        measures = [
            dict(sound.descriptors) for u in corpus.split(split) if (sound := get_measured_audio(audio_scan, u))
        ]
        levels = [m["health.level"] for m in measures]
        if not levels:
            return {"split": split} | dict.fromkeys(list(columns)[1:])
        p5, median, p95 = (round(float(np.percentile(levels, p)), 1) for p in (5, 50, 95))
        return {
            "split": split,
            "median": median,
            "p5": p5,
            "p95": p95,
            "clipped": sum(m["health.clipped"] >= CLIPPING_THRESHOLD for m in measures),
            "silent": sum(m["health.silence"] == 1 for m in measures),
            "silence_share": round(float(np.median([m["health.silence"] for m in measures])), 4),
        }

    return AuditTable("levels", _("Loudness"), columns, tuple(row(split) for split in SPLITS))


def get_measured_audio(audio_scan: AudioScan, utterance: Utterance) -> AudioFeatures | None:
    """Return the sound of an utterance if it was measured; a spectrogram made elsewhere was not."""
    sound = audio_scan.audio.get(utterance.id)
    return sound if sound and sound.descriptors else None


def count_source_formats(corpus: Corpus, audio_scan: AudioScan) -> AuditTable:
    """Count clips by split, sample rate and channels of their sources."""
    columns = {"sampling_rate": _("sample rate"), "channels": _("channels")} | {split: split for split in SPLITS}
    counts: dict[tuple[int, int], Counter[str]] = {}
    for u in corpus:
        if sound := get_measured_audio(audio_scan, u):
            source = (int(sound.descriptors["health.sampling_rate"]), int(sound.descriptors["health.channels"]))
            counts.setdefault(source, Counter())[u.split] += 1
    rows = tuple(
        {"sampling_rate": rate, "channels": channels, **{split: found[split] for split in SPLITS}}
        for (rate, channels), found in sorted(counts.items(), key=lambda item: -item[1].total())
    )
    return AuditTable("source_formats", _("Sources"), columns, rows)


def compute_histograms(corpus: Corpus, audio_scan: AudioScan | None) -> tuple[Histogram, ...]:
    """Return how lengths, words per second and loudness are spread, those that anything is known of."""

    def level(u: Utterance) -> float | None:
        sound = get_measured_audio(audio_scan, u) if audio_scan else None
        return sound.descriptors["health.level"] if sound else None

    spread: Iterable[tuple[str, str, str, Callable[[Utterance], float | None]]] = (
        ("durations", _("Length"), _("seconds"), lambda u: get_seconds(u, audio_scan)),
        (
            "speech_rates",
            _("Speed of speech"),
            _("words per second"),
            lambda u: compute_speech_rate(u, audio_scan),
        ),
        ("levels", _("Loudness"), _("dB against full scale"), level),
    )
    found = (_compute_histogram(corpus, *one) for one in spread)
    return tuple(histogram for histogram in found if histogram)


def _compute_histogram(
    corpus: Corpus, key: str, title: str, unit: str, measure: Callable[[Utterance], float | None]
) -> Histogram | None:
    values: Mapping[str, Sequence[float]] = {
        split: [value for u in corpus.split(split) if (value := measure(u)) is not None] for split in SPLITS
    }
    pooled = [value for found in values.values() for value in found]
    if len(set(pooled)) < 2:
        return None
    low = min(*pooled, 0.0) if key != "levels" else float(np.floor(np.percentile(pooled, 100 - _MAX_PERCENTILE)))
    edges = np.linspace(low, max(float(np.percentile(pooled, _MAX_PERCENTILE)), low + 1e-3), _NUM_BINS + 1)
    counts = {
        split: tuple(np.histogram(np.clip(found, edges[0], edges[-1]), edges)[0].tolist())
        for split, found in values.items()
        if found
    }
    return Histogram(key, title, unit, tuple(round(float(edge), 4) for edge in edges), counts)
