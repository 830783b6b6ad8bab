"""The command ``sentir corpus show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from sentir.cli.options import Json, Root, check_corpus
from sentir.i18n import _, localized

if TYPE_CHECKING:
    from sentir.api import Shown
    from sentir.corpus.utterances import Utterance


def add_show(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "show",
        help=_(
            "Print an utterance with its neighbors, labels, numbers, clip and defects, and draw its spectrogram."
        ),
        epilog=_("Example: sentir corpus show meld/train/dia0/utt3 --corpus meld --root DATA/meld"),
    )(show_one)


def show_one(
    key: Annotated[
        str,
        typer.Argument(metavar="ID", help=_("Its id, or the end of it (train/dia0/utt3) if one alone has it.")),
    ],
    corpus: Annotated[str, typer.Option("--corpus", help=_("A reader's name, or a recipe (TOML)."))],
    root: Root = None,
    turns: Annotated[int, typer.Option("--turns", min=0, help=_("Neighbors before and after."))] = 3,
    figure: Annotated[
        Path | None, typer.Option("--figure", help=_("Draw the spectrogram into this file: .png, .svg or .pdf."))
    ] = None,
    json: Json = False,
) -> None:
    check_corpus(corpus, root)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    with show_progress():
        found = api.show_utterance(key, corpus=corpus, root=root, turns=turns)
    if figure is not None:
        _draw(found, figure)
    if json:
        output.print_json(found.to_dict())
        return
    _print(found, picture=figure is None)
    if figure is not None:
        output.say(_("Written: {path}", path=figure))


def _draw(found: Shown, path: Path) -> None:
    from sentir.errors import SentirError
    from sentir.report.spectrogram import save_figure, spectrogram_figure

    if found.sound is None:
        raise SentirError(_("'{id}' has no clip, so there is no spectrogram.", id=found.utterance.id))
    if found.sound.mel is None:
        raise SentirError(found.sound.problem)
    save_figure(spectrogram_figure(found.sound, found.utterance.id), path)


def _print(found: Shown, *, picture: bool) -> None:
    from sentir.cli import output
    from sentir.report.words import word

    u = found.utterance
    output.say(_("{id} (synthetic)", id=u.id) if found.synthetic else u.id)
    for other in (*found.before, u, *found.after):
        output.out.print(_turn(other, this=other is u), soft_wrap=True)
    lines = [
        (_("dialogue"), _("{dialogue}, turn {turn}", dialogue=u.dialogue or u.id, turn=u.turn)),
        (_("split"), word(u.split)),
        *_labels(found),
        *((word(name), localized(f"{value:g}")) for name, value in u.numbers.items()),
        (_("clip"), _clip(found)),
    ]
    width = max(len(name) for name, _value in lines)
    for name, value in lines:
        output.out.print(output.text(f"{name.ljust(width)}  {value}"), soft_wrap=True)
    for issue in found.issues:
        output.say(f"{word(issue.severity)}: {issue.message}")
    if picture and found.sound is not None and found.sound.mel is not None:
        _print_picture(found)


def _turn(u: Utterance, *, this: bool) -> Text:
    from sentir.cli import output

    says = output.text(f"{'▶' if this else ' '} {u.speaker or '–'}: {'–' if u.text is None else u.text}")
    return Text(" ") + says if this else Text(f" {says}", style="dim")


def _labels(found: Shown) -> list[tuple[str, str]]:
    """Return name and value of every line about labels."""
    from sentir.report.words import word

    u = found.utterance
    if found.sealed:
        return [(_("labels"), _("sealed (test)"))]
    rows = [
        (word(task), ", ".join(word(str(name)) for name in names) or _("none of them"))
        for task, names in u.labels.items()
    ]
    if u.scores:
        rows.append(
            (
                _("intensities"),
                ", ".join(f"{word(name)} {localized(f'{value:g}')}" for name, value in u.scores.items()),
            )
        )
    return rows or [(_("labels"), _("none"))]


def _clip(found: Shown) -> str:
    clip, sound = found.utterance.clip, found.sound
    if clip is None or sound is None:
        return _("none")
    end = "" if clip.end is None else f"{clip.end:g}"
    cut = f" [{clip.start or 0:g}–{end} s]" if clip.start is not None or end else ""
    known = sound.problem or (
        localized(f"{sound.seconds:.2f} s") if sound.seconds else ""
    )  # a spectrogram tells no length
    return f"{clip.path}{cut}" + (f" · {known}" if known else "")


def _print_picture(found: Shown) -> None:
    from sentir.cli import output
    from sentir.report.spectrogram import spectrogram_text

    assert found.sound is not None
    for line in spectrogram_text(found.sound, columns=min(72, output.out.width - 2)):
        output.say(f" {line}")
