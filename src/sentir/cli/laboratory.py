"""Commands that need what ``pip install 'sentir[train]'`` installs."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from sentir.cli.usage_errors import HELP_OPTIONS
from sentir.optional_dependencies import require_extra


class LaboratoryCommand(TyperCommand):
    """A command that trains, evaluates or reports: without the packages only its help works."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Require the packages before anything else, then parse the options."""
        if not set(HELP_OPTIONS) & set(args):
            require_extra("train", f"'{ctx.command_path}'")
        return super().parse_args(ctx, args)
