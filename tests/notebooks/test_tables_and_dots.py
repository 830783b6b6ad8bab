"""What a notebook shows: what cleaning costs, frames, dots with intervals, conclusions."""

import pytest
from tiny_corpora import tiny_recipe

from sentir.corpus.cleaning import THESIS_CLEANING
from sentir.corpus.cleaning_report import clean_stepwise
from sentir.errors import UnknownNameError
from sentir.evaluation.analysis.confusions import Mistake
from sentir.evaluation.analysis.slices import Part, Slice
from sentir.evaluation.results import Comparison, ModelScores, Score
from sentir.figures import differences_figure, scores_figure
from sentir.report.conclusions import conclusions
from sentir.report.dataframes import cleaning_frame, comparison_frame, mistake_frame, score_frame, slice_frame
from sentir.report.study_report import CorpusCard, StudyReport
from sentir.study.cleaning_ablation import weigh_cleaning


@pytest.fixture(scope="module")
def costs(corpus):
    return weigh_cleaning(tiny_recipe("none"), corpus, ["thesis"])


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
        weigh_cleaning(tiny_recipe("none"), corpus, ["lowercas"])


def test_frames_hold_what_a_report_holds(costs, corpus):
    frame = score_frame(costs.scores, costs.metric, most=2)
    assert list(frame.index) == [row.model for row in costs.scores] and frame.columns[0] == "weighted F1"
    assert frame.iloc[0, 0].startswith("0.") and "[" not in frame.iloc[0, 0]  # three dialogues give no interval
    compared = comparison_frame(costs.comparisons)
    assert len(compared) == len(costs.comparisons) and set(compared["split"]) == {"dev"}
    cleaned = clean_stepwise(corpus, ["thesis"], examples=1)
    steps = cleaning_frame(cleaned)
    assert list(steps.index) == ["", *THESIS_CLEANING] and steps.iloc[1, 0] == cleaned.effects[0].changed
    assert steps[cleaned.examples[0].id].iloc[0] == corpus.by_id[cleaned.examples[0].id].text


def test_errors_and_slices_become_rows():
    mistake = Mistake("a", "Ana", "Well.", ("joy", "fear"), (), {}, 0.9, ())
    assert mistake_frame([mistake]).iloc[0].tolist() == ["Ana", "Well.", "joy, fear", ""]
    rows = slice_frame([Slice(Part("speaker", "seen"), 31, "macro_f1", Score(0.5, 0.4, 0.6))])
    assert rows["n"].tolist() == [31] and "0.500" in rows.iloc[0, 2]


def test_dots_stand_in_order_with_their_intervals(costs):
    axes = scores_figure(costs.scores, costs.metric).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [row.model for row in costs.scores]
    differences = differences_figure(costs.comparisons).axes[0]
    assert [label.get_text() for label in differences.get_yticklabels()] == [c.a for c in costs.comparisons]
    dots = [line.get_xdata()[0] for line in differences.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([100 * c.difference for c in costs.comparisons])


def test_only_what_is_not_0_is_colored():
    sure = Comparison("a", "b", "tiny", "emotion", "dev", "macro_f1", 0.1, 0.05, 0.15, 0.01, 0.01, 9, 9)
    doubtful = Comparison("c", "d", "tiny", "emotion", "dev", "macro_f1", 0.1, -0.05, 0.15, 0.5, 0.5, 9, 9)
    axes = differences_figure([sure, doubtful]).axes[0]
    dots = [line.get_color() for line in axes.lines if line.get_marker() == "o"]
    assert len(set(dots)) == 2
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a − b", "c − d"]


def study(split, winners=("reads", "hears")):
    """A report of a study whose best text and best sound stand against one another on one split."""
    rows = [
        ModelScores(
            model, role, "tiny", "emotion", split, 40, 1, {"macro_f1": Score(value, 0.1, 0.9)}, family=family
        )
        for model, role, value, family in (
            ("reads", "finalist" if split == "test" else "candidate", 0.7, "text"),
            ("hears", "candidate", 0.5, "sound"),
            ("guesses", "baseline", 0.2, ""),
        )
    ]
    pairs = (("reads", "hears"), ("reads", "guesses"))
    compared = [
        Comparison(a, b, "tiny", "emotion", split, "macro_f1", 0.2, 0.1, 0.3, 0.01, 0.02, 40, 40)
        for a, b in pairs
    ]
    card = CorpusCard("tiny", False, "print", {}, {"emotion": {}}, {}, {"emotion": "macro_f1"})
    return StudyReport(
        title="A study",
        created="2026-02-03T12:05:00+00:00",
        corpora=(card,),
        scores=tuple(rows),
        comparisons=tuple(compared),
        curves=(),
        openings=(),
        selected={("tiny", "emotion"): "reads"},
        versions={},
        recipes={},
        seconds=1.0,
        winners={("tiny", "emotion"): winners},
    )


def test_conclusions_are_a_summary_and_the_best_of_each_family_on_the_opened_split():
    opened = conclusions(study("test"))
    assert opened[0].startswith(
        "On the test split of tiny (40 utterances), “reads”, selected on dev, reaches macro F1 0.7"
    )
    assert [x for x in opened if "hears" in x] == [
        "“reads” is better than “hears” by 20.0 points (95 % interval 10.0 to 30.0, p = 0.020)."
    ]
    closed = conclusions(study("dev"))
    assert "was not evaluated" in closed[0] and any("better than “hears”" in x for x in closed)
    assert not any("guesses" in x for x in closed)


def test_where_all_are_of_one_family_the_chosen_one_stands_against_the_others_and_nothing_is_said_twice():
    found = conclusions(study("test", winners=("reads",)))
    assert len([x for x in found if "“reads” is better than “hears”" in x]) == 1
    assert len([x for x in found if "“reads” is better than “guesses”" in x]) == 1
    assert len(set(found)) == len(found)
