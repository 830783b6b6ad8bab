"""The facts of a corpus that a report shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from sentir.audio.store import listen
from sentir.audio.store_report import prepare
from sentir.audit.audio_findings import histograms
from sentir.audit.audio_scan import Hearing
from sentir.audit.results import Histogram
from sentir.corpus.corpus import Corpus
from sentir.report.study_report import CorpusCard


def corpus_card(
    corpus: Corpus, *, metrics: Mapping[str, str] | None = None, kind: str = "mel", hear: bool = True
) -> CorpusCard:
    """Count what a corpus holds, and listen to its clips if it has any; labels of test stay sealed.

    Args:
        metrics: task → the headline metric, of a study.
        kind: of mel, as `sentir.audio.store.listen` takes it.
        hear: whether clips are listened to.

    Raises:
        SentirError: if the store of sounds cannot be written.
    """
    hear = hear and any(u.clip for u in corpus)
    if hear:
        corpus = replace(corpus, utterances=tuple(listen(corpus.utterances, kind=kind)))
    return CorpusCard(
        name=corpus.name,
        synthetic=corpus.synthetic,
        fingerprint=corpus.fingerprint,
        splits={split: _counts(corpus, split) for split in ("train", "dev", "test")},
        labels={
            task: {split: _label_counts(corpus, split, task) for split in ("train", "dev")}
            for task in corpus.spaces
        },
        issues=dict(Counter(issue.kind for issue in corpus.issues)),
        metrics=metrics or {},
        sound=prepare(corpus, kind=kind).splits if hear else (),
        durations=_durations(corpus),
    )


def _durations(corpus: Corpus) -> Histogram | None:
    """Return how long utterances are: as decoded, else as annotated."""
    hearing = Hearing({u.id: u.sound for u in corpus if u.clip and u.sound}, {}, 0, 0)
    return next((found for found in histograms(corpus, hearing) if found.key == "durations"), None)


def _counts(corpus: Corpus, split: str) -> dict[str, int]:
    rows = corpus.split(split)
    return {
        "utterances": len(rows),
        "dialogues": len({u.dialogue for u in rows}),
        "speakers": len({u.speaker for u in rows} - {None}),
    }


def _label_counts(corpus: Corpus, split: str, task: str) -> dict[str, int]:
    space = corpus.space(task)
    found = Counter(name for u in corpus.split(split) for name in space.group(u.labels.get(task, ())))
    return {name: found[name] for name in space.groups}
