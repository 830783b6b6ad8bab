"""A call that cannot be understood is one sentence in the current language."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from sentir.i18n import _, mark
from sentir.safe_text import printable

_UsageError: Any = typer.BadParameter.__bases__[0]  # of click, or of typer's own copy of it
_NAME = r"'?(?P<name>.+?)'?"
_SENTENCES = {  # what click says, and what we say
    rf"Missing (argument|parameter|option) {_NAME}(\. .*)?\.?": mark("{name} is missing."),
    r"Missing command\.?": mark("A command is missing."),
    rf"No such command {_NAME}\. Did you mean '(?P<near>.+?)'\?": mark(
        "There is no command {name}; did you mean {near}?"
    ),
    rf"No such command {_NAME}\.": mark("There is no command {name}."),
    rf"No such option:? {_NAME} \(Possible options: (?P<near>.+)\)": mark(
        "There is no option {name}; similar ones: {near}."
    ),
    rf"No such option:? {_NAME}\.? Did you mean {_NAME.replace('name', 'near')}\?": mark(
        "There is no option {name}; did you mean {near}?"
    ),
    rf"No such option:? {_NAME}": mark("There is no option {name}."),
    r"Got unexpected extra arguments?(\(s\))? \((?P<name>.+)\)": mark("There is no place for {name}."),
    rf"Option {_NAME} requires (an argument|\d+ arguments)\.": mark("The option {name} needs a value."),
    rf"Option {_NAME} does not take a value\.": mark("The option {name} takes no value."),
    rf"Invalid value for {_NAME}: Input should be greater than or equal to (?P<least>\S+)": mark(
        "{name} must be at least {least}."
    ),
    rf"Invalid value for {_NAME}: .*\b(integer|int)\b.*": mark("{name} must be a whole number."),
    rf"Invalid value for {_NAME}: .*\b(number|float)\b.*": mark("{name} must be a number."),
    rf"Invalid value for {_NAME}: (?P<why>.+)": mark("{name} cannot be used: {why}"),
}


class Commands(TyperGroup):
    """The commands, whose usage errors are sentences of ours."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options of the program itself."""
        with _told():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Read the options of a command, and run it."""
        with _told():
            return super().invoke(ctx)


class _BadCallError(_UsageError):  # type: ignore[misc]
    def show(self, file: Any = None) -> None:
        """Print the sentence, and where help is."""
        print(printable(_("Error: {message}", message=self.message)), file=file or sys.stderr)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        if not (sentence := usage_sentence(error.format_message())):
            raise
        command = "sentir" if error.ctx is None else error.ctx.command_path
        hint = _("See '{command} --help'.", command=command)
        raise _BadCallError(f"{sentence} {hint}", ctx=error.ctx) from error


def usage_sentence(said: str) -> str:
    """Return what click says of a bad call as a sentence of ours; ``""`` of what it never said before."""
    for pattern, sentence in _SENTENCES.items():
        if found := re.fullmatch(pattern, said.strip(), re.DOTALL):
            return _(sentence, **{key: value for key, value in found.groupdict().items()})
    return ""
