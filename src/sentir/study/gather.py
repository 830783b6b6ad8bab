"""From the results of a study to what its report shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sentir.audio.prepared import prepare
from sentir.corpus.types import Corpus
from sentir.evaluation.ledger import openings
from sentir.evaluation.results import Comparison, ModelScores, gain
from sentir.i18n import LANGUAGES
from sentir.recognizer import versions
from sentir.report.content import CorpusCard, Curve, StudyReport
from sentir.study.entrants import training_facts
from sentir.study.examples import examples
from sentir.study.results import CorpusStudy, TaskResult


def study_report(parts: Sequence[CorpusStudy], *, seconds: float) -> StudyReport:
    """Gather the report of one or more corpora."""
    recipes = [part.recipe for part in parts]
    titles = {code: " · ".join(r.title.get(code, r.name) for r in recipes) for code in LANGUAGES}
    return StudyReport(
        title=titles["en"],
        titles=titles,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        corpora=tuple(_card(part) for part in parts),
        scores=tuple(row for part in parts for row in _rows(part)),
        comparisons=tuple(c for part in parts for c in _comparisons(part)),
        curves=tuple(c for part in parts for result in part.tasks for c in _curves(part.corpus, result)),
        openings=tuple(o for part in parts for o in openings(part.corpus.test_fingerprint)),
        selected={(part.corpus.name, r.task): r.finalist.name for part in parts for r in part.tasks},
        versions=versions(),
        recipes={part.corpus.name: part.recipe.tree() for part in parts},
        seconds=seconds,
        winners={(p.corpus.name, r.task): tuple(e.name for e in r.winners) for p in parts for r in p.tasks},
        examples=tuple(example for part in parts for example in examples(part)),
    )


def _rows(part: CorpusStudy) -> list[ModelScores]:
    return [row for result in part.tasks for row in result.scores] + list(part.test_scores)


def _comparisons(part: CorpusStudy) -> list[Comparison]:
    return list(part.test_comparisons) + [c for result in part.tasks for c in result.comparisons]


def _card(part: CorpusStudy) -> CorpusCard:
    corpus = part.corpus
    heard = prepare(corpus, kind=part.recipe.model.audio.mel).splits if any(u.clip for u in corpus) else ()
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
        metrics={result.task: result.metric for result in part.tasks},
        sound=heard,
    )


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


def _curves(corpus: Corpus, result: TaskResult) -> list[Curve]:
    trained = [e for e in result.entrants if e.role == "candidate"]
    found = [
        (e.name, seed, training_facts(f)) for e in trained for seed, f in zip(e.seeds, e.folders, strict=True)
    ]
    return [
        Curve(corpus.name, result.task, name, seed, _points(facts["curve"], result.metric), facts["best_epoch"])
        for name, seed, facts in found
    ]


def _points(curve: Sequence[Mapping[str, float]], metric: str) -> tuple[Mapping[str, float], ...]:
    """Return the points of a training with its score as the metric has it, where lower may be better."""
    return tuple({**point, "score": gain(metric, point["score"])} for point in curve)
