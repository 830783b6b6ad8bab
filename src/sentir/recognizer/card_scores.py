"""The scores in a model card: metrics, labels, slices and what limits them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from sentir.display_names import display_name
from sentir.documents import DocumentSection, TableBlock
from sentir.evaluation.analysis.slices import SliceScore
from sentir.evaluation.enrollment_table import enrollment_remark, enrollment_table, enrollment_title
from sentir.evaluation.formatting import format_number, format_score
from sentir.evaluation.metrics import metric_display_name
from sentir.evaluation.results import LabelScore, ModelScores, Score
from sentir.i18n import _

MIN_SUPPORT = 50  # utterances of a label below which its scores are imprecise


def load_scores(facts: Mapping[str, Any]) -> list[ModelScores]:
    """Return the scores that were saved with a model, those on test first."""
    rows = TypeAdapter(list[ModelScores]).validate_python(facts.get("scores", []))
    return sorted(rows, key=lambda row: row.split != "test")


def score_sections(row: ModelScores, facts: Mapping[str, Any]) -> list[DocumentSection]:
    """Return the metrics of a split, the scores of its labels, and how often test had been evaluated on."""
    title = _("Scores on {split}", split=display_name(row.split))
    basis = f"; {row.interval_basis}" if row.interval_basis else ""
    text = _("{n} utterances; in brackets 95% intervals{over}.", n=row.n, over=basis)
    if row.num_seeds > 1:
        text += " " + _("Means over {n} trainings, of which this model is one.", n=row.num_seeds)
    if row.split == "test" and (n := facts.get("test_openings")):
        text += " " + _("Evaluations on this test split when the model was saved: {n}.", n=n)
    metrics = tuple((metric_display_name(name), format_score(score)) for name, score in row.metrics.items())
    sections = [DocumentSection(title, (text, TableBlock((_("metric"), _("score")), metrics)))]
    if (table := enrollment_table([row])) is not None:
        sections.append(DocumentSection(enrollment_title(row), (enrollment_remark([row]), table), 3))
    if any("f1" in label.metrics for label in row.per_label):
        headings = (
            _("label"),
            _("utterances"),
            *map(metric_display_name, ("precision", "recall", "f1")),
        )
        title = _("Per-class results on {split}", split=display_name(row.split))
        table = TableBlock(headings, tuple(map(_label_row, row.per_label)))
        sections.append(DocumentSection(title, (table,), 3))
    return sections


def _label_row(label_score: LabelScore) -> tuple[str, ...]:
    f1 = Score(label_score.metrics.get("f1", math.nan), *(label_score.interval or (None, None)))
    others = (format_number(label_score.metrics.get(name)) for name in ("precision", "recall"))
    return (display_name(label_score.label), str(label_score.support), *others, format_score(f1))


def slice_sections(row: ModelScores, facts: Mapping[str, Any]) -> list[DocumentSection]:
    """Return the scores on slices of a split, such as speakers who are not in train."""
    saved = [one for one in facts.get("slices", []) if one["split"] == row.split]
    slices = TypeAdapter(list[SliceScore]).validate_python(
        [{k: one[k] for k in one if k != "split"} for one in saved]
    )
    rows = tuple(
        (f"{one.definition.display_kind}: {one.definition.display_name}", str(one.n), format_score(one.score))
        for one in slices
    )
    title = _("Slices of {split}", split=display_name(row.split))
    return (
        [DocumentSection(title, (TableBlock((_("slice"), "n", metric_display_name(slices[0].metric)), rows),), 3)]
        if slices
        else []
    )


def label_limitations(row: ModelScores) -> list[str]:
    """Return sentences on the label with the lowest F1, and on labels with few utterances."""
    scored = [one for one in row.per_label if "f1" in one.metrics and one.support]
    if not scored:
        return []
    worst = min(scored, key=lambda one: one.metrics["f1"])
    sentences = [
        _("Lowest F1: {label}, {f1} on {split}.",
          label=display_name(worst.label), f1=format_number(worst.metrics["f1"]), split=display_name(row.split))
    ]  # fmt: skip
    if rare := [display_name(one.label) for one in row.per_label if one.support < MIN_SUPPORT]:
        sentences.append(
            _("Fewer than {n} utterances of {split} have the label {labels}: its scores are imprecise.",
              n=MIN_SUPPORT, split=display_name(row.split), labels=", ".join(rare))
        )  # fmt: skip
    return sentences
