"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.i18n import _

RootOption = Annotated[Path | None, typer.Option(help=_("Folder of the corpus."))]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help=_("Override a setting: section.key=value. May be repeated."))
]
JsonOption = Annotated[bool, typer.Option("--json", help=_("Print JSON instead of tables."))]
OpenOption = Annotated[bool, typer.Option("--open", help=_("Open the report in the browser when done."))]
RunFolderOption = Annotated[Path | None, typer.Option(help=_("Output folder; default: runs/RECIPE."))]
WorkersOption = Annotated[int | None, typer.Option(min=1, help=_("Worker processes; default: one per core."))]
SplitOption = Annotated[str, typer.Option(help=_("Split: train, dev or test."))]
ReasonOption = Annotated[
    str, typer.Option(help=_("Why test is evaluated, recorded in the ledger; needed for test only."))
]
CorpusArgument = Annotated[str, typer.Argument(metavar="CORPUS", help=_("Name of a reader, or a recipe (TOML)."))]
CorpusOption = Annotated[
    str | None, typer.Option(help=_("Name of a reader, or a recipe (TOML); default: the model's corpus."))
]
RecipeArgument = Annotated[
    Path, typer.Argument(help=_("A recipe: a TOML file, or the name of one that comes with Sentir."))
]
ModelArgument = Annotated[
    str, typer.Argument(help=_("Folder of a saved model, or one on the hub: OWNER/NAME or OWNER/NAME@REVISION."))
]
ProviderOption = Annotated[
    str, typer.Option(help=_("Execution provider of an exported model: cpu, cuda, directml or coreml."))
]
RevisionOption = Annotated[
    str | None, typer.Option(help=_("Branch, tag or commit of a model on the hub; default: main."))
]
TaskOption = Annotated[str | None, typer.Option(help=_("One of the model's tasks; default: its main one."))]
