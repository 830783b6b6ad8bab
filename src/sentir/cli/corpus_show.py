"""The command ``sentir corpus show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from sentir.cli import output
from sentir.cli.options import JsonOption, RootOption
from sentir.cli.plugins import AllowPluginsOption, PluginOption, load_corpus_plugins
from sentir.display_names import display_name, label_names
from sentir.errors import SentirError
from sentir.i18n import _, localize_numbers
from sentir.progress import show_progress

if TYPE_CHECKING:
    from sentir.api import UtteranceInspection
    from sentir.corpus.utterances import Utterance


def show(
    utterance_id: Annotated[
        str,
        typer.Argument(metavar="ID", help=_("Id of the utterance, or a unique end of it (train/dia0/utt3).")),
    ],
    corpus: Annotated[str, typer.Option(help=_("Name of a reader, or a recipe (TOML)."))],
    root: RootOption = None,
    turns: Annotated[int, typer.Option(min=0, help=_("Turns of context on either side."))] = 3,
    figure: Annotated[
        Path | None, typer.Option(help=_("Save the spectrogram to this file (.png, .svg or .pdf)."))
    ] = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_corpus_plugins(corpus, allow_plugins)
    from sentir import api

    with show_progress():
        inspection = api.inspect_utterance(utterance_id, corpus=corpus, root=root, turns=turns)
    if figure is not None:
        _save_spectrogram(inspection, figure)
    if json:
        output.print_json(inspection.to_dict())
        return
    _print_inspection(inspection, spectrogram=figure is None)
    if figure is not None:
        output.print_line(_("Written: {path}", path=figure))


def _save_spectrogram(inspection: UtteranceInspection, path: Path) -> None:
    from sentir.report.spectrogram import plot_spectrogram, save_figure

    if inspection.audio is None:
        raise SentirError(_("'{id}' has no clip, so there is no spectrogram.", id=inspection.utterance.id))
    if inspection.audio.mel is None:
        raise SentirError(inspection.audio.problem)
    save_figure(plot_spectrogram(inspection.audio, inspection.utterance.id), path)


def _print_inspection(inspection: UtteranceInspection, *, spectrogram: bool) -> None:
    u = inspection.utterance
    output.print_line(_("{id} (synthetic)", id=u.id) if inspection.synthetic else u.id)
    for other in (*inspection.before, u, *inspection.after):
        output.console.print(_format_turn(other, is_selected=other is u), soft_wrap=True)
    lines = [
        (_("dialogue"), _("{dialogue}, turn {turn}", dialogue=u.dialogue or u.id, turn=u.turn)),
        (_("split"), display_name(u.split)),
        *_label_lines(inspection),
        *((display_name(name), localize_numbers(f"{value:g}")) for name, value in u.numeric_features.items()),
        (_("clip"), _format_clip(inspection)),
    ]
    width = max(len(name) for name, _value in lines)
    for name, value in lines:
        output.console.print(output.as_text(f"{name.ljust(width)}  {value}"), soft_wrap=True)
    for issue in inspection.issues:
        output.print_line(f"{display_name(issue.severity)}: {issue.message}")
    if spectrogram and inspection.audio is not None and inspection.audio.mel is not None:
        _print_spectrogram(inspection)


def _format_turn(u: Utterance, *, is_selected: bool) -> Text:
    line = output.as_text(
        f"{'▶' if is_selected else ' '} {u.speaker or '–'}: {'–' if u.text is None else u.text}"
    )
    return Text(" ") + line if is_selected else Text(f" {line}", style="dim")


def _label_lines(inspection: UtteranceInspection) -> list[tuple[str, str]]:
    """Return the name and value of each line about labels."""
    u = inspection.utterance
    if inspection.has_sealed_labels:
        return [(_("labels"), _("sealed (test)"))]
    rows = [(display_name(task), label_names(names)) for task, names in u.labels.items()]
    if u.scores:
        scores = (f"{display_name(name)} {localize_numbers(f'{value:g}')}" for name, value in u.scores.items())
        rows.append((_("intensities"), ", ".join(scores)))
    return rows or [(_("labels"), _("none"))]


def _format_clip(inspection: UtteranceInspection) -> str:
    clip, audio = inspection.utterance.clip, inspection.audio
    if clip is None or audio is None:
        return _("none")
    end = "" if clip.end is None else f"{clip.end:g}"
    times = f" [{clip.start or 0:g}–{end} s]" if clip.start is not None or end else ""
    # A spectrogram file has no duration.
    note = audio.problem or (localize_numbers(f"{audio.seconds:.2f} s") if audio.seconds else "")
    return f"{clip.path}{times}" + (f" · {note}" if note else "")


def _print_spectrogram(inspection: UtteranceInspection) -> None:
    from sentir.report.spectrogram import render_spectrogram_text

    assert inspection.audio is not None
    for line in render_spectrogram_text(inspection.audio, columns=min(72, output.console.width - 2)):
        output.print_line(f" {line}")
