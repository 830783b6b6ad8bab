"""Tables and histograms of how a corpus sounds: lengths, loudness, clipping, silence, sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from sentir.audio.store_report import problem_text
from sentir.audit.audio_scan import Hearing
from sentir.audit.counts import annotated_seconds
from sentir.audit.results import Histogram, Row, Table
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import SPLITS, Sound, Utterance
from sentir.i18n import _

CLIPPED = 0.001  # share of samples at full scale from which a clip counts as clipped
_BINS = 24
_LONGEST = 99.5  # percentile that ends a histogram; what lies beyond it is counted in the last bin


def seconds_of(u: Utterance, hearing: Hearing | None) -> float | None:
    """Return how long an utterance is: as decoded, else as annotated."""
    sound = hearing.sounds.get(u.id) if hearing else None
    return sound.seconds if sound and sound.seconds else annotated_seconds(u)


def words_per_second(u: Utterance, hearing: Hearing | None) -> float | None:
    """Return how fast an utterance is spoken, ``None`` without words or length."""
    seconds = seconds_of(u, hearing)
    return len(u.text.split()) / seconds if u.text and not is_blank(u.text) and seconds else None


def count_clips(corpus: Corpus, hearing: Hearing) -> Table:
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

    def row(split: str) -> Row:
        utterances = corpus.split(split)
        sounds = [hearing.sounds[u.id] for u in utterances if u.id in hearing.sounds]
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
            "unusable": ", ".join(f"{problem_text(kind)}: {n}" for kind, n in kinds.most_common()) or None,
        }

    return Table("clips", _("Clips"), columns, tuple(row(split) for split in SPLITS))


def measure_levels(corpus: Corpus, hearing: Hearing) -> Table:
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

    def row(split: str) -> Row:
        measures = [dict(sound.measures) for u in corpus.split(split) if (sound := usable(hearing, u))]
        levels = [m["health.level"] for m in measures]
        if not levels:
            return {"split": split} | dict.fromkeys(list(columns)[1:])
        p5, median, p95 = (round(float(np.percentile(levels, p)), 1) for p in (5, 50, 95))
        return {
            "split": split,
            "median": median,
            "p5": p5,
            "p95": p95,
            "clipped": sum(m["health.clipped"] >= CLIPPED for m in measures),
            "silent": sum(m["health.silence"] == 1 for m in measures),
            "silence_share": round(float(np.median([m["health.silence"] for m in measures])), 4),
        }

    return Table("levels", _("Loudness"), columns, tuple(row(split) for split in SPLITS))


def usable(hearing: Hearing, u: Utterance) -> Sound | None:
    """Return the sound of an utterance if it was measured; a spectrogram made elsewhere was not."""
    sound = hearing.sounds.get(u.id)
    return sound if sound and sound.measures else None


def count_sources(corpus: Corpus, hearing: Hearing) -> Table:
    """Count clips by split, sample rate and channels of their sources."""
    columns = {"rate": _("sample rate"), "channels": _("channels")} | {split: split for split in SPLITS}
    counts: dict[tuple[int, int], Counter[str]] = {}
    for u in corpus:
        if sound := usable(hearing, u):
            source = (int(sound.measures["health.rate"]), int(sound.measures["health.channels"]))
            counts.setdefault(source, Counter())[u.split] += 1
    rows = tuple(
        {"rate": rate, "channels": channels, **{split: found[split] for split in SPLITS}}
        for (rate, channels), found in sorted(counts.items(), key=lambda item: -item[1].total())
    )
    return Table("sources", _("Sources"), columns, rows)


def histograms(corpus: Corpus, hearing: Hearing | None) -> tuple[Histogram, ...]:
    """Return how lengths, words per second and loudness are spread, those that anything is known of."""

    def level(u: Utterance) -> float | None:
        sound = usable(hearing, u) if hearing else None
        return sound.measures["health.level"] if sound else None

    spread: Iterable[tuple[str, str, str, Callable[[Utterance], float | None]]] = (
        ("durations", _("Length"), _("seconds"), lambda u: seconds_of(u, hearing)),
        ("rates", _("Speed of speech"), _("words per second"), lambda u: words_per_second(u, hearing)),
        ("levels", _("Loudness"), _("dB against full scale"), level),
    )
    found = (_histogram(corpus, *one) for one in spread)
    return tuple(histogram for histogram in found if histogram)


def _histogram(
    corpus: Corpus, key: str, title: str, unit: str, measure: Callable[[Utterance], float | None]
) -> Histogram | None:
    values: Mapping[str, Sequence[float]] = {
        split: [value for u in corpus.split(split) if (value := measure(u)) is not None] for split in SPLITS
    }
    pooled = [value for found in values.values() for value in found]
    if len(set(pooled)) < 2:
        return None
    low = min(*pooled, 0.0) if key != "levels" else float(np.floor(np.percentile(pooled, 100 - _LONGEST)))
    edges = np.linspace(low, max(float(np.percentile(pooled, _LONGEST)), low + 1e-3), _BINS + 1)
    counts = {
        split: tuple(np.histogram(np.clip(found, edges[0], edges[-1]), edges)[0].tolist())
        for split, found in values.items()
        if found
    }
    return Histogram(key, title, unit, tuple(round(float(edge), 4) for edge in edges), counts)
