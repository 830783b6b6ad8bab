from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sentir.evaluation.results import Opening, Score
from sentir.report.sentences import task_summary_sentences
from sentir.report.task_sections import best_models, latest_openings, ordered_metrics, task_sections

values = st.lists(st.one_of(st.none(), st.just(float("nan")), st.floats(0, 1)), min_size=1, max_size=6)


@given(values)
def test_the_best_models_are_those_with_the_highest_printed_score_but_never_all(make_report, values):
    row = make_report().scores[0]
    rows = [
        replace(row, model=str(n), metrics={} if value is None else {"f1": Score(value)})
        for n, value in enumerate(values)
    ]
    printed = {str(n): f"{value:.3f}" for n, value in enumerate(values) if value is not None and value == value}
    best = {model for model, text in printed.items() if text == max(printed.values())}
    assert best_models(rows, "f1") == (best if len(best) < len(values) else set())


def test_test_rows_start_with_the_selected_model_and_end_with_the_worst_baseline(make_report):
    report = make_report()
    low = [replace(r, model="low", role="baseline", metrics={"weighted_f1": Score(0.1)}) for r in report.scores]
    mixed = (*low, *report.scores)
    for section in task_sections(replace(report, scores=tuple(row for row in mixed if row.split == "test"))):
        roles = [row.role for row in section.test_rows]
        assert roles[0] == "selected" and set(roles[1:]) == {"baseline"}
        assert section.test_rows[-1].model == "low" and section.reference_row.model == "majority"


def test_every_row_is_in_exactly_one_section(make_report):
    report = make_report()
    shown = [row for section in task_sections(report) for row in (*section.test_rows, *section.dev_rows)]
    assert len(shown) == len(report.scores) and all(row in shown for row in report.scores)


def test_the_headline_metric_comes_first_and_none_is_lost(make_report):
    row = make_report().scores[0]
    more = replace(row, metrics={"auc": Score(0.5), "weighted_f1": Score(0.6)})
    assert ordered_metrics([more, row], "weighted_f1") == ["weighted_f1", "auc", "accuracy"]


def test_openings_are_counted_per_test_split_whatever_their_order():
    openings = [Opening(n, "", "meld", key, "") for n, key in ((3, "a"), (1, "b"), (2, "a"))]
    assert [(o.test_fingerprint, o.number) for o in latest_openings(openings)] == [("b", 1), ("a", 3)]


def test_a_selected_baseline_is_the_headline_and_is_compared_with_the_best_candidate(make_report):
    report = make_report()
    roles = {"majority": "selected", "gru": "candidate"}
    rows = [replace(r, role=roles[r.model]) if r.split == "test" else r for r in report.scores]
    baseline_selected = replace(report, scores=tuple(rows), selected=dict.fromkeys(report.selected, "majority"))
    for section in task_sections(baseline_selected):
        assert (
            section.is_baseline_selected
            and section.selected_test_row.model == "majority"
            and section.reference_row.model == "gru"
        )
        summary = " ".join(task_summary_sentences(section))
        assert "“majority class”, selected on dev, reaches" in summary
        assert "A simple baseline wins: no trained candidate does better than “majority class” on dev." in summary
        assert (
            "The best trained candidate, “gru”, reaches 0.612" in summary
            and section.reference_comparison.sentence() in summary
        )
    for section in task_sections(report):
        assert not section.is_baseline_selected and "simple baseline" not in " ".join(
            task_summary_sentences(section)
        )


def test_labels_that_do_not_occur_are_noted_next_to_macro_f1(make_report):
    row = next(row for row in make_report().scores if row.task == "mood" and row.model == "gru")
    absent = replace(row, per_label=(*row.per_label, replace(row.per_label[0], label="odd", support=0)))
    assert absent.localized_notes == (f"Macro F1 over 2 of 3 labels; absent from {row.split}: odd.",)
    assert row.localized_notes == ()
    assert "macro_f1" in row.metrics and replace(absent, metrics={"accuracy": Score(0.5)}).localized_notes == ()
