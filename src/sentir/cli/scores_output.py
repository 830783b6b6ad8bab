"""Printing of trainings, scores and error analyses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from sentir.cli import output
from sentir.display_names import display_name, model_display_name
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.enrollment_table import enrollment_table
from sentir.evaluation.formatting import format_number, format_score
from sentir.evaluation.metrics import AT_HALF_SUFFIX, metric_display_name, metric_short_name
from sentir.evaluation.results import Comparison, ModelScores
from sentir.i18n import _, format_count, gettext_noop
from sentir.report import folds, tables
from sentir.report.calibration import calibration_sentences
from sentir.report.sentences import count_earlier_openings, grade_sentence
from sentir.report.study_report import StudyReport
from sentir.report.task_sections import comparison_groups, latest_openings, ordered_metrics, task_sections

_MIN_MODEL_WIDTH = 26
_COLUMN_GAP = 2
_LABEL_METRICS = (
    "precision", "recall", "f1", f"f1{AT_HALF_SUFFIX}", "weighted_accuracy", "mean_prediction", "mae",
)  # fmt: skip
_MISSING_MESSAGES = {
    "text": gettext_noop("Utterances of {split} without text after cleaning: {n}."),
    "audio": gettext_noop("Utterances of {split} without usable audio: {n}; 'sentir corpus prepare' shows why."),
}


def print_scores(rows: Sequence[ModelScores], *, per_label: bool = False) -> None:
    """Print models scored on one split; the first metric of the first row is the one that selects.

    Args:
        rows: one for each model.
        per_label: whether the scores of each label follow.
    """
    _print_models(rows, ordered_metrics(rows, next(iter(rows[0].metrics))), show_families=False)
    for row in rows if per_label else ():
        output.print_table(tables.label_table(row, _LABEL_METRICS), title=model_display_name(row.model))


def print_study(report: StudyReport, folder: Path) -> None:
    """Print scores and comparisons on test, or on dev if test was not evaluated, and the path of the report."""
    for section in task_sections(report):
        if rows := section.test_rows or section.dev_rows:
            _print_models(rows, ordered_metrics(rows, section.metric), show_families=bool(section.families))
            _print_folds(rows, section.metric)
        for split, own in (("test", section.test_rows), ("dev", section.dev_rows)):
            if (enrolled := enrollment_table(own)) is not None:
                title = _("{split}, with other clips of the speakers", split=display_name(split))
                output.print_table(enrolled, title=title)
        for title, comparisons in comparison_groups(section):
            _print_comparisons(
                title, [c for c in comparisons if c.split == ("test" if section.test_rows else "dev")]
            )
    for opening in latest_openings(report.openings):
        output.print_line(
            _("{corpus}: evaluations on test so far, by the ledger: {n}", corpus=opening.corpus, n=opening.number)
        )
    if report.redraws:
        output.print_line(
            _("Test splits discarded and redrawn: {n}; evaluations on them: {opened}",
              n=len(report.redraws), opened=count_earlier_openings(report.redraws))
        )  # fmt: skip
    for card in report.corpora:
        if card.grade:
            output.print_line(f"{card.name}: {grade_sentence(card.grade)}")
    output.print_line(_("Report: {path}", path=folder / "report.html"))


def _print_folds(rows: Sequence[ModelScores], headline: str) -> None:
    for metric in folds.fold_metrics(rows, headline):
        output.print_table(
            folds.fold_table(rows, metric), title=_("{metric} by fold", metric=metric_display_name(metric))
        )
    for sentence in folds.fold_sentences(rows):
        output.print_line(f"- {sentence}")


def _print_comparisons(title: str, comparisons: Sequence[Comparison]) -> None:
    if not comparisons:
        return
    output.print_line(title)
    for comparison in comparisons:
        output.print_line(f"- {comparison.sentence()}")
    output.print_line("")


def _print_models(rows: Sequence[ModelScores], names: Sequence[str], *, show_families: bool) -> None:
    first, *others = names
    shared = [note for note in rows[0].localized_notes if all(note in row.localized_notes for row in rows)]
    about = (
        rows[0].corpus,
        display_name(rows[0].task),
        display_name(rows[0].split),
        f"n = {format_count(rows[0].n)}",
        rows[0].interval_basis,
        *shared,
    )
    output.print_line(" · ".join(filter(None, about)))
    whole = {
        row.model: format_score(row.metrics[first], with_sd=True) if first in row.metrics else "–" for row in rows
    }
    headline = max(len(text) for text in (metric_display_name(first), *whole.values())) + _COLUMN_GAP
    for n, block in enumerate(_column_blocks(others, headline)):
        table = _make_table(block if n else (first, *block), is_first=not n)
        for row in rows:
            cells = [format_number(row.metrics[name].value) if name in row.metrics else "–" for name in block]
            model = output.as_text(model_display_name(row.model)) if n else _model_cell(row, show_families)
            table.add_row(model, *(cells if n else (whole[row.model], *cells)))
        output.console.print(table)
        output.print_line("")
    for note in dict.fromkeys(note for row in rows for note in row.localized_notes if note not in shared):
        output.print_line(
            f"{note}: {', '.join(model_display_name(row.model) for row in rows if note in row.localized_notes)}\n"
        )


def _make_table(names: Sequence[str], *, is_first: bool) -> Table:
    """Make a table whose columns keep their width; only the names of models wrap."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, _COLUMN_GAP - 1, 0, 0), show_edge=False, pad_edge=False)
    table.add_column(_("model"), overflow="fold")
    for n, name in enumerate(names):
        heading = metric_display_name(name) if is_first and n == 0 else _metric_heading(name)
        table.add_column(output.as_text(heading), justify="right", no_wrap=True)
    return table


def _column_blocks(names: Sequence[str], first_width: int) -> Iterator[list[str]]:
    """Divide metrics into blocks that fit next to the models, the first one also next to the headline metric."""
    room, block = output.console.width - _MIN_MODEL_WIDTH - first_width, list[str]()
    for name in names:
        width = max(5, *map(len, _metric_heading(name).split("\n"))) + _COLUMN_GAP
        if width > room:
            yield block
            room, block = output.console.width - _MIN_MODEL_WIDTH, []
        room -= width
        block.append(name)
    yield block


def _metric_heading(name: str) -> str:
    """Return the short name of a metric, one word per line."""
    half = [AT_HALF_SUFFIX] if name.endswith(AT_HALF_SUFFIX) else []
    return "\n".join([*metric_short_name(name).split(), *half])


def _model_cell(row: ModelScores, families: bool) -> Text:
    """Return the name of a model, and below it its family and whether it was selected on dev."""
    facts = [display_name(row.family)] if families and row.family else []
    facts += [display_name(row.role)] if row.role == "selected" else []
    name = output.as_text(model_display_name(row.model))
    name.stylize("bold" if row.role == "selected" else "")
    return name + Text(f"\n  {' · '.join(facts)}", style="dim") if facts else name


def print_training(facts: Mapping[str, Any]) -> None:
    """Print the speed of a training, and how many utterances lacked a modality or were truncated."""
    throughput, epochs = facts["throughput"], int(facts["history"][-1]["epoch"])
    output.print_line(
        _("Best epoch {best} of {epochs}; {rate:.0f} utterances per second.",
          best=int(facts["best_epoch"]), epochs=epochs, rate=throughput["utterances_per_second"])
    )  # fmt: skip
    if "peak_memory_mb" in throughput:
        output.print_line(_("Peak memory: {n:.0f} MB.", n=throughput["peak_memory_mb"]))
    for split, counts in facts["missing_modalities"].items():
        for kind, n in counts.items():
            output.print_line(_(_MISSING_MESSAGES[kind], n=n, split=split))
    for split, n in facts["truncated"].items():
        if n:
            output.print_line(
                _("Texts of {split} truncated to the maximum length of the model: {n}.", n=n, split=split)
            )


def print_analysis(analysis: ErrorAnalysis) -> None:
    """Print an error analysis, except its curves: calibration, slices, speakers, most confident errors."""
    if analysis.reliability:
        for sentence in calibration_sentences(analysis.reliability, analysis.split):
            output.print_line(f"- {sentence}")
        output.print_line("")
    if analysis.slices:
        output.print_table(tables.slice_table(analysis.slices), title=_("Slices"))
    if analysis.speakers:
        output.print_table(tables.speaker_table(analysis.speakers), title=_("Errors by speaker"))
    if analysis.hardest_examples:
        output.print_table(tables.error_table(analysis), title=_("Most confident errors"))
