"""What notebooks show: ablation of cleaning, frames, charts with intervals, conclusions."""

import pytest
from tiny_corpora import tiny_recipe

from sentir.corpus.cleaning import THESIS_CLEANING
from sentir.corpus.cleaning_report import trace_cleaning
from sentir.errors import UnknownNameError
from sentir.evaluation.analysis.confusions import HardExample
from sentir.evaluation.analysis.slices import SliceDefinition, SliceScore
from sentir.evaluation.results import Comparison, ModelScores, Score
from sentir.figures import plot_differences, plot_scores
from sentir.report.dataframes import (
    cleaning_to_frame,
    comparisons_to_frame,
    errors_to_frame,
    scores_to_frame,
    slices_to_frame,
)
from sentir.report.sentences import summarize_study
from sentir.report.study_report import CorpusSummary, StudyReport
from sentir.study.cleaning_ablation import ablate_cleaning


@pytest.fixture(scope="module")
def ablation(corpus):
    return ablate_cleaning(tiny_recipe("none"), corpus, ["thesis"])


def test_each_chain_of_steps_is_compared_with_the_raw_text_on_dev(ablation, corpus):
    assert [row.model for row in ablation.scores] == ["raw text", *(f"+ {step}" for step in THESIS_CLEANING)]
    assert {(row.split, row.n) for row in ablation.scores} == {("dev", len(corpus.dev))}
    assert [(c.a, c.b) for c in ablation.comparisons] == [(f"+ {step}", "raw text") for step in THESIS_CLEANING]
    value = {row.model: row.metrics[ablation.metric].value for row in ablation.scores}
    for c in ablation.comparisons:
        assert c.difference == pytest.approx(value[c.a] - value[c.b])
    assert all(c.p_holm >= c.p for c in ablation.comparisons)


def test_a_step_that_changes_nothing_has_difference_0(ablation):
    assert ablation.comparisons[0].a == "+ lowercase"  # the bag of words does that itself
    assert (ablation.comparisons[0].difference, ablation.comparisons[0].p) == (0, 1)


def test_an_unknown_step_is_an_error(corpus):
    with pytest.raises(UnknownNameError, match="lowercas"):
        ablate_cleaning(tiny_recipe("none"), corpus, ["lowercas"])


def test_frames_contain_what_a_report_shows(ablation, corpus):
    frame = scores_to_frame(ablation.scores, ablation.metric, max_metrics=2)
    assert list(frame.index) == [row.model for row in ablation.scores] and frame.columns[0] == "weighted F1"
    assert frame.iloc[0, 0].startswith("0.") and "[" not in frame.iloc[0, 0]  # three dialogues give no interval
    comparisons = comparisons_to_frame(ablation.comparisons)
    assert len(comparisons) == len(ablation.comparisons) and set(comparisons["split"]) == {"dev"}
    cleaned = trace_cleaning(corpus, ["thesis"], examples=1)
    steps = cleaning_to_frame(cleaned)
    assert list(steps.index) == ["", *THESIS_CLEANING] and steps.iloc[1, 0] == cleaned.effects[0].changed
    assert steps[cleaned.examples[0].id].iloc[0] == corpus.by_id[cleaned.examples[0].id].text


def test_errors_and_slices_become_rows():
    error = HardExample("a", "Ana", "Well.", ("joy", "fear"), (), {}, 0.9, ())
    assert errors_to_frame([error]).iloc[0].tolist() == ["Ana", "Well.", "joy, fear", ""]
    rows = slices_to_frame([SliceScore(SliceDefinition("speaker", "seen"), 31, "macro_f1", Score(0.5, 0.4, 0.6))])
    assert rows["n"].tolist() == [31] and "0.500" in rows.iloc[0, 2]


def test_dots_are_in_order_with_their_intervals(ablation):
    axes = plot_scores(ablation.scores, ablation.metric).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [row.model for row in ablation.scores]
    differences = plot_differences(ablation.comparisons).axes[0]
    assert [label.get_text() for label in differences.get_yticklabels()] == [c.a for c in ablation.comparisons]
    dots = [line.get_xdata()[0] for line in differences.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([100 * c.difference for c in ablation.comparisons])


def test_only_significant_differences_are_colored():
    significant = Comparison("a", "b", "tiny", "emotion", "dev", "macro_f1", 0.1, 0.05, 0.15, 0.01, 0.01, 9, 9)
    not_significant = Comparison("c", "d", "tiny", "emotion", "dev", "macro_f1", 0.1, -0.05, 0.15, 0.5, 0.5, 9, 9)
    axes = plot_differences([significant, not_significant]).axes[0]
    dots = [line.get_color() for line in axes.lines if line.get_marker() == "o"]
    assert len(set(dots)) == 2
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a − b", "c − d"]


def study(split, best=("text model", "audio model")):
    """A report of a study that compares the best text model and the best audio model on one split."""
    rows = [
        ModelScores(
            model, role, "tiny", "emotion", split, 40, 1, {"macro_f1": Score(value, 0.1, 0.9)}, family=family
        )
        for model, role, value, family in (
            ("text model", "selected" if split == "test" else "candidate", 0.7, "text"),
            ("audio model", "candidate", 0.5, "audio"),
            ("baseline model", "baseline", 0.2, ""),
        )
    ]
    pairs = (("text model", "audio model"), ("text model", "baseline model"))
    comparisons = [
        Comparison(a, b, "tiny", "emotion", split, "macro_f1", 0.2, 0.1, 0.3, 0.01, 0.02, 40, 40)
        for a, b in pairs
    ]
    card = CorpusSummary("tiny", False, "print", {}, {"emotion": {}}, {}, {"emotion": "macro_f1"})
    return StudyReport(
        title="A study",
        created="2026-02-03T12:05:00+00:00",
        corpora=(card,),
        scores=tuple(rows),
        comparisons=tuple(comparisons),
        learning_curves=(),
        openings=(),
        selected={("tiny", "emotion"): "text model"},
        versions={},
        recipes={},
        seconds=1.0,
        best_per_family={("tiny", "emotion"): best},
    )


def test_conclusions_are_a_summary_and_the_best_of_each_family_on_the_evaluated_split():
    on_test = summarize_study(study("test"))
    assert on_test[0].startswith(
        "On the test split of tiny (40 utterances), “text model”, selected on dev, reaches macro F1 0.7"
    )
    assert [x for x in on_test if "audio model" in x] == [
        "“text model” is better than “audio model” by 20.0 points (95% interval 10.0 to 30.0, p = 0.020)."
    ]
    on_dev = summarize_study(study("dev"))
    assert "was not evaluated" in on_dev[0] and any("better than “audio model”" in x for x in on_dev)
    assert any("baseline model" in x for x in on_dev)


def test_within_one_family_the_selected_model_is_compared_without_repetition():
    sentences = summarize_study(study("test", best=("text model",)))
    assert len([x for x in sentences if "“text model” is better than “audio model”" in x]) == 1
    assert len([x for x in sentences if "“text model” is better than “baseline model”" in x]) == 1
    assert len(set(sentences)) == len(sentences)
