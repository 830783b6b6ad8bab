"""The summary of a corpus that a report shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sentir.audio.store import attach_corpus_audio
from sentir.audio.store_report import prepare_audio
from sentir.audit.audio_scan import AudioScan
from sentir.audit.results import Histogram
from sentir.audit.tables import compute_histograms, count_labels_by_split
from sentir.corpus.corpus import Corpus
from sentir.corpus.folds import sort_folds
from sentir.corpus.utterances import Utterance
from sentir.report.study_report import CorpusSummary


def summarize_corpus(
    corpus: Corpus, *, metrics: Mapping[str, str] | None = None, mel_kind: str = "mel", with_audio: bool = True
) -> CorpusSummary:
    """Count the utterances and labels of a corpus, and analyze its clips if it has any; test labels stay sealed.

    Args:
        metrics: task → the headline metric of a study.
        mel_kind: kind of mel spectrogram, as for `sentir.audio.store.attach_corpus_audio`.
        with_audio: whether clips are analyzed.

    Raises:
        SentirError: if the audio store cannot be written.
    """
    with_audio = with_audio and any(u.clip for u in corpus)
    if with_audio:
        corpus = attach_corpus_audio(corpus, mel_kind=mel_kind)
    return CorpusSummary(
        name=corpus.name,
        synthetic=corpus.synthetic,
        fingerprint=corpus.fingerprint,
        splits={split: _count(corpus.split(split)) for split in ("train", "dev", "test")},
        labels={
            task: {split: {name: counts[split][name] for name in space.categories} for split in ("train", "dev")}
            for task, space in corpus.label_spaces.items()
            for counts in [count_labels_by_split(corpus, space, {u.id: u.labels for u in corpus})]
        },
        issues=dict(Counter(issue.kind for issue in corpus.issues)),
        metrics=metrics or {},
        audio=prepare_audio(corpus, mel_kind=mel_kind).splits if with_audio else (),
        durations=_duration_histogram(corpus),
    )


def _duration_histogram(corpus: Corpus) -> Histogram | None:
    """Return the histogram of durations: as decoded, else as annotated."""
    scan = AudioScan({u.id: u.audio for u in corpus if u.clip and u.audio}, {}, 0, 0)
    return next((one for one in compute_histograms(corpus, scan) if one.key == "durations"), None)


def summarize_folds(corpus: Corpus, summary: CorpusSummary) -> CorpusSummary:
    """Return the summary with the sizes of the folds instead of those of splits.

    Args:
        corpus: of a cross-validation, whose ``folds`` are those that its utterances belong to.
        summary: of the corpus.
    """
    names = sort_folds(set(corpus.folds.values()))
    counts = {name: _count([u for u in corpus if corpus.folds[u.id] == name]) for name in names}
    labels = {
        task: {split: own for split, own in by_split.items() if any(own.values())}
        for task, by_split in summary.labels.items()
    }
    return replace(summary, splits=counts, labels=labels, num_folds=len(names))


def _count(rows: Sequence[Utterance]) -> dict[str, int]:
    return {
        "utterances": len(rows),
        "dialogues": len({u.dialogue for u in rows}),
        "speakers": len({u.speaker for u in rows} - {None}),
    }
