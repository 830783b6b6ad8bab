"""The HTML page of a tuning: its figures and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sentir.documents import TableBlock
from sentir.evaluation.formatting import format_number
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.i18n import _, get_language, localize_numbers
from sentir.recipe.toml import format_setting
from sentir.report.formatting import format_duration
from sentir.report.html import render_page
from sentir.report.plot_style import COLORS, SMALL_FONT_SIZE, make_axes, make_curve_axes, name_bars
from sentir.report.tuning_result import TrialResult, TuningResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_TRIALS_SHOWN = 10  # in the table


def render_tuning_page(tuning: TuningResult) -> str:
    """Return a tuning as one self-contained HTML page."""

    def content() -> dict[str, Any]:
        return {
            "title": _("Tuning: {name}", name=tuning.titles.get(get_language(), tuning.name)),
            "tuning": tuning,
            "sentences": tuning_sentences(tuning),
            "failed": [trial for trial in tuning.trials if trial.failure_reason],
            "format_setting": format_setting,
            "trials": _trial_table(tuning, tuning.ranked_trials[:_MAX_TRIALS_SHOWN]),
            "plot_optimization_history": plot_optimization_history,
            "plot_param_importances": plot_param_importances,
        }

    return render_page("tuning.html", content)


def tuning_sentences(tuning: TuningResult) -> tuple[str, ...]:
    """Return sentences on the trials, the best score, and its selection bias."""
    counts = tuning.state_counts
    values: dict[str, Any] = {
        "n": len(tuning.trials),
        "complete": counts.get("complete", 0),
        "pruned": counts.get("pruned", 0),
        "failed": counts.get("failed", 0),
        "best": tuning.best_trial.number,
        "metric": metric_display_name(tuning.metric),
        "score": localize_numbers(f"{tuning.best_trial.score:.4f}"),
        "folds": tuning.folds,
        "dev": tuning.n_dev,
    }
    sentences = [
        _("{n} trials: {complete} complete, {pruned} pruned, {failed} failed.", **values),
        *(_fold_score_sentences(values) if tuning.folds else _dev_score_sentences(values)),
    ]
    if len(tuning.seeds) > 1:
        sentences.append(
            _("Each score is the mean over {n} seeds; the recipe has the first.", n=len(tuning.seeds))
        )
    if running := counts.get("running", 0):
        sentences.append(_("{n} trials were still running in other processes.", n=running))
    return tuple(sentences)


def _trial_table(tuning: TuningResult, trials: Sequence[TrialResult]) -> TableBlock:
    keys = tuple(tuning.search_recipe.tune.space)
    rows = []
    for one in trials:
        duplicate = [_("same settings as trial {n}", n=one.duplicate_of)] if one.duplicate_of else []
        name = " · ".join([str(one.number), *duplicate])
        settings = (format_setting(one.settings[key]) for key in keys)
        rows.append((name, format_number(one.score), *settings, format_duration(one.seconds or 0.0)))
    return TableBlock((_("trial"), metric_display_name(tuning.metric), *keys, _("time")), rows)


def _dev_score_sentences(values: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        _("The best is trial {best}: {metric} {score} on dev.", **values),
        _("It is the best of {n} trials on the same {dev} dev utterances, so its score is optimistic (selection "
          "bias), more so with more trials. Measure it on data that was not used in tuning.", **values),
    )  # fmt: skip


def _fold_score_sentences(values: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        _("The best is trial {best}: {metric} {score}, mean over {folds} folds of train.", **values),
        _(
            "It is the best of {n} trials on the same folds of train, so its score is optimistic. "
            "Dev was not used.",
            **values,
        ),
    )


def plot_optimization_history(tuning: TuningResult) -> Figure:
    """Draw the score of every trial, in order, and the best so far as a line."""
    from matplotlib.ticker import MaxNLocator

    name = metric_display_name(tuning.metric)
    y_label = _("{metric}, mean over folds", metric=name) if tuning.folds else _("{metric} on dev", metric=name)
    figure, axes = make_curve_axes(3.3, _("trial"), y_label)
    complete = [trial for trial in tuning.trials if trial.score is not None]
    pruned = [trial for trial in tuning.trials if trial.state == "pruned" and trial.intermediate_scores]
    numbers, scores = [t.number for t in complete], [t.score or 0.0 for t in complete]
    best = [
        max(scores[: n + 1], key=lambda score: get_metric(tuning.metric).sign * score) for n in range(len(scores))
    ]
    steps = ([*numbers, len(tuning.trials)], [*best, best[-1]])
    axes.step(*steps, where="post", color=COLORS[0], lw=1.4, label=_("best so far"))
    axes.plot(numbers, scores, "o", ms=4.5, color=COLORS[0], alpha=0.8, label=_("complete"))
    if pruned:
        last = [trial.intermediate_scores[-1][1] for trial in pruned]
        axes.plot([t.number for t in pruned], last, "x", ms=4.5, color=COLORS[1], label=_("pruned"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=SMALL_FONT_SIZE)
    return figure


def plot_param_importances(importances: Mapping[str, float]) -> Figure:
    """Draw the importance of each setting, the largest on top."""
    figure, axes = make_axes(height=0.5 + 0.34 * len(importances))
    shares = list(importances.values())
    axes.barh(range(len(shares)), shares, 0.6, color=COLORS[0])
    name_bars(axes, list(importances), [[f"{share:.0%}" for share in shares]])
    return figure
