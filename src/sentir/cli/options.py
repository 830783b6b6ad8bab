"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.i18n import _
from sentir.preflight import require_corpus, require_root

RootOption = Annotated[Path | None, typer.Option("--root", help=_("Folder the corpus lies in."))]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help=_("Override a setting: section.key=value. May be repeated."))
]
JsonOption = Annotated[bool, typer.Option("--json", help=_("Print JSON instead of tables."))]
SplitOption = Annotated[str, typer.Option("--split", help=_("train, dev or test."))]
ReasonOption = Annotated[
    str, typer.Option("--reason", help=_("Why the locked test split is opened; the ledger keeps it."))
]
CorpusArgument = Annotated[str, typer.Argument(metavar="CORPUS", help=_("A reader's name, or a recipe (TOML)."))]
RecipeArgument = Annotated[
    Path, typer.Argument(help=_("A recipe: a TOML file, or the name of one of Sentir's own."))
]
ModelArgument = Annotated[Path, typer.Argument(help=_("Folder of a saved recognizer."))]

TextColumnOption = Annotated[
    str | None,
    typer.Option("--text-column", help=_("Column of texts; default: as in the model's recipe, or text.")),
]
SpeakerColumnOption = Annotated[
    list[str] | None,
    typer.Option("--speaker-column", help=_("Column of speakers; default: the recipe's, or speaker.")),
]
DialogueColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--dialogue-column",
        help=_("Column of dialogues, or several, each named so; default: the recipe's, or dialogue."),
    ),
]
AudioColumnOption = Annotated[
    str | None, typer.Option("--audio-column", help=_("Column of clips; default: the recipe's, or audio."))
]
IdColumnOption = Annotated[
    str | None, typer.Option("--id-column", help=_("Column of ids; default: the recipe's, or id."))
]
StartColumnOption = Annotated[
    str | None,
    typer.Option("--start-column", help=_("Column of seconds at which cuts start; default: the recipe's.")),
]
EndColumnOption = Annotated[
    str | None,
    typer.Option("--end-column", help=_("Column of seconds at which cuts end; default: the recipe's.")),
]
TurnColumnOption = Annotated[
    str | None,
    typer.Option("--turn-column", help=_("Column of the order within dialogues; default: the recipe's.")),
]


def require_recipe_and_corpus(recipe: Path, overrides: list[str] | None, root: Path | None) -> None:
    """Refuse a recipe that cannot be read, or whose corpus lies nowhere, before anything heavy is imported.

    Raises:
        SentirError: saying what is wrong with it.
    """
    from sentir.recipe import Recipe

    data = Recipe.load(recipe, overrides or ()).data
    require_root(data.reader, data.root if root is None else root)


def require_corpus_or_reader(corpus: str, root: Path | None) -> None:
    """Refuse a corpus that lies nowhere, before anything heavy is imported.

    Raises:
        SentirError: as `require_corpus`; a name that no reader has is left to those who know it.
    """
    from sentir.readers import READERS

    if Path(corpus).suffix == ".toml" or corpus in READERS:
        require_corpus(corpus, root)
