"""Tables of results as pandas data frames, with display names and intervals, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentir.corpus.cleaning_report import CleaningReport
from sentir.display_names import display_name, model_display_name
from sentir.evaluation.analysis.confusions import HardExample
from sentir.evaluation.analysis.slices import SliceScore
from sentir.evaluation.formatting import format_score
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.results import Comparison, ModelScores
from sentir.i18n import _
from sentir.report.tables import score_table

if TYPE_CHECKING:
    import pandas as pd


def scores_to_frame(rows: Sequence[ModelScores], metric: str, *, max_metrics: int = 3) -> pd.DataFrame:
    """Return a row for each model, best first, and a column for each of the first ``max_metrics`` metrics.

    Args:
        rows: of one task and split.
        metric: the headline metric, which comes first.
        max_metrics: maximum number of metrics.
    """
    import pandas as pd

    table = score_table(rows, metric, max_metrics)
    return pd.DataFrame(list(table.rows), columns=list(table.headings)).set_index(table.headings[0])


def comparisons_to_frame(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return a row for each comparison: the difference with its interval, in points where that is a share."""
    import pandas as pd

    rows = []
    for c in comparisons:
        factor = 100 if get_metric(c.metric).is_proportion else 1
        rows.append(
            {
                "a": model_display_name(c.a),
                "b": model_display_name(c.b),
                _("split"): display_name(c.split),
                "a − b": round(c.difference * factor, 2),
                _("95% interval (Holm)"): c.interval_text,
                _("p (Holm)"): round(c.p_holm, 4),
            }
        )
    return pd.DataFrame(rows)


def cleaning_to_frame(report: CleaningReport) -> pd.DataFrame:
    """Return a row for each step: how many texts it changes or empties, and the examples after it."""
    import pandas as pd

    effects = [("", "", ""), *((one.step, one.changed, one.emptied) for one in report.effects)]
    frame = pd.DataFrame(effects, columns=[_("step"), _("changed"), _("left without a word")])
    for trace in report.examples:
        frame[trace.id] = trace.texts
    return frame.set_index(_("step"))


def errors_to_frame(errors: Sequence[HardExample]) -> pd.DataFrame:
    """Return a row for each error: speaker, text, annotated labels and prediction."""
    import pandas as pd

    rows = [
        (one.speaker, one.text, *(", ".join(map(display_name, names)) for names in (one.labels, one.predicted)))
        for one in errors
    ]
    return pd.DataFrame(rows, columns=[_("speaker"), _("text"), _("annotated"), _("model")])


def slices_to_frame(slices: Sequence[SliceScore]) -> pd.DataFrame:
    """Return a row for each slice of a split: number of utterances and score."""
    import pandas as pd

    rows = [
        {
            _("slice"): f"{one.definition.display_kind}: {one.definition.display_name}",
            "n": one.n,
            metric_display_name(one.metric): format_score(one.score),
        }
        for one in slices
    ]
    return pd.DataFrame(rows)
