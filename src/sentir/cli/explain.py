"""The command ``sentir explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from sentir.cli.options import Json, Model, Root
from sentir.i18n import _
from sentir.preflight import require_corpus_of, require_files, require_model

if TYPE_CHECKING:
    from sentir.explanation.results import Explanation, ModelExplanation, Passage

_TOP = 8


def add_explain(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=_(
            "Explain an answer by its words and its sound. With --root and no --id: what the model loses on dev "
            "without text, sound, context or numbers."
        ),
        epilog=_('Example: sentir explain models/mine --text "I can\'t believe it!" --out why.html'),
    )(explain)


def explain(
    model: Model,
    text: Annotated[str | None, typer.Option("--text", help=_("A text."))] = None,
    file: Annotated[Path | None, typer.Option("--file", help=_("A sound or video file."))] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help=_("A reader's name, or a recipe; default: the model's own."))
    ] = None,
    root: Root = None,
    id: Annotated[
        str | None, typer.Option("--id", help=_("An utterance of the corpus, by its id or the end of it."))
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help=_("Label to explain; default: the most probable."))
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help=_("Compare with the maps of shuffled weights (takes longer)."))
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help=_("Write a page here (.html), in two languages."))
    ] = None,
    json: Json = False,
) -> None:
    one = text is not None or file is not None or id is not None
    _check_choice(one, text is not None or file is not None, id, corpus, root, label, check)
    require_files([] if file is None else [file])
    _check_place(model, corpus, root, in_corpus=id is not None or not one)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    found: Explanation | ModelExplanation
    with show_progress():
        if one:
            found = api.explain(
                model,
                id=id,
                text=text,
                file=file,
                corpus=corpus,
                root=root,
                label=label,
                check=check,
                page=out,
            )
        else:
            found = api.explain_model(model, corpus=corpus, root=root, page=out)
    if json:
        output.print_json(found.to_dict())
        return
    print_explanation(found)
    if out is not None:
        output.say(_("Written: {path}", path=out))


def _check_place(model: Path, corpus: str | None, root: Path | None, *, in_corpus: bool) -> None:
    if in_corpus:
        require_corpus_of(model, corpus, root)
    else:
        require_model(model)


def _check_choice(
    one: bool, given: bool, id: str | None, corpus: str | None, root: Path | None, label: str | None, check: bool
) -> None:
    from sentir.errors import SentirError

    if given and id is not None:
        raise SentirError(_("--id names an utterance of a corpus; give it without --text and --file."))
    if not one and corpus is None and root is None:
        raise SentirError(_("There is nothing to explain; give --text, --file, or --root with or without --id."))
    if not one and (label is not None or check):
        raise SentirError(_("--label and --check are for one answer; give --text, --file or --id with them."))


def print_explanation(found: Explanation | ModelExplanation) -> None:
    """Print an explanation of an answer or of a model."""
    from sentir.explanation.results import Explanation

    if isinstance(found, Explanation):
        _print_answer(found)
    else:
        _print_model(found)


def _print_answer(found: Explanation) -> None:
    from sentir.cli import output
    from sentir.explanation.figures import MAP_NAMES, sound_text
    from sentir.explanation.page import completeness, ranked_words, signed, summary, verdict

    output.say(summary(found))
    if found.words is not None:
        largest = float(abs(found.words.values).max())
        for passage in found.words.passages:
            output.out.print(_marked(passage, largest), soft_wrap=True)
        top = " · ".join(f"{one.text} {signed(one.value)}" for one in ranked_words(found)[:_TOP])
        output.say(_("Strongest words: {words}", words=top))
        output.say(completeness(found))
    if found.sound is not None:
        for name in found.sound.maps:
            output.say(f"{_(MAP_NAMES[name])}: {sound_text(found.sound, name)}")
    for check in found.checks:
        part = _("the head") if check.part == "head" else _("all weights")
        name, r = _(MAP_NAMES[check.map]), signed(check.correlation)
        output.say(
            _(
                "{map}, {part} shuffled: correlation {r}; {verdict}.",
                map=name,
                part=part,
                r=r,
                verdict=verdict(check),
            )
        )


def _marked(passage: Passage, largest: float) -> Text:
    """Return a turn with its words marked: bold for the label, crossed out against it, the strong ones alone."""
    from sentir.cli import output
    from sentir.explanation.page import signed, strength

    line = Text(" ▶ " if passage.place == "own" else "   ")
    line += Text(f"{signed(passage.total):>6} ", style="dim")
    line += output.text(f"{passage.speaker}: " if passage.speaker else "")
    for n, one in enumerate(passage.words):
        style = ("bold green" if one.value > 0 else "strike red") if strength(one, largest) else ""
        line += output.text("" if one.glued or not n else " ") + Text(output.text(one.text).plain, style=style)
    return line


def _print_model(found: ModelExplanation) -> None:
    from rich.table import Table

    from sentir.cli import output
    from sentir.explanation.page import SHOWN, amount, interval_text, loss_sentence
    from sentir.report.html import score_text
    from sentir.report.words import word

    output.say(f"{found.model} · {found.corpus} · {word('dev')} · {word(found.metric)} {score_text(found.score)}")
    for one in found.withheld:
        output.say(loss_sentence(found, one))
    if not found.columns:
        return
    table = Table(title=output.text(_("Lost when numbers are permuted")), title_justify="left")
    for heading in (_("numbers"), _("columns"), _("lost"), _("95 % interval")):
        table.add_column(heading, justify="left" if heading == _("numbers") else "right", overflow="fold")
    for row in (*found.sets, *found.columns[:SHOWN]):
        cells = (row.name, str(row.columns), amount(found.metric, row.loss), interval_text(found.metric, row))
        table.add_row(*map(output.text, cells))
    output.out.print(table)
