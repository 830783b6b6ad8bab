"""The page of a tuning: self-contained, in both languages, with the selection bias of its best score."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from sentir.i18n import use_language
from sentir.recipe import Recipe
from sentir.recipe.toml import format_setting
from sentir.report.svg import figure_to_svg
from sentir.report.tuning_page import (
    plot_optimization_history,
    plot_param_importances,
    render_tuning_page,
    tuning_sentences,
)
from sentir.report.tuning_result import TrialResult, TuningResult

SPACE = {"train.lr": {"low": 1e-4, "high": 1e-2}, "model.features": {"choices": [[], ["lexical"]]}}
RECIPE = Recipe.parse({"name": "<mine> & $5", "data": {"reader": "meld"}, "tune": {"space": SPACE}})


def settings(lr):
    return {"train.lr": lr, "model.features": ["lexical"]}


@pytest.fixture
def tuning():
    """Four trials: two complete, one pruned, one failed."""
    trials = (
        TrialResult(1, "complete", settings(0.001), 0.5, (0.5,), ((1, 0.4), (2, 0.5)), 61.0),
        TrialResult(2, "pruned", settings(0.01), None, (), ((1, 0.1),), 5.0),
        TrialResult(3, "failed", settings(0.1), seconds=1.0, failure_reason="<b>the wheel</b> came off"),
        TrialResult(4, "complete", settings(0.002), 0.625, (0.625,), ((1, 0.625),), 40.0),
    )
    return TuningResult(
        name=RECIPE.name, titles={}, created="2026-01-31T14:05:00+00:00", corpus="tiny", synthetic=True,
        metric="weighted_f1", folds=0, seeds=(0,), n_dev=15, trials=trials, num_interrupted=1,
        param_importances={"train.lr": 0.75, "model.features": 0.25}, best_trial=trials[3], best_recipe=RECIPE,
        search_recipe=RECIPE, versions={"optuna": "5"},
    )  # fmt: skip


def test_the_page_is_self_contained_in_two_languages(tuning):
    page = render_tuning_page(tuning)
    assert page.count("<main lang=") == 2 and page.count("<svg") == 4
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page) and "url(http" not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_user_text_is_escaped(tuning):
    page = render_tuning_page(tuning)
    assert "<mine>" not in page and "<b>the wheel" not in page
    assert "&lt;mine&gt;" in page and "&lt;b&gt;the wheel" in page


def test_states_are_counted_and_the_best_score_is_called_optimistic(tuning):
    counts, best, bias = tuning_sentences(tuning)
    assert counts == "4 trials: 2 complete, 1 pruned, 1 failed."
    assert best == "The best is trial 4: weighted F1 0.6250 on dev."
    assert "best of 4 trials on the same 15 dev utterances" in bias and "optimistic" in bias
    _counts, best, bias = tuning_sentences(replace(tuning, folds=3))
    assert "mean over 3 folds of train" in best and "Dev was not used" in bias
    assert "mean over 2 seeds" in tuning_sentences(replace(tuning, seeds=(1, 2)))[-1]


def test_the_table_has_the_complete_trials_best_first(tuning):
    page = render_tuning_page(tuning)
    rows = re.findall(r'<th scope="row">(\d+)</th><td class="num">(0[.,]\d+)', page)
    assert rows == [("4", "0.625"), ("1", "0.500"), ("4", "0,625"), ("1", "0,500")]


def test_lower_is_better_for_an_error_metric(tuning):
    error = replace(tuning, metric="mae")
    assert [trial.number for trial in error.ranked_trials] == [1, 4]
    assert list(plot_optimization_history(error).axes[0].get_lines()[0].get_ydata()) == [0.5, 0.5, 0.5]


def test_without_importances_the_page_says_why(tuning):
    with use_language("en"):
        page = render_tuning_page(replace(tuning, param_importances={}))
    assert page.count("<svg") == 2 and "Too few complete trials to estimate" in page


def test_figures_have_alternative_texts(tuning):
    for figure in (plot_optimization_history(tuning), plot_param_importances(tuning.param_importances)):
        root = ElementTree.fromstring(figure_to_svg(figure, id_prefix="x", title="what it shows"))
        assert root.get("aria-label") == "what it shows" and root.findtext("title") == "what it shows"


def test_the_history_has_a_marker_for_every_trial_with_a_score(tuning):
    (axes,) = plot_optimization_history(tuning).axes
    best, complete, pruned = axes.get_lines()
    assert list(best.get_ydata()) == [0.5, 0.625, 0.625]
    assert list(complete.get_xdata()) == [1, 4] and list(pruned.get_xdata()) == [2]


def test_settings_are_formatted_briefly():
    values = {"0.00123": 0.00123456, "128": 128, "sqrt": "sqrt", "a, b": ["a", "b"], "true": True}
    assert [format_setting(value) for value in values.values()] == list(values)


def test_a_frame_has_a_row_for_every_trial_and_a_column_for_every_setting(tuning):
    frame = tuning.to_frame()
    assert list(frame.index) == [1, 2, 3, 4] and {"train.lr", "model.features", "score"} <= set(frame.columns)
    assert list(frame["state"]) == ["complete", "pruned", "failed", "complete"]
