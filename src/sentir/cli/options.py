"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.cli.plugins import load_allowed_plugins
from sentir.i18n import _
from sentir.preflight import require_corpus, require_root

RootOption = Annotated[Path | None, typer.Option("--root", help=_("Folder of the corpus."))]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help=_("Override a setting: section.key=value. May be repeated."))
]
JsonOption = Annotated[bool, typer.Option("--json", help=_("Print JSON instead of tables."))]
SplitOption = Annotated[str, typer.Option("--split", help=_("Split: train, dev or test."))]
ReasonOption = Annotated[
    str, typer.Option("--reason", help=_("Why test is evaluated, recorded in the ledger; needed for test only."))
]
CorpusArgument = Annotated[str, typer.Argument(metavar="CORPUS", help=_("Name of a reader, or a recipe (TOML)."))]
CorpusOption = Annotated[
    str | None,
    typer.Option("--corpus", help=_("Name of a reader, or a recipe (TOML); default: the model's corpus.")),
]
RecipeArgument = Annotated[
    Path, typer.Argument(help=_("A recipe: a TOML file, or the name of one that comes with Sentir."))
]
ModelArgument = Annotated[Path, typer.Argument(help=_("Folder of a saved model."))]

TextColumnOption = Annotated[
    str | None,
    typer.Option("--text-column", help=_("Text column; default: the recipe's, or 'text'.")),
]
SpeakerColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--speaker-column", help=_("Speaker column; default: the recipe's, or 'speaker'. May be repeated.")
    ),
]
DialogueColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--dialogue-column",
        help=_("Dialogue column; default: the recipe's, or 'dialogue'. May be repeated."),
    ),
]
AudioColumnOption = Annotated[
    str | None, typer.Option("--audio-column", help=_("Audio file column; default: the recipe's, or 'audio'."))
]
IdColumnOption = Annotated[
    str | None, typer.Option("--id-column", help=_("Id column; default: the recipe's, or 'id'."))
]
StartColumnOption = Annotated[
    str | None,
    typer.Option("--start-column", help=_("Column of segment starts, in seconds; default: the recipe's.")),
]
EndColumnOption = Annotated[
    str | None,
    typer.Option("--end-column", help=_("Column of segment ends, in seconds; default: the recipe's.")),
]
TurnColumnOption = Annotated[
    str | None,
    typer.Option("--turn-column", help=_("Column of turn numbers within a dialogue; default: the recipe's.")),
]


def require_recipe_and_corpus(
    recipe: Path, overrides: list[str] | None, root: Path | None, allow_plugins: bool
) -> None:
    """Refuse a recipe that cannot be read, or whose corpus is missing, before anything heavy is imported.

    Its plug-ins are loaded if they are allowed.

    Raises:
        SentirError: if the recipe is invalid, its plug-ins are not allowed, or the corpus is missing.
    """
    from sentir.recipe import Recipe

    load_allowed_plugins(recipe, overrides, allow_plugins)
    data = Recipe.load(recipe, overrides or ()).data
    require_root(data.reader, data.root if root is None else root)


def load_corpus_plugins(corpus: str | None, allow: bool) -> None:
    """Load the plug-ins of a corpus that is given by a recipe, if they are allowed."""
    if corpus is not None and Path(corpus).suffix == ".toml":
        load_allowed_plugins(corpus, None, allow)


def require_corpus_or_reader(corpus: str, root: Path | None, allow_plugins: bool) -> None:
    """Refuse a missing corpus before anything heavy is imported, and load the plug-ins of a recipe.

    Raises:
        SentirError: as `require_corpus`; an unknown reader is reported later, by the registry.
    """
    from sentir.readers import READERS

    load_corpus_plugins(corpus, allow_plugins)
    if Path(corpus).suffix == ".toml" or corpus in READERS:
        require_corpus(corpus, root)
