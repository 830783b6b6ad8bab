"""Tables of results, the same on a page, in Markdown and on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sentir.display_names import display_name, label_names, model_display_name
from sentir.documents import TableBlock
from sentir.evaluation.analysis.confusions import SpeakerErrors
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.analysis.slices import SliceScore
from sentir.evaluation.formatting import format_number, format_score
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.results import Comparison, ModelScores, Opening
from sentir.i18n import _, format_count
from sentir.recipe import diff_settings
from sentir.recipe.toml import format_setting
from sentir.report.formatting import format_timestamp
from sentir.report.task_sections import TaskSection, ordered_metrics

_MAX_NAMED_SETTINGS = 3  # of those that two models differ in


def count_table(counts: Mapping[str, Mapping[str, int]], heading: str) -> TableBlock:
    """Return a row for each key of ``counts``, and a column for each key of its values."""
    units = list(dict.fromkeys(unit for row in counts.values() for unit in row))
    rows = tuple(
        (display_name(key), *(format_count(row[unit]) if unit in row else "–" for unit in units))
        for key, row in counts.items()
    )
    return TableBlock((heading, *map(display_name, units)), rows)


def score_table(rows: Sequence[ModelScores], headline: str, max_metrics: int | None = None) -> TableBlock:
    """Return a row for each model, and a column for each metric, the headline first."""
    names = ordered_metrics(rows, headline)[:max_metrics]
    cells = tuple(
        (model_display_name(row.model),
         *(format_score(row.metrics[name]) if name in row.metrics else "–" for name in names),
         str(row.num_seeds))
        for row in rows
    )  # fmt: skip
    return TableBlock((_("model"), *map(metric_display_name, names), _("seeds")), cells)


def label_table(row: ModelScores, metrics: Sequence[str] | None = None) -> TableBlock:
    """Return a row for each label of a model, and a column for each metric, by default for all."""
    known = list(dict.fromkeys(name for label in row.per_label for name in label.metrics))
    names = known if metrics is None else [name for name in metrics if name in known]
    rows = tuple(
        (display_name(one.label), format_count(one.support),
         *(format_number(one.metrics.get(name)) for name in names))
        for one in row.per_label
    )  # fmt: skip
    return TableBlock((_("label"), _("support"), *map(metric_display_name, names)), rows)


def comparison_table(section: TaskSection) -> TableBlock:
    """Return the comparisons of a task, sorted by what is compared: families, settings, then baselines."""
    ranked = sorted(
        ((*_contrast(section, c), order, c) for order, c in enumerate(section.comparisons)),
        key=lambda row: row[:3],
    )
    rows = tuple(
        (contrast, model_display_name(c.a), model_display_name(c.b), display_name(c.split),
         format_number(c.difference * (100 if get_metric(c.metric).is_proportion else 1), 2), c.interval_text,
         format_number(c.p, 4), format_number(c.p_holm, 4))
        for _rank, contrast, _order, c in ranked
    )  # fmt: skip
    headings = (_("compared"), "a", "b", _("split"), "a − b", _("95% interval (Holm)"),
                _("p (uncorrected)"), _("p (Holm)"))  # fmt: skip
    return TableBlock(headings, rows, numeric=(4, 5, 6, 7))


def _contrast(section: TaskSection, comparison: Comparison) -> tuple[int, str]:
    """Return what two models differ in: ``text ↔ audio``, ``model.context: dialogue ↔ none``, …; and its rank."""
    family = {row.model: row.family for row in (*section.test_rows, *section.dev_rows)}
    a, b = family.get(comparison.a, ""), family.get(comparison.b, "")
    if not a or not b:
        return 3, _("model vs. baseline")
    if a != b:
        return 0, f"{display_name(a)} ↔ {display_name(b)}"
    changed = diff_settings(section.settings.get(comparison.a, {}), section.settings.get(comparison.b, {}))
    if not changed:
        return 2, _("settings")
    if "average" in changed:
        return 1, _("average of models")
    if len(changed) == 1:
        ((key, (left, right)),) = changed.items()
        return 1, f"{key}: {format_setting(left)} ↔ {format_setting(right)}"
    names = ", ".join(list(changed)[:_MAX_NAMED_SETTINGS])
    more = _("{names} and {n} more", names=names, n=len(changed) - _MAX_NAMED_SETTINGS)
    return 2, names if len(changed) <= _MAX_NAMED_SETTINGS else more


def opening_table(openings: Sequence[Opening]) -> TableBlock:
    """Return a row for each evaluation on test."""
    similar = _("(nearly identical texts)")
    rows = tuple(
        (one.corpus, str(one.number), format_timestamp(one.when), one.reason,
         ", ".join(map(model_display_name, one.models)),
         f"{one.opened_fingerprint} {similar}" if one.opened_fingerprint else one.test_fingerprint)
        for one in openings
    )  # fmt: skip
    headings = (_("corpus"), "n", _("when"), _("why"), _("models"), _("test fingerprint"))
    return TableBlock(headings, rows, numeric=(1,))


def slice_table(slices: Sequence[SliceScore]) -> TableBlock:
    """Return a row for each slice of a split; there is at least one."""
    few = _("too few")
    rows = tuple(
        (one.definition.display_kind, one.definition.display_name, format_count(one.n),
         f"{format_score(one.score)} {few}" if one.is_small else format_score(one.score))
        for one in slices
    )  # fmt: skip
    return TableBlock((_("by"), _("slice"), "n", metric_display_name(slices[0].metric)), rows, numeric=(2, 3))


def speaker_table(speakers: Sequence[SpeakerErrors]) -> TableBlock:
    """Return a row for each speaker; there is at least one."""
    rows = tuple(
        (one.speaker, format_count(one.n), format_number(one.score),
         ", ".join(confusion.display_name for confusion in one.confusions) or "–")
        for one in speakers
    )  # fmt: skip
    metric = metric_display_name(speakers[0].metric)
    return TableBlock((_("speaker"), "n", metric, _("most frequent errors")), rows, numeric=(1, 2))


def error_table(analysis: ErrorAnalysis) -> TableBlock:
    """Return a row for each of the most confident errors."""
    rows = tuple(
        (one.id, one.text or "–", *map(label_names, (one.labels, one.predicted)),
         format_number(one.error_score, 2))
        for one in analysis.hardest_examples
    )  # fmt: skip
    measure = _("probability") if analysis.reliability else _("error")
    return TableBlock((_("utterance"), _("text"), _("annotated"), _("predicted"), measure), rows, numeric=(4,))


def label_noise_table(analysis: ErrorAnalysis) -> TableBlock:
    """Return a row for each of the most confident label-noise candidates."""
    rows = tuple(
        (one.id, one.text or "–", f"{label_names(one.labels)} {format_number(one.label_probability, 2)}",
         f"{label_names(one.predicted)} {format_number(one.predicted_probability, 2)}")
        for one in analysis.label_noise_candidates[:10]
    )  # fmt: skip
    return TableBlock((_("utterance"), _("text"), _("annotated"), _("out-of-fold prediction")), rows, numeric=())
