"""What stands in a report's section on one task: rows in order, the best of a column, the verdict."""

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
_MAX_METRIC_COLUMNS = 8  # columns of scores that fit a page of 1,300 pixels


@dataclass(frozen=True, slots=True)
class TaskSection:
    """One task of one corpus.

    Attributes:
        metric: the headline metric, which selected on dev.
        test_rows: rows on the opened test split: the finalist, then other candidates, then baselines, best first.
        dev_rows: rows on dev, best first.
        selected: what was chosen on dev, a candidate or a baseline; ``None`` if nothing was.
        best_per_family: the best candidate of each family on dev.
        label_curves: curves of each label, of the selected candidate on dev and on the opened test split.
        settings: candidate → its settings, flat.
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
        """The families that compete, if there are several; a single one is not worth naming."""
        found = tuple(dict.fromkeys(row.family for row in (*self.test_rows, *self.dev_rows) if row.family))
        return found if len(found) > 1 else ()

    @property
    def learning_curves_by_family(self) -> list[tuple[str, str | None, tuple[LearningCurve, ...]]]:
        """The trainings of each family, with its name and its best candidate; all together if there is one."""
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
        """The finalist's row on test, or ``None`` while test is closed."""
        return next((row for row in self.test_rows if row.role == "selected"), None)

    @property
    def is_baseline_selected(self) -> bool:
        """Whether what was chosen on dev is a baseline: no candidate did better."""
        return any(row.model == self.selected and row.role == "baseline" for row in self.dev_rows)

    @property
    def reference_test_row(self) -> ModelScores | None:
        """What the finalist stands beside on test: the best baseline, or of a baseline the best candidate."""
        role = "candidate" if self.is_baseline_selected else "baseline"
        return next((row for row in self.test_rows if row.role == role), None)

    def label_curves_on(self, split: str) -> tuple[RankingCurves, ...]:
        """Return the curves of each label on one split."""
        return tuple(one for one in self.label_curves if one.split == split)

    @property
    def selected_row(self) -> ModelScores | None:
        """The row whose labels are looked at: the finalist on test, else the selected candidate on dev."""
        return self.selected_test_row or next((row for row in self.dev_rows if row.model == self.selected), None)

    @property
    def reference_comparison(self) -> Comparison | None:
        """The comparison of the finalist with its rival on test in the headline metric."""
        if self.selected_test_row is None or self.reference_test_row is None:
            return None
        pair = {self.selected_test_row.model, self.reference_test_row.model}
        wanted = ("test", self.metric)
        found = (c for c in self.comparisons if {c.a, c.b} == pair and (c.split, c.metric) == wanted)
        return next(found, None)


def task_sections(report: StudyReport) -> tuple[TaskSection, ...]:
    """Return a section for every task of every corpus that has scores or a headline metric.

    Raises:
        SentirError: if rows belong to a corpus and task that no card announces; nothing is left out silently.
    """
    cards = {(card.name, task): card for card in report.corpora for task in card.metrics}
    rows: tuple[ModelScores | Comparison | LearningCurve, ...] = (
        *report.scores,
        *report.comparisons,
        *report.learning_curves,
    )
    for row in rows:
        if (row.corpus, row.task) not in cards:
            raise SentirError(
                _(
                    "The report has results for '{task}' of '{corpus}', but its corpus card names no headline "
                    "metric for that task; add it to the card.",
                    corpus=row.corpus,
                    task=row.task,
                )
            )
    return tuple(_task_section(report, card, task) for (_name, task), card in cards.items())


def _task_section(report: StudyReport, corpus: CorpusSummary, task: str) -> TaskSection:
    metric = corpus.metrics[task]
    here = (corpus.name, task)
    ranked = _sort_best_first([row for row in report.scores if (row.corpus, row.task) == here], metric)
    return TaskSection(
        corpus=corpus,
        task=task,
        metric=metric,
        test_rows=tuple(
            sorted((row for row in ranked if row.split == "test"), key=lambda row: _ROLE_ORDER[row.role])
        ),
        dev_rows=tuple(row for row in ranked if row.split == "dev"),
        selected=report.selected.get(here),
        comparisons=tuple(c for c in report.comparisons if (c.corpus, c.task) == here),
        learning_curves=tuple(c for c in report.learning_curves if (c.corpus, c.task) == here),
        best_per_family=report.best_per_family.get(here, ()),
        label_curves=tuple(one for one in report.label_curves if (one.corpus, one.task) == here),
        settings={model: found for (name, model), found in report.settings.items() if name == corpus.name},
    )


def comparison_groups(section: TaskSection) -> list[tuple[str, list[Comparison]]]:
    """Return the comparisons under the question each one answers, with that question as a title."""
    baselines = {row.model for row in section.test_rows if row.role == "baseline"}
    groups: dict[str, list[Comparison]] = {
        _("Selected model vs. baselines"): [],
        _("Best model of each family"): [],
        _("Selected model vs. other candidates"): [],
        _("Ablation on dev"): [],
        _("On dev: selected model vs. other candidates"): [],
        _("On dev: candidates that differ in one setting"): [],
    }
    against_baselines, families, others, parts, dev, alike = groups.values()
    for c in section.comparisons:
        pair = {c.a, c.b}
        if c.split == "dev" and c.b.startswith(f"{c.a} − "):
            parts.append(c)
        elif c.split == "dev":
            (dev if section.selected in pair else alike).append(c)
        elif pair & baselines:
            against_baselines.append(c)
        else:
            (families if pair <= set(section.best_per_family) else others).append(c)
    return [(title, found) for title, found in groups.items() if found]


def _sort_best_first(rows: Sequence[ModelScores], metric: str) -> list[ModelScores]:
    """Sort by one metric, rows without it last."""
    return sorted(rows, key=lambda row: -_rounded_score(row, metric))


def _rounded_score(row: ModelScores, metric: str) -> float:
    """Return a score to three decimals, as the tables print it; an error negative, minus infinity for none."""
    value = row.metrics[metric].value if metric in row.metrics else math.nan
    return -math.inf if math.isnan(value) else get_metric(metric).sign * round(value, 3)


def ordered_metrics(rows: Sequence[ModelScores], headline: str) -> list[str]:
    """Return every metric of the rows in order of appearance, but the headline first, and it at 0.5."""
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    return sorted(names, key=lambda name: name.removesuffix(AT_HALF_SUFFIX) != headline)


def metric_column_groups(rows: Sequence[ModelScores], headline: str) -> list[list[str]]:
    """Return the metrics in as few groups of about the same size as make tables that fit a page, in order."""
    names = ordered_metrics(rows, headline)
    tables = max(1, math.ceil(len(names) / _MAX_METRIC_COLUMNS))
    size = math.ceil(len(names) / tables)
    return [names[n : n + size] for n in range(0, len(names), size)]


def best_models(rows: Sequence[ModelScores], metric: str) -> frozenset[str]:
    """Return the models with the best score as printed, ties shared; none if all are alike."""
    printed = {row.model: _rounded_score(row, metric) for row in rows}
    winners = frozenset(model for model, value in printed.items() if value == max(printed.values()))
    return winners if len(winners) < len(printed) else frozenset()


def latest_openings(openings: Sequence[Opening]) -> list[Opening]:
    """Return the last opening of each test split, whose number says how often it has been opened in all."""
    last: dict[str, Opening] = {}
    for opening in sorted(openings, key=lambda opening: opening.number):
        last[opening.test_fingerprint] = opening
    return list(last.values())
