"""What stands in a report's section on one task: rows in order, the best of a column, the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sentir.errors import SentirError
from sentir.evaluation.metrics.ranking import Ranking
from sentir.evaluation.results import Comparison, ModelScores, Opening, gain
from sentir.evaluation.words import AT_HALF
from sentir.i18n import _
from sentir.report.study_report import CorpusCard, Curve, StudyReport

_ORDER = {"finalist": 0, "candidate": 1, "baseline": 2}
_WIDEST = 8  # columns of scores that fit a page of 1,300 pixels


@dataclass(frozen=True, slots=True)
class TaskSection:
    """One task of one corpus.

    Attributes:
        metric: the headline metric, which selected on dev.
        test: rows on the opened test split: the finalist, then other candidates, then baselines, best first.
        dev: rows on dev, best first.
        selected: what was chosen on dev, a candidate or a baseline; ``None`` if nothing was.
        winners: the best candidate of each family on dev.
        rankings: curves of each label, of the selected candidate on dev and on the opened test split.
        settings: candidate → its settings, flat.
    """

    card: CorpusCard
    task: str
    metric: str
    test: tuple[ModelScores, ...]
    dev: tuple[ModelScores, ...]
    selected: str | None
    comparisons: tuple[Comparison, ...]
    curves: tuple[Curve, ...]
    winners: tuple[str, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def families(self) -> tuple[str, ...]:
        """The families that compete, if there are several; a single one is not worth naming."""
        found = tuple(dict.fromkeys(row.family for row in (*self.test, *self.dev) if row.family))
        return found if len(found) > 1 else ()

    @property
    def learning(self) -> list[tuple[str, str | None, tuple[Curve, ...]]]:
        """The trainings of each family, with its name and its best candidate; all together if there is one."""
        if not self.families:
            return [("", self.selected, self.curves)] if self.curves else []
        family = {row.model: row.family for row in self.dev}
        best = {family[model]: model for model in self.winners if model in family}
        grouped = {name: tuple(c for c in self.curves if family.get(c.model) == name) for name in self.families}
        return [(name, best.get(name), curves) for name, curves in grouped.items() if curves]

    @property
    def finalist(self) -> ModelScores | None:
        """The finalist's row on test, or ``None`` while test is closed."""
        return next((row for row in self.test if row.role == "finalist"), None)

    @property
    def baseline_wins(self) -> bool:
        """Whether what was chosen on dev is a baseline: no candidate did better."""
        return any(row.model == self.selected and row.role == "baseline" for row in self.dev)

    @property
    def rival(self) -> ModelScores | None:
        """What the finalist stands beside on test: the best baseline, or of a baseline the best candidate."""
        role = "candidate" if self.baseline_wins else "baseline"
        return next((row for row in self.test if row.role == role), None)

    def curves_on(self, split: str) -> tuple[Ranking, ...]:
        """Return the curves of each label on one split."""
        return tuple(one for one in self.rankings if one.split == split)

    @property
    def closest(self) -> ModelScores | None:
        """The row whose labels are looked at: the finalist on test, else the selected candidate on dev."""
        return self.finalist or next((row for row in self.dev if row.model == self.selected), None)

    @property
    def verdict(self) -> Comparison | None:
        """The comparison of the finalist with its rival on test in the headline metric."""
        if self.finalist is None or self.rival is None:
            return None
        pair = {self.finalist.model, self.rival.model}
        wanted = ("test", self.metric)
        found = (c for c in self.comparisons if {c.a, c.b} == pair and (c.split, c.metric) == wanted)
        return next(found, None)


def sections(report: StudyReport) -> tuple[TaskSection, ...]:
    """Return a section for every task of every corpus that has scores or a headline metric.

    Raises:
        SentirError: if rows belong to a corpus and task that no card announces; nothing is left out silently.
    """
    cards = {(card.name, task): card for card in report.corpora for task in card.metrics}
    rows: tuple[ModelScores | Comparison | Curve, ...] = (*report.scores, *report.comparisons, *report.curves)
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
    return tuple(_section(report, card, task) for (_name, task), card in cards.items())


def _section(report: StudyReport, card: CorpusCard, task: str) -> TaskSection:
    metric = card.metrics[task]
    here = (card.name, task)
    ranked = _best_first([row for row in report.scores if (row.corpus, row.task) == here], metric)
    return TaskSection(
        card=card,
        task=task,
        metric=metric,
        test=tuple(sorted((row for row in ranked if row.split == "test"), key=lambda row: _ORDER[row.role])),
        dev=tuple(row for row in ranked if row.split == "dev"),
        selected=report.selected.get(here),
        comparisons=tuple(c for c in report.comparisons if (c.corpus, c.task) == here),
        curves=tuple(c for c in report.curves if (c.corpus, c.task) == here),
        winners=report.winners.get(here, ()),
        rankings=tuple(one for one in report.rankings if (one.corpus, one.task) == here),
        settings={model: found for (name, model), found in report.settings.items() if name == card.name},
    )


def comparison_groups(section: TaskSection) -> list[tuple[str, list[Comparison]]]:
    """Return the comparisons under the question each one answers, with that question as a title."""
    baselines = {row.model for row in section.test if row.role == "baseline"}
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
            (families if pair <= set(section.winners) else others).append(c)
    return [(title, found) for title, found in groups.items() if found]


def _best_first(rows: Sequence[ModelScores], metric: str) -> list[ModelScores]:
    """Sort by one metric, rows without it last."""
    return sorted(rows, key=lambda row: -_printed(row, metric))


def _printed(row: ModelScores, metric: str) -> float:
    """Return a score to three decimals, as the tables print it; an error negative, minus infinity for none."""
    value = row.metrics[metric].value if metric in row.metrics else math.nan
    return -math.inf if math.isnan(value) else gain(metric, round(value, 3))


def metric_names(rows: Sequence[ModelScores], headline: str) -> list[str]:
    """Return every metric of the rows in order of appearance, but the headline first, and it at 0.5."""
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    return sorted(names, key=lambda name: name.removesuffix(AT_HALF) != headline)


def metric_groups(rows: Sequence[ModelScores], headline: str) -> list[list[str]]:
    """Return the metrics in as few groups of about the same size as make tables that fit a page, in order."""
    names = metric_names(rows, headline)
    tables = max(1, math.ceil(len(names) / _WIDEST))
    size = math.ceil(len(names) / tables)
    return [names[n : n + size] for n in range(0, len(names), size)]


def best_models(rows: Sequence[ModelScores], metric: str) -> frozenset[str]:
    """Return the models with the best score as printed, ties shared; none if all are alike."""
    printed = {row.model: _printed(row, metric) for row in rows}
    winners = frozenset(model for model, value in printed.items() if value == max(printed.values()))
    return winners if len(winners) < len(printed) else frozenset()


def openings_by_split(openings: Sequence[Opening]) -> list[Opening]:
    """Return the last opening of each test split, whose number says how often it has been opened in all."""
    last: dict[str, Opening] = {}
    for opening in sorted(openings, key=lambda opening: opening.number):
        last[opening.test_fingerprint] = opening
    return list(last.values())
