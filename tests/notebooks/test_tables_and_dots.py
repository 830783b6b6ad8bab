"""What a notebook shows: what cleaning costs, frames, dots with intervals, conclusions."""

import pytest
from tiny_corpora import tiny_recipe

from sentir.corpus.cleaning import THESIS_CLEANING
from sentir.corpus.cleaning_report import trace_cleaning
from sentir.errors import UnknownNameError
from sentir.evaluation.analysis.confusions import HardExample
from sentir.evaluation.analysis.slices import SliceDefinition, SliceScore
from sentir.evaluation.results import Comparison, ModelScores, Score
from sentir.figures import plot_differences, plot_scores
from sentir.report.conclusions import summarize_study
from sentir.report.dataframes import (
    cleaning_to_frame,
    comparisons_to_frame,
    errors_to_frame,
    scores_to_frame,
    slices_to_frame,
)
from sentir.report.study_report import CorpusSummary, StudyReport
from sentir.study.cleaning_ablation import ablate_cleaning


@pytest.fixture(scope="module")
def costs(corpus):
    return ablate_cleaning(tiny_recipe("none"), corpus, ["thesis"])


def test_the_raw_text_stands_against_each_longer_chain_on_dev(costs, corpus):
    assert [row.model for row in costs.scores] == ["raw text", *(f"+ {step}" for step in THESIS_CLEANING)]
    assert {(row.split, row.n) for row in costs.scores} == {("dev", len(corpus.dev))}
    assert [(c.a, c.b) for c in costs.comparisons] == [(f"+ {step}", "raw text") for step in THESIS_CLEANING]
    value = {row.model: row.metrics[costs.metric].value for row in costs.scores}
    for c in costs.comparisons:
        assert c.difference == pytest.approx(value[c.a] - value[c.b])
    assert all(c.p_holm >= c.p for c in costs.comparisons)


def test_a_step_that_changes_nothing_costs_nothing(costs):
    assert costs.comparisons[0].a == "+ lowercase"  # the bag of words does that itself
    assert (costs.comparisons[0].difference, costs.comparisons[0].p) == (0, 1)


def test_an_unknown_step_is_named(corpus):
    with pytest.raises(UnknownNameError, match="lowercas"):
        ablate_cleaning(tiny_recipe("none"), corpus, ["lowercas"])


def test_frames_hold_what_a_report_holds(costs, corpus):
    frame = scores_to_frame(costs.scores, costs.metric, max_metrics=2)
    assert list(frame.index) == [row.model for row in costs.scores] and frame.columns[0] == "weighted F1"
    assert frame.iloc[0, 0].startswith("0.") and "[" not in frame.iloc[0, 0]  # three dialogues give no interval
    compared = comparisons_to_frame(costs.comparisons)
    assert len(compared) == len(costs.comparisons) and set(compared["split"]) == {"dev"}
    cleaned = trace_cleaning(corpus, ["thesis"], examples=1)
    steps = cleaning_to_frame(cleaned)
    assert list(steps.index) == ["", *THESIS_CLEANING] and steps.iloc[1, 0] == cleaned.effects[0].changed
    assert steps[cleaned.examples[0].id].iloc[0] == corpus.by_id[cleaned.examples[0].id].text


def test_errors_and_slices_become_rows():
    mistake = HardExample("a", "Ana", "Well.", ("joy", "fear"), (), {}, 0.9, ())
    assert errors_to_frame([mistake]).iloc[0].tolist() == ["Ana", "Well.", "joy, fear", ""]
    rows = slices_to_frame([SliceScore(SliceDefinition("speaker", "seen"), 31, "macro_f1", Score(0.5, 0.4, 0.6))])
    assert rows["n"].tolist() == [31] and "0.500" in rows.iloc[0, 2]


def test_dots_stand_in_order_with_their_intervals(costs):
    axes = plot_scores(costs.scores, costs.metric).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [row.model for row in costs.scores]
    differences = plot_differences(costs.comparisons).axes[0]
    assert [label.get_text() for label in differences.get_yticklabels()] == [c.a for c in costs.comparisons]
    dots = [line.get_xdata()[0] for line in differences.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([100 * c.difference for c in costs.comparisons])


def test_only_what_is_not_0_is_colored():
    sure = Comparison("a", "b", "tiny", "emotion", "dev", "macro_f1", 0.1, 0.05, 0.15, 0.01, 0.01, 9, 9)
    doubtful = Comparison("c", "d", "tiny", "emotion", "dev", "macro_f1", 0.1, -0.05, 0.15, 0.5, 0.5, 9, 9)
    axes = plot_differences([sure, doubtful]).axes[0]
    dots = [line.get_color() for line in axes.lines if line.get_marker() == "o"]
    assert len(set(dots)) == 2
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a − b", "c − d"]


def study(split, winners=("direction", "hears")):
    """A report of a study whose best text and best sound stand against one another on one split."""
    rows = [
        ModelScores(
            model, role, "tiny", "emotion", split, 40, 1, {"macro_f1": Score(value, 0.1, 0.9)}, family=family
        )
        for model, role, value, family in (
            ("direction", "selected" if split == "test" else "candidate", 0.7, "text"),
            ("hears", "candidate", 0.5, "audio"),
            ("guesses", "baseline", 0.2, ""),
        )
    ]
    pairs = (("direction", "hears"), ("direction", "guesses"))
    compared = [
        Comparison(a, b, "tiny", "emotion", split, "macro_f1", 0.2, 0.1, 0.3, 0.01, 0.02, 40, 40)
        for a, b in pairs
    ]
    card = CorpusSummary("tiny", False, "print", {}, {"emotion": {}}, {}, {"emotion": "macro_f1"})
    return StudyReport(
        title="A study",
        created="2026-02-03T12:05:00+00:00",
        corpora=(card,),
        scores=tuple(rows),
        comparisons=tuple(compared),
        learning_curves=(),
        openings=(),
        selected={("tiny", "emotion"): "direction"},
        versions={},
        recipes={},
        seconds=1.0,
        best_per_family={("tiny", "emotion"): winners},
    )


def test_conclusions_are_a_summary_and_the_best_of_each_family_on_the_opened_split():
    opened = summarize_study(study("test"))
    assert opened[0].startswith(
        "On the test split of tiny (40 utterances), “reads”, selected on dev, reaches macro F1 0.7"
    )
    assert [x for x in opened if "hears" in x] == [
        "“reads” is better than “hears” by 20.0 points (95 % interval 10.0 to 30.0, p = 0.020)."
    ]
    closed = summarize_study(study("dev"))
    assert "was not evaluated" in closed[0] and any("better than “hears”" in x for x in closed)
    assert not any("guesses" in x for x in closed)


def test_where_all_are_of_one_family_the_chosen_one_stands_against_the_others_and_nothing_is_said_twice():
    found = summarize_study(study("test", winners=("direction",)))
    assert len([x for x in found if "“reads” is better than “hears”" in x]) == 1
    assert len([x for x in found if "“reads” is better than “guesses”" in x]) == 1
    assert len(set(found)) == len(found)
