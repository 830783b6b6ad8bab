"""A report's section on one task: its rows in order, the best of each column, and its comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sentir.errors import SentirError
from sentir.evaluation.metrics import AT_HALF_SUFFIX, get_metric
from sentir.evaluation.metrics.ranking import RankingCurves
from sentir.evaluation.results import Comparison, ModelScores, Opening
from sentir.i18n import _
from sentir.report.study_report import CorpusSummary, LearningCurve, StudyReport

_ROLE_ORDER = {"selected": 0, "candidate": 1, "baseline": 2}
_MAX_METRIC_COLUMNS = 8  # as many fit a page of 1,300 pixels


@dataclass(frozen=True, slots=True)
class TaskSection:
    """One task of one corpus.

    Attributes:
        metric: the headline metric, by which models are selected on dev.
        test_rows: rows on test: the selected model, then other candidates, then baselines, each best first.
        dev_rows: rows on dev, best first.
        selected: the model selected on dev, a candidate or a baseline; ``None`` without one.
        best_per_family: the best candidate of each family on dev.
        label_curves: ROC and precision–recall curves per label of the selected model, on dev and test.
        settings: candidate → its settings, flattened.
    """

    corpus: CorpusSummary
    task: str
    metric: str
    test_rows: tuple[ModelScores, ...]
    dev_rows: tuple[ModelScores, ...]
    selected: str | None
    comparisons: tuple[Comparison, ...]
    learning_curves: tuple[LearningCurve, ...]
    best_per_family: tuple[str, ...] = ()
    label_curves: tuple[RankingCurves, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def families(self) -> tuple[str, ...]:
        """The families of the candidates, if there are several; empty if there is one."""
        families = tuple(dict.fromkeys(row.family for row in (*self.test_rows, *self.dev_rows) if row.family))
        return families if len(families) > 1 else ()

    @property
    def learning_curves_by_family(self) -> list[tuple[str, str | None, tuple[LearningCurve, ...]]]:
        """(family, its best candidate, its learning curves); one entry without a name if there is one family."""
        if not self.families:
            return [("", self.selected, self.learning_curves)] if self.learning_curves else []
        family = {row.model: row.family for row in self.dev_rows}
        best = {family[model]: model for model in self.best_per_family if model in family}
        grouped = {
            name: tuple(c for c in self.learning_curves if family.get(c.model) == name) for name in self.families
        }
        return [(name, best.get(name), curves) for name, curves in grouped.items() if curves]

    @property
    def selected_test_row(self) -> ModelScores | None:
        """The selected model's row on test; ``None`` if test was not evaluated."""
        return next((row for row in self.test_rows if row.role == "selected"), None)

    @property
    def is_baseline_selected(self) -> bool:
        """Whether a baseline was selected on dev, since no candidate did better."""
        return any(row.model == self.selected and row.role == "baseline" for row in self.dev_rows)

    @property
    def reference_row(self) -> ModelScores | None:
        """The row it is compared with: the best baseline, or, if a baseline is selected, the best candidate."""
        role = "candidate" if self.is_baseline_selected else "baseline"
        rows = self.dev_rows if self.selected_test_row is None else self.test_rows
        return next((row for row in rows if row.role == role), None)

    def label_curves_on(self, split: str) -> tuple[RankingCurves, ...]:
        """Return the curves of each label on one split."""
        return tuple(one for one in self.label_curves if one.split == split)

    @property
    def selected_row(self) -> ModelScores | None:
        """The selected model's row on test, or on dev if test was not evaluated."""
        return self.selected_test_row or next((row for row in self.dev_rows if row.model == self.selected), None)

    @property
    def reference_comparison(self) -> Comparison | None:
        """The comparison of the selected model with `reference_row` in the headline metric."""
        row, reference = self.selected_row, self.reference_row
        if row is None or reference is None:
            return None
        matching = (c for c in self.comparisons if {c.a, c.b} == {row.model, reference.model})
        return next((c for c in matching if (c.split, c.metric) == (row.split, self.metric)), None)


def task_sections(report: StudyReport) -> tuple[TaskSection, ...]:
    """Return a section for every task of every corpus.

    Raises:
        SentirError: if rows belong to a corpus and task that no corpus summary names.
    """
    summaries = {(corpus.name, task): corpus for corpus in report.corpora for task in corpus.metrics}
    rows: tuple[ModelScores | Comparison | LearningCurve, ...] = (
        *report.scores,
        *report.comparisons,
        *report.learning_curves,
    )
    for row in rows:
        if (row.corpus, row.task) not in summaries:
            raise SentirError(
                _(
                    "The report has results for '{task}' of '{corpus}', but its corpus summary names no headline "
                    "metric for that task; add it to the summary.",
                    corpus=row.corpus,
                    task=row.task,
                )
            )
    return tuple(_task_section(report, corpus, task) for (_name, task), corpus in summaries.items())


def _task_section(report: StudyReport, corpus: CorpusSummary, task: str) -> TaskSection:
    metric = corpus.metrics[task]
    key = (corpus.name, task)
    ranked = _sort_best_first([row for row in report.scores if (row.corpus, row.task) == key], metric)
    return TaskSection(
        corpus=corpus,
        task=task,
        metric=metric,
        test_rows=tuple(
            sorted((row for row in ranked if row.split == "test"), key=lambda row: _ROLE_ORDER[row.role])
        ),
        dev_rows=tuple(row for row in ranked if row.split == "dev"),
        selected=report.selected.get(key),
        comparisons=tuple(c for c in report.comparisons if (c.corpus, c.task) == key),
        learning_curves=tuple(c for c in report.learning_curves if (c.corpus, c.task) == key),
        best_per_family=report.best_per_family.get(key, ()),
        label_curves=tuple(one for one in report.label_curves if (one.corpus, one.task) == key),
        settings={m: values for (name, m), values in report.settings.items() if name == corpus.name},
    )


def comparison_groups(section: TaskSection) -> list[tuple[str, list[Comparison]]]:
    """Return the comparisons in groups, each with its title."""
    baselines = {row.model for row in section.test_rows if row.role == "baseline"}
    groups: dict[str, list[Comparison]] = {
        _("Selected model vs. baselines"): [],
        _("Best model of each family"): [],
        _("Selected model vs. other candidates"): [],
        _("Ablation on dev"): [],
        _("On dev: selected model vs. other candidates"): [],
        _("On dev: candidates that differ in one setting"): [],
    }
    against_baselines, families, others, ablations, dev, one_setting = groups.values()
    for c in section.comparisons:
        pair = {c.a, c.b}
        if c.split == "dev" and c.b.startswith(f"{c.a} − "):
            ablations.append(c)
        elif c.split == "dev":
            (dev if section.selected in pair else one_setting).append(c)
        elif pair & baselines:
            against_baselines.append(c)
        else:
            (families if pair <= set(section.best_per_family) else others).append(c)
    return [(title, comparisons) for title, comparisons in groups.items() if comparisons]


def _sort_best_first(rows: Sequence[ModelScores], metric: str) -> list[ModelScores]:
    """Sort by one metric, rows without it last."""
    return sorted(rows, key=lambda row: -_rounded_score(row, metric))


def _rounded_score(row: ModelScores, metric: str) -> float:
    """Return a score rounded as printed, negated if lower is better; minus infinity without a score."""
    value = row.metrics[metric].value if metric in row.metrics else math.nan
    return -math.inf if math.isnan(value) else get_metric(metric).sign * round(value, 3)


def scored_rows(rows: Sequence[ModelScores], metric: str) -> list[ModelScores]:
    """Return the rows that have a score in a metric."""
    return [row for row in rows if metric in row.metrics and not math.isnan(row.metrics[metric].value)]


def ordered_metrics(rows: Sequence[ModelScores], headline: str) -> list[str]:
    """Return every metric of the rows in order of appearance, the headline and its value at 0.5 first."""
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    return sorted(names, key=lambda name: name.removesuffix(AT_HALF_SUFFIX) != headline)


def metric_column_groups(rows: Sequence[ModelScores], headline: str) -> list[list[str]]:
    """Return the metrics, in order, in as few groups of similar size as fit the width of a page."""
    names = ordered_metrics(rows, headline)
    tables = max(1, math.ceil(len(names) / _MAX_METRIC_COLUMNS))
    size = math.ceil(len(names) / tables)
    return [names[n : n + size] for n in range(0, len(names), size)]


def best_models(rows: Sequence[ModelScores], metric: str) -> frozenset[str]:
    """Return the models with the best score as printed, including ties; none if all are equal."""
    printed = {row.model: _rounded_score(row, metric) for row in rows}
    best = frozenset(model for model, value in printed.items() if value == max(printed.values()))
    return best if len(best) < len(printed) else frozenset()


def latest_openings(openings: Sequence[Opening]) -> list[Opening]:
    """Return the last opening of each test split, whose number is how often it has been evaluated in total."""
    last: dict[str, Opening] = {}
    for opening in sorted(openings, key=lambda opening: opening.number):
        last[opening.test_fingerprint] = opening
    return list(last.values())
