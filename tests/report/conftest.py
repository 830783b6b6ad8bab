"""A small but complete report, and a fake Spanish catalog that marks every translated message."""

import gettext
from dataclasses import replace

import numpy as np
import pytest

from sentir import i18n
from sentir.audio.store_report import SplitAudioCounts
from sentir.evaluation.results import Comparison, LabelScore, ModelScores, Opening, Score
from sentir.report.html import render_report
from sentir.report.study_report import CorpusSummary, Example, ExamplePrediction, LearningCurve, StudyReport

NAMES = {"emotion": ("anger", "joy", "neutral"), "mood": ("calm", "my_label")}
METRIC = {"emotion": "weighted_f1", "mood": "macro_f1"}
VALUES = {"gru": 0.6123, "plain": 0.5871, "majority": 0.3139}
ROLES = {"gru": "candidate", "plain": "candidate", "majority": "baseline"}


def scores(corpus, task, model, split, role):
    value = VALUES[model] + (0.02 if split == "dev" else 0)
    is_multilabel = task == "mood"
    names = NAMES[task]
    return ModelScores(
        model=model,
        role=role,
        corpus=corpus,
        task=task,
        split=split,
        n=2610,
        num_seeds=1 if role == "baseline" else 3,
        metrics={
            METRIC[task]: Score(value, value - 0.021, value + 0.022, None if role == "baseline" else 0.0041),
            "accuracy": Score(0.5),
        },
        per_label=tuple(LabelScore(name, 68 + k, {"f1": 0.111 * (k + 1)}) for k, name in enumerate(names)),
        confusion_matrix=None
        if is_multilabel
        else tuple(tuple(10.0 * i + j for j in range(3)) for i in range(3)),
        thresholds={"calm": 0.417, "my_label": 0.283} if is_multilabel else None,
        ids_hash="c0ffee",
    )


CORPORA = {"meld": ("emotion", "mood"), "demo": ("emotion",)}


AUDIO = (
    SplitAudioCounts("train", 9989, 9988, 9681, 30_120.0, {"too_short": 306, "missing": 2}),
    SplitAudioCounts("dev", 1109, 1109, 1109, 75.0, {}),
)


def build_example(number=0, corpus="meld", labels=None, predictions=None):
    """Two seconds of a tone, annotated with joy; two families predict joy and anger, in two tasks."""
    waveform = np.sin(np.arange(32_000) * 0.3).astype(np.float32) / 2
    mel = np.tile(np.arange(-64, 0, dtype=np.float16), (201, 1))
    predictions = predictions or (
        ExamplePrediction("emotion", "gru", "text_audio", {"joy": 0.871}),
        ExamplePrediction("emotion", "plain", "text", {"anger": 0.432}),
        ExamplePrediction("mood", "gru", "text_audio", {"calm": 0.711, "my_label": 0.613}),
        ExamplePrediction("mood", "plain", "text", {}),
    )
    labels = {"emotion": ("joy",), "mood": ("calm",)} if labels is None else labels
    return Example(corpus, f"utterance-{number}", "Zoe", "Oh <well>!", labels, mel, waveform, predictions)


def build_report(tasks_of=CORPORA, **changes):
    rows, comparisons, curves = [], [], []
    for corpus, tasks in tasks_of.items():
        for task in tasks:
            rows += [scores(corpus, task, model, "dev", ROLES[model]) for model in ("plain", "majority", "gru")]
            rows += [
                scores(corpus, task, "majority", "test", "baseline"),
                scores(corpus, task, "gru", "test", "selected"),
            ]
            comparisons.append(
                Comparison(
                    "gru",
                    "majority",
                    corpus,
                    task,
                    "test",
                    METRIC[task],
                    0.2984,
                    0.277,
                    0.319,
                    0.0005,
                    0.001,
                    2610,
                    280,
                )
            )
            for model in ("gru", "plain"):
                points = tuple({"epoch": e, "loss": 1 / e, "score": 0.1 * e} for e in (1.0, 2.0, 3.0))
                curves += [LearningCurve(corpus, task, model, seed, points, 2.0) for seed in (0, 1, 2)]
    cards = tuple(
        CorpusSummary(
            name=corpus,
            synthetic=corpus == "demo",
            fingerprint=f"print-{corpus}",
            splits={split: {"utterances": 9989, "dialogues": 1038} for split in ("train", "dev", "test")},
            labels={task: {s: {n: 1205 for n in NAMES[task]} for s in ("train", "dev")} for task in tasks},
            issues={"text_repaired": 2740},
            metrics={task: METRIC[task] for task in tasks},
            audio=AUDIO if corpus == "meld" else (),
        )
        for corpus, tasks in tasks_of.items()
    )
    values = {
        "title": "A study",
        "created": "2026-02-03T12:05:00+00:00",
        "corpora": cards,
        "scores": tuple(rows),
        "comparisons": tuple(comparisons),
        "learning_curves": tuple(curves),
        "openings": (
            Opening(1, "2026-02-01T10:00:00+00:00", "meld", "feedbeef", "first look", ("gru",)),
            Opening(2, "2026-02-02T10:00:00+00:00", "meld", "feedbeef", "second look", ("gru", "majority")),
        ),
        "selected": {(corpus, task): "gru" for corpus, tasks in tasks_of.items() for task in tasks},
        "versions": {"torch": "2.8.0"},
        "recipes": {"meld": {"name": "meld-text", "train": {"lr": 1e-5, "seed": None}}},
        "seconds": 252.0,
        "best_per_family": {
            (corpus, task): ("gru", "plain") for corpus, tasks in tasks_of.items() for task in tasks
        },
        "examples": tuple(build_example(n) for n in range(2)) if "mood" in tasks_of.get("meld", ()) else (),
    }
    return StudyReport(**values | changes)


class Marked(gettext.NullTranslations):
    """Marks every message instead of translating it, so that untranslated sentences are visible."""

    def gettext(self, message):
        return f"¡{message}!"


def render_marked(report, language="en"):
    catalogs = {"en": gettext.NullTranslations(), "es": Marked()}
    with pytest.MonkeyPatch.context() as patch, i18n.use_language(language):
        patch.setattr(i18n, "_catalog", catalogs.__getitem__)
        return render_report(report)


@pytest.fixture(scope="session")
def make_report():
    """Build the report, with some of its fields changed."""
    return build_report


@pytest.fixture(scope="session")
def make_example():
    """Build an example with its audio."""
    return build_example


@pytest.fixture(scope="session")
def make_plain_report():
    """Build a report of one task without figures, which renders fast."""

    def build(**changes):
        report = build_report({"meld": ("emotion",)}, learning_curves=())
        rows = tuple(replace(row, confusion_matrix=None) for row in report.scores)
        card = replace(report.corpora[0], labels={})
        return replace(report, **({"scores": rows, "corpora": (card,)} | changes))

    return build


@pytest.fixture(scope="session")
def render_page():
    """Render a report with the fake Spanish catalog."""
    return render_marked


@pytest.fixture(scope="session")
def page():
    """The complete report, rendered once."""
    return render_marked(build_report())
