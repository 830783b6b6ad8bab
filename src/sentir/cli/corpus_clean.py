"""The command ``sentir corpus clean``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from sentir.cli.options import CorpusName, Json, Root, check_corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.i18n import _, localized, thousands

if TYPE_CHECKING:
    from sentir.api import Cleaned


def add_clean(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "clean",
        help=_("Show what cleaning does to the texts of a corpus, step by step; nothing is changed."),
        epilog=_("Example: sentir corpus clean meld --root DATA/meld --steps thesis --show 5"),
    )(clean)


def clean(
    name: CorpusName,
    root: Root = None,
    steps: Annotated[
        str | None,
        typer.Option(
            "--steps", help=_("Steps with commas between, default or thesis; if not given, the recipe's.")
        ),
    ] = None,
    examples: Annotated[int, typer.Option("--show", min=0, help=_("How many texts are shown step by step."))] = 3,
    json: Json = False,
) -> None:
    check_corpus(name, root)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    chain = None if steps is None else [part.strip() for part in steps.split(",") if part.strip()]
    with show_progress():
        found = api.clean_corpus(name, root=root, steps=chain, examples=examples)
    if json:
        output.print_json(found.to_dict())
    else:
        _print(found)


def _print(found: Cleaned) -> None:
    from sentir.cli import output

    output.say(_("{corpus}: {n} texts", corpus=found.corpus, n=thousands(found.texts)))
    table = Table()
    for heading in (_("step"), _("changed"), _("share"), _("left without a word")):
        table.add_column(heading, justify="left" if heading == _("step") else "right")
    for effect in found.effects:
        share = localized(f"{effect.changed / max(1, found.texts):.1%}")
        table.add_row(effect.step, thousands(effect.changed), share, thousands(effect.emptied))
    output.out.print(table)
    steps = [effect.step for effect in found.effects]
    for walk in found.examples:
        output.say(walk.id)
        output.out.print(_walk(steps, walk.texts))
    if any(effect.emptied for effect in found.effects):
        output.say(_("A text without a word stays in its corpus; no step removes an utterance."))


def _walk(steps: list[str], texts: tuple[str, ...]) -> Table:
    """Return a table with the text as it is and after each step that changes it."""
    from sentir.cli import output

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    table.add_row(_("as it is"), output.text(texts[0]))
    for n, step in enumerate(steps):
        if texts[n] != texts[n + 1]:
            table.add_row(step, "∅" if is_blank(texts[n + 1]) else output.text(texts[n + 1]))
    return table
