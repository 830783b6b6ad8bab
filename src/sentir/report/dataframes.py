"""Tables of results as pandas frames, for notebooks, with the words and the intervals of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentir.corpus.cleaning_report import Cleaned
from sentir.evaluation.analysis.confusions import Mistake
from sentir.evaluation.analysis.slices import Slice
from sentir.evaluation.part_names import kind_name, part_name
from sentir.evaluation.results import Comparison, ModelScores, is_share
from sentir.i18n import _
from sentir.recognizer.card import score_text
from sentir.report.task_sections import metric_names
from sentir.report.words import model_name, word

if TYPE_CHECKING:
    import pandas as pd


def score_frame(rows: Sequence[ModelScores], metric: str, *, most: int = 3) -> pd.DataFrame:
    """Return a row for each model, best first, and a column for each of the first ``most`` metrics.

    Args:
        rows: of one task and split.
        metric: the headline, which comes first.
        most: metrics that are shown.
    """
    import pandas as pd

    names = metric_names(rows, metric)[:most]
    cells = [
        {
            _("model"): model_name(row.model),
            **{word(name): score_text(row.metrics[name]) if name in row.metrics else "–" for name in names},
            _("seeds"): row.seeds,
        }
        for row in rows
    ]
    return pd.DataFrame(cells).set_index(_("model"))


def comparison_frame(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return a row for each comparison: the difference with its interval, in points where that is a share."""
    import pandas as pd

    rows = []
    for c in comparisons:
        factor = 100 if is_share(c.metric) else 1
        rows.append(
            {
                "a": model_name(c.a),
                "b": model_name(c.b),
                _("split"): word(c.split),
                "a − b": round(c.difference * factor, 2),
                _("95 % interval (Holm)"): c.bounds,
                _("p (Holm)"): round(c.p_holm, 4),
            }
        )
    return pd.DataFrame(rows)


def cleaning_frame(cleaned: Cleaned) -> pd.DataFrame:
    """Return a row for each step: texts that it changes, that it leaves without a word, and examples after it."""
    import pandas as pd

    effects = [("", "", ""), *((one.step, one.changed, one.emptied) for one in cleaned.effects)]
    frame = pd.DataFrame(effects, columns=[_("step"), _("changed"), _("left without a word")])
    for walk in cleaned.examples:
        frame[walk.id] = walk.texts
    return frame.set_index(_("step"))


def mistake_frame(mistakes: Sequence[Mistake]) -> pd.DataFrame:
    """Return a row for each error: who says what, the annotated labels, and the answer."""
    import pandas as pd

    rows = [
        (one.speaker, one.text, *(", ".join(map(word, names)) for names in (one.labels, one.said)))
        for one in mistakes
    ]
    return pd.DataFrame(rows, columns=[_("speaker"), _("text"), _("annotated"), _("model")])


def slice_frame(slices: Sequence[Slice]) -> pd.DataFrame:
    """Return a row for each part of a split: how many utterances, and the score."""
    import pandas as pd

    rows = [
        {
            _("slice"): f"{kind_name(one.part)}: {part_name(one.part)}",
            "n": one.n,
            word(one.metric): score_text(one.score),
        }
        for one in slices
    ]
    return pd.DataFrame(rows)
