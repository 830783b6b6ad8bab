"""Usage errors as sentences, and the words of help texts, in the current language."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from sentir.i18n import _, gettext_noop
from sentir.safe_text import make_printable

_UsageError: Any = typer.BadParameter.__bases__[0]  # of click, or of typer's own copy of it
_BaseFormatter: Any = typer.Context.formatter_class
HELP_OPTIONS = ["-h", "--help"]
_NAME_PATTERN = r"'?(?P<name>.+?)'?"
_MESSAGES = {  # pattern of click's message → ours
    rf"Missing (argument|parameter|option) {_NAME_PATTERN}(\. .*)?\.?": gettext_noop("{name} is missing."),
    r"Missing command\.?": gettext_noop("A command is missing."),
    rf"No such command {_NAME_PATTERN}\. Did you mean '(?P<near>.+?)'\?": gettext_noop(
        "There is no command {name}; did you mean {near}?"
    ),
    rf"No such command {_NAME_PATTERN}\.": gettext_noop("There is no command {name}."),
    rf"No such option:? {_NAME_PATTERN} \(Possible options: (?P<near>.+)\)": gettext_noop(
        "There is no option {name}; similar ones: {near}."
    ),
    rf"No such option:? {_NAME_PATTERN}\.? Did you mean {_NAME_PATTERN.replace('name', 'near')}\?": gettext_noop(
        "There is no option {name}; did you mean {near}?"
    ),
    rf"No such option:? {_NAME_PATTERN}": gettext_noop("There is no option {name}."),
    r"Got unexpected extra arguments?(\(s\))? \((?P<name>.+)\)": gettext_noop("Unexpected argument: {name}."),
    rf"Option {_NAME_PATTERN} requires (an argument|\d+ arguments)\.": gettext_noop(
        "The option {name} needs a value."
    ),
    rf"Option {_NAME_PATTERN} does not take a value\.": gettext_noop("The option {name} takes no value."),
    rf"Invalid value for {_NAME_PATTERN}: Input should be greater than or equal to (?P<least>\S+)": gettext_noop(
        "{name} must be at least {least}."
    ),
    rf"Invalid value for {_NAME_PATTERN}: .*\b(integer|int)\b.*": gettext_noop("{name} must be a whole number."),
    rf"Invalid value for {_NAME_PATTERN}: .*\b(number|float)\b.*": gettext_noop("{name} must be a number."),
    rf"Invalid value for {_NAME_PATTERN}: (?P<why>.+)": gettext_noop("{name} cannot be used: {why}"),
}
_HELP_WORDS = {
    "Usage: ": gettext_noop("Usage: "),
    "Arguments": gettext_noop("Arguments"),
    "Options": gettext_noop("Options"),
    "Commands": gettext_noop("Commands"),
    "Show this message and exit.": gettext_noop("Show this message and exit."),
}


class _HelpFormatter(_BaseFormatter):  # type: ignore[misc]
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or _("Usage: "))

    def write_heading(self, heading: str) -> None:
        super().write_heading(_(_HELP_WORDS.get(heading, heading)))

    def write_dl(self, rows: Iterable[tuple[str, str]], *settings: Any, **named: Any) -> None:
        super().write_dl([(name, _(_HELP_WORDS.get(text, text))) for name, text in rows], *settings, **named)


class _HelpContext(typer.Context):
    formatter_class = _HelpFormatter

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__(*settings, **{"help_option_names": HELP_OPTIONS} | named)


class CommandGroup(TyperGroup):
    """Commands with usage errors and help texts in the current language."""

    context_class = _HelpContext

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command whose help is in the current language."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            command.context_class = _HelpContext
        return command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the global options."""
        with _translated_errors():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Parse the options of a command, and run it."""
        with _translated_errors():
            return super().invoke(ctx)


class _TranslatedUsageError(_UsageError):  # type: ignore[misc]
    def show(self, file: Any = None) -> None:
        """Print the sentence, with a hint to the help."""
        print(make_printable(_("Error: {message}", message=self.message)), file=file or sys.stderr)


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        if not (sentence := translate_usage_error(error.format_message())):
            raise
        command = "sentir" if error.ctx is None else error.ctx.command_path
        hint = _("See '{command} --help'.", command=command)
        raise _TranslatedUsageError(f"{sentence} {hint}", ctx=error.ctx) from error


def translate_usage_error(message: str) -> str:
    """Translate a usage error of click; ``""`` if it is unknown."""
    message = message.strip().removesuffix(" (Possible options: --help)")  # what is similar to it by chance
    for pattern, sentence in _MESSAGES.items():
        if match := re.fullmatch(pattern, message, re.DOTALL):
            return _(sentence, **match.groupdict())
    return ""
