"""``sentir push``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
from sentir.i18n import _
from sentir.progress import show_progress


def push(
    model: Annotated[Path, typer.Argument(help=_("Folder of a saved or exported model."))],
    repo_id: Annotated[
        str,
        typer.Argument(metavar="OWNER/NAME", help=_("Repository of the hub; created if it does not exist.")),
    ],
    private: Annotated[bool, typer.Option("--private", help=_("Make a new repository private."))] = False,
    revision: Annotated[
        str | None, typer.Option(help=_("Branch to push to, created if it does not exist; default: main."))
    ] = None,
    message: Annotated[str | None, typer.Option(help=_("Message of the commit."))] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help=_("Confirm that the licenses of its corpora allow sharing the model."))
    ] = False,
) -> None:
    from sentir import api
    from sentir.recognizer.hub_upload import describe_sharing

    remark = "" if yes else describe_sharing(model)
    if remark and sys.stdin.isatty():
        output.print_line(remark)
        if not typer.confirm(_("May the model be shared, and should it be pushed?")):
            raise typer.Exit(1)
        yes = True
    with show_progress():
        commit = api.push_to_hub(
            model, repo_id, private=private or None, revision=revision, commit_message=message, accept_license=yes
        )
    output.print_line(_("Pushed to {name}: {url}", name=repo_id, url=commit.commit_url))
    output.print_next_commands(f'sentir predict {repo_id} --revision {commit.oid} --text "…"')
