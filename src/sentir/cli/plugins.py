"""The options for plug-ins, and the question whether a recipe may run its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sentir.i18n import _
from sentir.paths import PathLike
from sentir.process_group import rank, world_size
from sentir.safe_text import make_printable


def _load(files: list[Path] | None) -> list[Path] | None:
    """Load plug-ins as soon as their option is parsed."""
    from sentir.plugins import load_plugins

    load_plugins(files or ())
    return files


PluginOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        callback=_load,
        help=_("Python file to load, with a reader, backbone or other part of your own. May be repeated."),
    ),
]
AllowPluginsOption = Annotated[
    bool, typer.Option("--allow-plugins", help=_("Run the plug-ins that the recipe names, without a question."))
]


def load_allowed_plugins(recipe: PathLike, overrides: list[str] | None, allow: bool) -> None:
    """Load the plug-ins that a recipe names, if the option or the user at the terminal allows it.

    Raises:
        SentirError: if the recipe cannot be read, or a plug-in is not allowed or cannot be loaded.
    """
    from sentir.plugins import load_plugin
    from sentir.recipe.recipe_plugins import list_recipe_plugins, not_allowed_error

    for plugin in list_recipe_plugins(recipe, overrides or ()):
        if allow:
            path = plugin.absolute()
            _print_error_line(_("The recipe {recipe} runs the plug-in {path}.", recipe=recipe, path=path))
        elif not _confirm(recipe, plugin):
            raise not_allowed_error(recipe, plugin)
        load_plugin(plugin)


def load_corpus_plugins(corpus: str | None, allow: bool) -> None:
    """Load the plug-ins of a corpus that is given by a recipe, if they are allowed."""
    if corpus is not None and Path(corpus).suffix == ".toml":
        load_allowed_plugins(corpus, None, allow)


def _confirm(recipe: PathLike, plugin: Path) -> bool:
    if world_size() > 1 or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    _print_error_line(
        _("The recipe {recipe} runs the plug-in {path}, which is Python code. Do you trust it? [y/N]",
          recipe=recipe, path=plugin.absolute())
    )  # fmt: skip
    return sys.stdin.readline().strip().lower() in ("y", "yes", "s", "si", "sí")


def _print_error_line(line: str) -> None:
    if rank() == 0:
        print(make_printable(line), file=sys.stderr, flush=True)
