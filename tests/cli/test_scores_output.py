"""Scores in a terminal: a row for each model, readable at 80 columns, nothing left out."""

from dataclasses import replace

import pytest

from sentir.cli import output, scores_output
from sentir.evaluation.metrics import METRICS_BY_KIND
from sentir.evaluation.results import Comparison, ModelScores, Opening, Score
from sentir.i18n import LANGUAGES, format_decimal, use_language
from sentir.report.study_report import CorpusSummary, StudyReport

MODELS = {
    "text and audio": "text_audio",
    "audio and the text model's sentiment": "audio_stacked",
    "audio: mel and functionals": "audio",
    "text: minilm + dialogue": "text",
    "majority": "",
    "bag of words": "",
    "acoustic": "",
}
MOMENT = "2026-01-31T00:00:00+00:00"
METRICS = {kind: (*own.count_metrics, *own.ranking_metrics) for kind, own in METRICS_BY_KIND.items()}


def scores(kind="multi", sd=0.05, notes=("synthetic corpus",)):
    """Seven models; the values of a model's metrics are .000, .001 and so on, the next model's begin at .100."""
    return [
        ModelScores(
            model=model,
            role="selected" if n == 0 else "candidate" if family else "baseline",
            corpus="demo",
            task="emotion",
            split="test",
            n=13_708,
            num_seeds=3,
            metrics={
                name: Score(n / 10 + k / 1000, 0.4, 0.6, sd if family else None)
                for k, name in enumerate(METRICS[kind])
            },
            notes=(*notes, *(("random audio backbone",) if "audio" in family else ())),
            family=family,
        )
        for n, (model, family) in enumerate(MODELS.items())
    ]


@pytest.fixture
def printed(capsys, monkeypatch):
    def call(function, *arguments, columns=80, **keywords):
        monkeypatch.setattr(output.console, "_width", columns)
        function(*arguments, **keywords)
        return capsys.readouterr().out

    return call


@pytest.fixture
def report():
    """A study that was evaluated on test, with a comparison on dev too."""
    rows = scores()
    numbers = {
        "difference": 0.1,
        "low": 0.05,
        "high": 0.15,
        "p": 0.001,
        "p_holm": 0.002,
        "n": 9,
        "num_clusters": 5,
    }
    where = {"a": rows[0].model, "corpus": "demo", "task": "emotion", "metric": "macro_f1"}
    compared = [Comparison(b=row.model, split="test", **where, **numbers) for row in rows[1:]]
    return StudyReport(
        title="demo",
        created=MOMENT,
        corpora=(CorpusSummary("demo", True, "f", {}, {}, {}, {"emotion": "macro_f1"}),),
        scores=tuple(rows),
        comparisons=(*compared, Comparison(b="a mere candidate", split="dev", **where, **numbers)),
        learning_curves=(),
        openings=(Opening(2, MOMENT, "demo", "f", "why", ()),),
        selected={("demo", "emotion"): rows[0].model},
        versions={},
        best_per_family={("demo", "emotion"): tuple(MODELS)[:4]},
    )


@pytest.mark.parametrize("columns", [72, 80, 100, 200])
@pytest.mark.parametrize("kind", METRICS)
@pytest.mark.parametrize("code", LANGUAGES)
def test_every_value_of_every_model_is_printed_and_no_line_is_too_long(kind, code, columns, printed):
    rows = scores(kind)
    with use_language(code):
        lines = printed(scores_output.print_scores, rows, columns=columns).splitlines()
        values = [format_decimal(score.value, 3) for row in rows for score in row.metrics.values()]
    assert max(map(len, lines)) <= columns
    assert len(set(values)) == len(values)
    words = " ".join(lines).split()
    assert [value for value in values if words.count(value) != 1] == []
    assert not any("…" in line for line in lines)


def test_the_metric_that_selects_comes_first_with_its_interval_and_its_spread_over_seeds(printed):
    rows = [
        replace(row, metrics={"accuracy": row.metrics["accuracy"], **row.metrics}) for row in scores("single")
    ]
    lines = printed(scores_output.print_scores, rows).splitlines()
    heading = next(line for line in lines if line.startswith("model"))
    assert heading.split()[1] == "accuracy"
    assert "0.002 ± 0.050 [0.400, 0.600]" in lines[4] and sum("[" in line for line in lines) == len(rows)
    assert any(line.startswith("majority") and "0.402 [0.400, 0.600]" in line for line in lines)


def test_notes_on_some_models_name_them(printed):
    title, *others = printed(scores_output.print_scores, scores("single"), columns=200).splitlines()
    assert title == "demo · emotion · test · n = 13\u202f708 · synthetic corpus"
    (note,) = [line for line in others if line.startswith("random audio backbone: ")]
    assert "text and audio, audio and" in note and "minilm" not in note


def test_a_study_prints_families_the_selected_model_and_the_comparisons_on_test(printed, report, tmp_path):
    out = printed(scores_output.print_study, report, tmp_path, columns=200)
    lines = [line.strip() for line in out.splitlines()]
    first = next(n for n, line in enumerate(lines) if line.startswith("text and audio  "))
    assert lines[first + 1] == "text and audio · selected model"
    assert [lines.count(family) for family in ("audio + another model", "audio", "text")] == [1, 1, 1]
    assert sum(line.startswith("- “text and audio” is better than") for line in lines) == 6
    titles = [n for n, line in enumerate(lines) if line.startswith(("Selected model", "Best model"))]
    assert [lines[n] for n in titles] == [
        "Selected model vs. baselines",
        "Best model of each family",
    ]
    assert "a mere candidate" not in out
    assert "demo: evaluations on test so far, by the ledger: 2" in out and str(tmp_path / "report.html") in out


def test_a_study_of_one_family_does_not_name_it(printed, report, tmp_path):
    rows = tuple(replace(row, family="text" if row.family else "") for row in report.scores)
    out = printed(scores_output.print_study, replace(report, scores=rows), tmp_path)
    lines = [line.strip() for line in out.splitlines()]
    assert "selected model" in lines and "text" not in lines
