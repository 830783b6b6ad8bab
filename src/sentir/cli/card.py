"""``sentir card``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
from sentir.cli.options import ModelArgument
from sentir.cli.plugins import PluginOption
from sentir.i18n import _
from sentir.io import prepare_output_path, write_text


def card(
    model: ModelArgument,
    compliance: Annotated[
        bool,
        typer.Option(
            "--compliance",
            help=_("What a deployer needs: intended use, data, accuracy by group, limits, human oversight."),
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help=_("Markdown file to write, instead of printing it."))] = None,
    plugin: PluginOption = None,
) -> None:
    from sentir import api

    text = api.model_card(model, compliance=compliance).to_markdown()
    if out is None:
        typer.echo(text, nl=False)
        return
    prepare_output_path(out)
    write_text(out, text)
    output.print_line(_("Written: {path}", path=out))
