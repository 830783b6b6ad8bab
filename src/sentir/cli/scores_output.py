"""How the command line prints scores: a model in each row, the metric that selects first, then the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from sentir.cli import output
from sentir.evaluation.results import Comparison, ModelScores, Score
from sentir.evaluation.words import AT_HALF
from sentir.i18n import _, localized, mark, thousands
from sentir.report.sentences import earlier_openings, grade_sentence
from sentir.report.study_report import StudyReport
from sentir.report.task_sections import comparison_groups, metric_names, openings_by_split, sections
from sentir.report.words import model_name, word

_NARROWEST_MODEL = 26
_OF_LABELS = ("precision", "recall", "f1", f"f1{AT_HALF}", "weighted_accuracy", "mean_answer", "mae")
_GAP = 2
_SHORT = {  # where a column is to be narrow
    "acc5": "Acc-5",
    "acc7": "Acc-7",
    "accuracy": mark("acc."),
    "ccc": "CCC",
    "has0_acc2": mark("Has0 Acc-2"),
    "has0_f1": mark("Has0 F1"),
    "jaccard_empty0": mark("Jacc. (0)"),
    "jaccard_empty1": mark("Jacc. (1)"),
    "mae": mark("mean abs. err."),
    "mean_average_precision": mark("mean AP"),
    "mean_weighted_accuracy": mark("mean wtd. acc."),
    "mean_weighted_f1": mark("mean wtd. F1"),
    "micro_precision": mark("micro prec."),
    "micro_recall": mark("micro rec."),
    "non0_acc2": mark("Non0 Acc-2"),
    "non0_f1": mark("Non0 F1"),
    "pearson": "Pearson",
    "sign_accuracy": mark("sign acc."),
    "sign_weighted_f1": mark("sign wtd. F1"),
    "subset_accuracy": mark("subset acc."),
    "unweighted_average_recall": mark("avg. recall"),
    "weighted_f1": mark("wtd. F1"),
}


def print_scores(rows: Sequence[ModelScores], *, labels: bool = False) -> None:
    """Print models scored on one split, the first metric of the first row as that which selects.

    Args:
        rows: one for each model.
        labels: whether each label's scores follow.
    """
    _print_models(rows, metric_names(rows, next(iter(rows[0].metrics))), families=False)
    for row in rows if labels else ():
        _print_labels(row)


def print_study(report: StudyReport, folder: Path) -> None:
    """Print the opened test split, or dev if test is closed, with its comparisons; say where the report lies."""
    for section in sections(report):
        if rows := section.test or section.dev:
            _print_models(rows, metric_names(rows, section.metric), families=bool(section.families))
        for title, found in comparison_groups(section):
            _print_comparisons(title, [c for c in found if c.split == ("test" if section.test else "dev")])
    for opening in openings_by_split(report.openings):
        output.say(
            _("{corpus}: openings of test so far, by the ledger: {n}", corpus=opening.corpus, n=opening.number)
        )
    if report.redraws:
        output.say(
            _("Test splits discarded and drawn anew: {n}; openings of those: {opened}",
              n=len(report.redraws), opened=earlier_openings(report.redraws))
        )  # fmt: skip
    for card in report.corpora:
        if card.grade:
            output.say(f"{card.name}: {grade_sentence(card.grade)}")
    output.say(_("Report: {path}", path=folder / "report.html"))


def _print_comparisons(title: str, found: Sequence[Comparison]) -> None:
    if not found:
        return
    output.say(title)
    for comparison in found:
        output.say(f"- {comparison.sentence()}")
    output.say("")


def _print_models(rows: Sequence[ModelScores], names: Sequence[str], *, families: bool) -> None:
    first, *others = names
    shared = [note for note in rows[0].remarks if all(note in row.remarks for row in rows)]
    about = (
        rows[0].corpus,
        word(rows[0].task),
        word(rows[0].split),
        f"n = {thousands(rows[0].n)}",
        rows[0].basis,
        *shared,
    )
    output.say(" · ".join(filter(None, about)))
    whole = {row.model: _whole(row.metrics[first]) if first in row.metrics else "–" for row in rows}
    headline = max(len(text) for text in (word(first), *whole.values())) + _GAP
    for n, block in enumerate(_blocks(others, headline)):
        table = _table(block if n else (first, *block), whole=not n)
        for row in rows:
            cells = [_value(row, name) for name in block]
            model = output.text(model_name(row.model)) if n else _model(row, families)
            table.add_row(model, *(cells if n else (whole[row.model], *cells)))
        output.out.print(table)
        output.say("")
    for note in dict.fromkeys(note for row in rows for note in row.remarks if note not in shared):
        output.say(f"{note}: {', '.join(model_name(row.model) for row in rows if note in row.remarks)}\n")


def _table(names: Sequence[str], *, whole: bool) -> Table:
    """Make a table whose columns keep their width; only the models' names are wrapped."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), show_edge=False, pad_edge=False)
    table.add_column(_("model"), overflow="fold")
    for n, name in enumerate(names):
        heading = word(name) if whole and n == 0 else _heading(name)
        table.add_column(output.text(heading), justify="right", no_wrap=True)
    return table


def _blocks(names: Sequence[str], headline: int) -> Iterator[list[str]]:
    """Divide metrics into blocks that fit beside the models, the first of them beside the headline metric too."""
    room, block = output.out.width - _NARROWEST_MODEL - headline, list[str]()
    for name in names:
        width = max(5, *map(len, _heading(name).split("\n"))) + _GAP
        if width > room:
            yield block
            room, block = output.out.width - _NARROWEST_MODEL, []
        room -= width
        block.append(name)
    yield block


def _heading(name: str) -> str:
    """Return a metric's short name, a word a line."""
    plain, *half = name.removesuffix(AT_HALF), *([AT_HALF] if name.endswith(AT_HALF) else [])
    return "\n".join([*(_(_SHORT[plain]) if plain in _SHORT else word(plain)).split(), *half])


def _model(row: ModelScores, families: bool) -> Text:
    """Return a model's name, and below it its family and whether it is the one chosen on dev."""
    facts = [word(row.family)] if families and row.family else []
    facts += [word(row.role)] if row.role == "finalist" else []
    name = output.text(model_name(row.model))
    name.stylize("bold" if row.role == "finalist" else "")
    return name + Text(f"\n  {' · '.join(facts)}", style="dim") if facts else name


def _value(row: ModelScores, name: str) -> str:
    return localized(f"{row.metrics[name].value:.3f}") if name in row.metrics else "–"


def _whole(score: Score) -> str:
    """Write a score with its spread over seeds and its interval, where it has them."""
    spread = "" if score.sd is None else f" ± {score.sd:.3f}"
    interval = "" if score.low is None or score.high is None else f" [{score.low:.3f}, {score.high:.3f}]"
    return localized(f"{score.value:.3f}{spread}{interval}")


def _print_labels(row: ModelScores) -> None:
    table = Table(title=output.text(model_name(row.model)), title_justify="left")
    held = dict.fromkeys(name for label in row.per_label for name in label.metrics)
    names = [name for name in _OF_LABELS if name in held]
    for heading in (_("label"), "n", *map(word, names)):
        table.add_column(heading, justify="left" if heading == _("label") else "right")
    for label in row.per_label:
        values = (localized(f"{label.metrics[name]:.3f}") if name in label.metrics else "–" for name in names)
        table.add_row(output.text(word(label.label)), thousands(label.support), *values)
    output.out.print(table)
