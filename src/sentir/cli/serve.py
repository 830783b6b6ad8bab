"""``sentir serve``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
from sentir.cli.options import ProviderOption
from sentir.cli.plugins import PluginOption
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.optional_dependencies import require_extra
from sentir.paths import PathLike

TOKEN_VARIABLE = "SENTIR_TOKEN"


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL…",
            help=_(
                "Folders of saved models, or NAME=FOLDER; default: the starter, for English text, and a demo "
                "model of 'make run' with audio."
            ),
        ),
    ] = None,
    host: Annotated[str, typer.Option(help=_("Address to listen on."))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help=_("Port to listen on; 0: a free one."))] = 8000,
    purpose: Annotated[
        str, typer.Option(help=_("Declared purpose, such as research; needed for models that take audio."))
    ] = "",
    token_file: Annotated[
        Path | None,
        typer.Option(help=_("File with the bearer token that clients must send; or the variable SENTIR_TOKEN.")),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(help=_("Origin that browsers may call from: https://example.org. May be repeated.")),
    ] = None,
    root_path: Annotated[
        str, typer.Option(help=_("Prefix under which a proxy serves it, such as /sentir."))
    ] = "",
    max_body_mb: Annotated[int, typer.Option(min=1, help=_("Largest request, in MB."))] = 32,
    max_seconds: Annotated[float, typer.Option(min=1.0, help=_("Longest clip of a request, in seconds."))] = 60.0,
    max_batch: Annotated[int, typer.Option(min=1, help=_("Inputs predicted together."))] = 64,
    provider: ProviderOption = "cpu",
    plugin: PluginOption = None,
) -> None:
    require_extra("serve", "'sentir serve'")
    from sentir import api
    from sentir.serving.first_run import first_models
    from sentir.serving.purposes import check_purpose
    from sentir.serving.run import serve as run
    from sentir.serving.settings import Limits, ServerSettings

    check_purpose(purpose, ())  # before the models are loaded
    limits = Limits(max_body_bytes=max_body_mb * 1024**2, max_seconds=max_seconds, max_batch_inputs=max_batch)
    settings = ServerSettings(purpose, read_token(token_file), tuple(cors or ()), limits)
    if models:
        named = name_models(models)
    else:
        named, settings = first_models(Path(), settings)
    recognizers = {name: api.load(folder, provider=provider) for name, folder in named.items()}
    if port:
        address = f"{as_url_host(host)}:{port}{root_path}"
        output.print_line(_("Open http://{address} in a browser; Ctrl-C ends the server.", address=address))
    run(recognizers, settings, host=host, port=port, root_path=root_path)


def as_url_host(host: str) -> str:
    """Return a host as it is written in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def name_models(models: Sequence[str]) -> dict[str, PathLike]:
    """Return name → folder or hub id, of arguments ``FOLDER`` or ``NAME=FOLDER``.

    Raises:
        SentirError: if two have the same name.
    """
    named: dict[str, PathLike] = {}
    for argument in models:
        name, equals, folder = argument.partition("=")
        if not equals or Path(argument).exists():
            name, folder = Path(argument).name, argument
        if name in named:
            raise SentirError(_("Two models are called '{name}'; name them: NAME=FOLDER.", name=name))
        named[name] = folder
    return named


def read_token(path: Path | None) -> str:
    """Return the token of a file, or of the variable ``SENTIR_TOKEN``; ``""`` if there is none.

    Raises:
        SentirError: if the file cannot be read, or the token is not printable ASCII without spaces.
    """
    try:
        text = os.environ.get(TOKEN_VARIABLE, "") if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SentirError(_("The token cannot be read from {path}: {why}.", path=path, why=error)) from error
    token = text.strip()
    if (path is not None and not token) or not token.isascii() or any(not "!" <= c <= "~" for c in token):
        raise SentirError(_("A token is one line of letters, digits and punctuation of ASCII, without spaces."))
    return token
