"""The facts of a corpus that a report shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from sentir.audio.store import attach_audio
from sentir.audio.store_report import prepare_audio
from sentir.audit.audio_tables import compute_histograms
from sentir.audit.audio_scan import AudioScan
from sentir.audit.results import Histogram
from sentir.corpus.corpus import Corpus
from sentir.report.study_report import CorpusSummary


def summarize_corpus(
    corpus: Corpus, *, metrics: Mapping[str, str] | None = None, mel_kind: str = "mel", with_audio: bool = True
) -> CorpusSummary:
    """Count what a corpus holds, and listen to its clips if it has any; labels of test stay sealed.

    Args:
        metrics: task → the headline metric, of a study.
        mel_kind: of mel, as `sentir.audio.store.listen` takes it.
        with_audio: whether clips are listened to.

    Raises:
        SentirError: if the store of sounds cannot be written.
    """
    with_audio = with_audio and any(u.clip for u in corpus)
    if with_audio:
        corpus = replace(corpus, utterances=tuple(attach_audio(corpus.utterances, mel_kind=mel_kind)))
    return CorpusSummary(
        name=corpus.name,
        synthetic=corpus.synthetic,
        fingerprint=corpus.fingerprint,
        splits={split: _split_counts(corpus, split) for split in ("train", "dev", "test")},
        labels={
            task: {split: _label_counts(corpus, split, task) for split in ("train", "dev")}
            for task in corpus.label_spaces
        },
        issues=dict(Counter(issue.kind for issue in corpus.issues)),
        metrics=metrics or {},
        audio=prepare_audio(corpus, mel_kind=mel_kind).splits if with_audio else (),
        durations=_duration_histogram(corpus),
    )


def _duration_histogram(corpus: Corpus) -> Histogram | None:
    """Return how long utterances are: as decoded, else as annotated."""
    hearing = AudioScan({u.id: u.audio for u in corpus if u.clip and u.audio}, {}, 0, 0)
    return next((found for found in compute_histograms(corpus, hearing) if found.key == "durations"), None)


def _split_counts(corpus: Corpus, split: str) -> dict[str, int]:
    rows = corpus.split(split)
    return {
        "utterances": len(rows),
        "dialogues": len({u.dialogue for u in rows}),
        "speakers": len({u.speaker for u in rows} - {None}),
    }


def _label_counts(corpus: Corpus, split: str, task: str) -> dict[str, int]:
    space = corpus.label_space(task)
    found = Counter(name for u in corpus.split(split) for name in space.categorize(u.labels.get(task, ())))
    return {name: found[name] for name in space.categories}
