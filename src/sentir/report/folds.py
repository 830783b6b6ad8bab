"""Tables and sentences of a cross-validation: scores by fold, their mean and deviation, and what was selected."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.display_names import SELECTED_IN_EACH_FOLD, model_display_name, quoted_model_name
from sentir.documents import TableBlock
from sentir.evaluation.formatting import format_number, format_score
from sentir.evaluation.results import ModelScores
from sentir.i18n import _

_ALWAYS_SHOWN = ("unweighted_average_recall", "accuracy")  # by which speech emotion is reported


def fold_metrics(rows: Sequence[ModelScores], headline: str) -> list[str]:
    """Return the metrics that are shown fold by fold: the headline, and unweighted and weighted accuracy."""
    known = {name for row in rows for fold in row.folds for name in fold.metrics}
    return [name for name in dict.fromkeys((headline, *_ALWAYS_SHOWN)) if name in known]


def fold_table(rows: Sequence[ModelScores], metric: str) -> TableBlock:
    """Return a row for each model, and a column for each fold, and the mean and deviation over folds."""
    folded = [row for row in rows if row.folds]
    cells = tuple(
        (model_display_name(row.model), *(format_number(fold.metrics.get(metric)) for fold in row.folds),
         format_score(mean, with_sd=True) if (mean := row.score_over_folds(metric)) else "–")
        for row in folded
    )  # fmt: skip
    return TableBlock((_("fold"), *(fold.fold for fold in folded[0].folds), _("mean ± deviation")), cells)


def fold_sentences(rows: Sequence[ModelScores]) -> tuple[str, ...]:
    """Return how the scores of folds came about, and which model each fold selected; none without folds."""
    first = next((row for row in rows if row.folds), None)
    if first is None:
        return ()
    n = len(first.folds)
    if first.split == "test":
        basis = _("Cross-validation over {n} folds: a model that was trained, selected and calibrated without a "
                  "fold is scored on it.", n=n)  # fmt: skip
    else:
        basis = _(
            "Cross-validation over {n} folds: a model is scored on its dev, the fold after its test fold.", n=n
        )
    pooled = _("The other tables pool the predictions of all folds; the deviation is between folds.")
    return f"{basis} {pooled}", *(_choice_sentence(row) for row in rows if row.model == SELECTED_IN_EACH_FOLD)


def _choice_sentence(row: ModelScores) -> str:
    folds_of: dict[str, list[str]] = {}
    for fold in row.folds:
        folds_of.setdefault(fold.model, []).append(fold.fold)
    choices = "; ".join(f"{quoted_model_name(name)}: {', '.join(folds)}" for name, folds in folds_of.items())
    return _("Selected on dev, by fold: {choices}.", choices=choices)
