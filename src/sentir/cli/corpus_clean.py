"""The command ``sentir corpus clean``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from sentir.cli import output
from sentir.cli.options import CorpusArgument, JsonOption, RootOption
from sentir.cli.plugins import AllowPluginsOption, PluginOption, load_corpus_plugins
from sentir.corpus.invisible_characters import is_blank
from sentir.documents import TableBlock
from sentir.i18n import _, format_count, localize_numbers
from sentir.progress import show_progress

if TYPE_CHECKING:
    from sentir.api import CleaningReport


def clean(
    name: CorpusArgument,
    root: RootOption = None,
    steps: Annotated[
        str | None,
        typer.Option(help=_("Comma-separated steps, 'default' or 'thesis'; default: the recipe's.")),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help=_("Number of texts to show step by step."))] = 3,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_corpus_plugins(name, allow_plugins)
    from sentir import api

    chain = None if steps is None else [part.strip() for part in steps.split(",") if part.strip()]
    with show_progress():
        report = api.preview_cleaning(name, root=root, steps=chain, examples=examples)
    if json:
        output.print_json(report.to_dict())
    else:
        _print_report(report)


def _print_report(report: CleaningReport) -> None:
    output.print_line(_("{corpus}: {n} texts", corpus=report.corpus, n=format_count(report.num_texts)))
    rows = [
        (effect.step, format_count(effect.changed),
         localize_numbers(f"{effect.changed / max(1, report.num_texts):.1%}"), format_count(effect.emptied))
        for effect in report.effects
    ]  # fmt: skip
    output.print_table(TableBlock((_("step"), _("changed"), _("share"), _("emptied")), rows))
    for trace in report.examples:
        output.print_line(trace.id)
        output.console.print(_trace_table([effect.step for effect in report.effects], trace.texts))
    if any(effect.emptied for effect in report.effects):
        output.print_line(_("Utterances with an emptied text stay in the corpus."))


def _trace_table(steps: list[str], texts: tuple[str, ...]) -> Table:
    """Return a table with the original text and the text after each step that changes it."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    table.add_row(_("original"), output.as_text(texts[0]))
    for n, step in enumerate(steps):
        if texts[n] != texts[n + 1]:
            table.add_row(step, "∅" if is_blank(texts[n + 1]) else output.as_text(texts[n + 1]))
    return table
