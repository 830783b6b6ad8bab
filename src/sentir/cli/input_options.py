"""Arguments and options of the commands that take texts, files and tables to predict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sentir.errors import CorpusError
from sentir.files.media_files import is_media_file
from sentir.files.remote_files import RemoteFile, is_remote
from sentir.files.tables import JSON_SUFFIXES, TABLE_SUFFIXES
from sentir.i18n import _
from sentir.paths import STARTER
from sentir.preflight import require_files

OptionalModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help=_(
            "Folder of a saved model, or one on the hub: OWNER/NAME or OWNER/NAME@REVISION; default: the "
            "starter, for English text."
        ),
    ),
]
FilesArgument = Annotated[  # strings, as Path("") would be the working folder
    list[str] | None, typer.Argument(help=_("Audio or video files, folders of them, tables, or conversations."))
]
TextOption = Annotated[
    list[str] | None,
    typer.Option(help=_("A text; may be repeated. Texts and as many clips are paired, in order.")),
]
TextColumnOption = Annotated[str | None, typer.Option(help=_("Text column; default: the recipe's, or 'text'."))]
SpeakerColumnOption = Annotated[
    list[str] | None,
    typer.Option(help=_("Speaker column; default: the recipe's, or 'speaker'. May be repeated.")),
]
DialogueColumnOption = Annotated[
    list[str] | None,
    typer.Option(help=_("Dialogue column; default: the recipe's, or 'dialogue'. May be repeated.")),
]
AudioColumnOption = Annotated[
    str | None, typer.Option(help=_("Audio file column; default: the recipe's, or 'audio'."))
]
IdColumnOption = Annotated[str | None, typer.Option(help=_("Id column; default: the recipe's, or 'id'."))]
StartColumnOption = Annotated[
    str | None, typer.Option(help=_("Column of segment starts, in seconds; default: the recipe's."))
]
EndColumnOption = Annotated[
    str | None, typer.Option(help=_("Column of segment ends, in seconds; default: the recipe's."))
]
TurnColumnOption = Annotated[
    str | None, typer.Option(help=_("Column of turn numbers within a dialogue; default: the recipe's."))
]

EnrollOption = Annotated[
    Path | None,
    typer.Option(
        help=_(
            "Clips of the speaker, without labels, to normalize by: a file, a folder, or a table with a speaker "
            "column."
        )
    ),
]


def split_model(model: str | None, files: Sequence[str] | None) -> tuple[str, list[str]]:
    """Return the model and the files of a command whose first argument may be either.

    It is a file if it is the path of one, as models are folders; the model is then the starter.

    Raises:
        CorpusError: if the first argument is a file that does not exist, or looks like a text.
    """
    if model is None:
        return STARTER, []
    if is_remote(model):
        return STARTER, [model, *(files or ())]
    is_input = is_media_file(model) or Path(model).suffix.lower() in TABLE_SUFFIXES | JSON_SUFFIXES
    if not os.path.isdir(model) and (is_input or not model or any(letter.isspace() for letter in model)):
        require_files([model])
    if os.path.isfile(model):
        return STARTER, [model, *(files or ())]
    return model, [*(files or ())]


def make_items(texts: Sequence[str] | None, files: Sequence[str] | None) -> list[object]:
    """Return the items to predict, texts first; as many audio or video files as texts are paired with them.

    Raises:
        CorpusError: if there are none, or a file does not exist.
    """
    texts, files = texts or (), files or ()
    if not texts and not files:
        raise CorpusError(_("There is nothing to predict; give --text or a file."))
    require_files(file for file in files if not is_remote(file))
    if len(texts) == len(files) and all(map(_is_local_clip, files)):
        pairs = zip(texts, map(Path, files), strict=True)
        return [{"id": str(path), "text": text, "audio": path} for text, path in pairs]
    return [*texts, *map(_to_item, files)]


def _is_local_clip(file: str) -> bool:
    return is_media_file(file) and not is_remote(file) and not Path(file).is_dir()


def _to_item(file: str) -> Path | RemoteFile:
    return RemoteFile(file) if is_remote(file) else Path(file)
