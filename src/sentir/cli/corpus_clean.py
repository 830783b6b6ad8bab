"""The command ``sentir corpus clean``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from sentir.cli.options import CorpusArgument, JsonOption, RootOption, require_corpus_or_reader
from sentir.cli.plugins import AllowPluginsOption, PluginOption
from sentir.corpus.invisible_characters import is_blank
from sentir.i18n import _, format_count, localize_numbers

if TYPE_CHECKING:
    from sentir.api import CleaningReport


def add_clean(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "clean",
        help=_("Preview text cleaning, step by step. The corpus is not changed."),
        epilog=_("Example: sentir corpus clean meld --root DATA/meld --steps thesis --examples 5"),
    )(clean)


def clean(
    name: CorpusArgument,
    root: RootOption = None,
    steps: Annotated[
        str | None,
        typer.Option("--steps", help=_("Comma-separated steps, 'default' or 'thesis'; default: the recipe's.")),
    ] = None,
    examples: Annotated[
        int, typer.Option("--examples", min=0, help=_("Number of texts to show step by step."))
    ] = 3,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    require_corpus_or_reader(name, root, allow_plugins)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    chain = None if steps is None else [part.strip() for part in steps.split(",") if part.strip()]
    with show_progress():
        report = api.preview_cleaning(name, root=root, steps=chain, examples=examples)
    if json:
        output.print_json(report.to_dict())
    else:
        _print_report(report)


def _print_report(report: CleaningReport) -> None:
    from sentir.cli import output

    output.print_line(_("{corpus}: {n} texts", corpus=report.corpus, n=format_count(report.num_texts)))
    table = Table()
    for heading in (_("step"), _("changed"), _("share"), _("emptied")):
        table.add_column(heading, justify="left" if heading == _("step") else "right")
    for effect in report.effects:
        share = localize_numbers(f"{effect.changed / max(1, report.num_texts):.1%}")
        table.add_row(effect.step, format_count(effect.changed), share, format_count(effect.emptied))
    output.console.print(table)
    steps = [effect.step for effect in report.effects]
    for trace in report.examples:
        output.print_line(trace.id)
        output.console.print(_trace_table(steps, trace.texts))
    if any(effect.emptied for effect in report.effects):
        output.print_line(_("Utterances with an emptied text stay in the corpus."))


def _trace_table(steps: list[str], texts: tuple[str, ...]) -> Table:
    """Return a table with the original text and the text after each step that changes it."""
    from sentir.cli import output

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    table.add_row(_("original"), output.as_text(texts[0]))
    for n, step in enumerate(steps):
        if texts[n] != texts[n + 1]:
            table.add_row(step, "∅" if is_blank(texts[n + 1]) else output.as_text(texts[n + 1]))
    return table
