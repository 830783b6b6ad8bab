"""The command line: ``sentir VERB …``. Exit code 0 done, 1 found problems, 2 bad call."""

from __future__ import annotations

import io
import os
import sys
import warnings
from contextlib import nullcontext, redirect_stdout
from importlib import metadata

from sentir.errors import SentirError
from sentir.i18n import LANGUAGES, _, set_language
from sentir.process_group import rank
from sentir.safe_text import make_printable

_IGNORED_WARNINGS = (
    "Glyph .* missing from font",  # an SVG is drawn by the fonts of its reader
    "Support for mismatched key_padding_mask and attn_mask",  # what transformers gives torch in a speech encoder
)


def main() -> None:
    """Run the command line; every error raised on purpose is one sentence on standard error."""
    _tolerate_encoding_errors()
    _ignore_warnings()
    arguments = _pop_language(sys.argv[1:])
    if arguments[:1] == ["--version"]:
        print(f"sentir {metadata.version('sentir')}")
        return
    from sentir.cli.app import app  # after the language is known: help texts are made at import

    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere) if rank() else nullcontext():
            app(args=arguments, prog_name="sentir")  # of several processes the first speaks
    except SentirError as error:
        _exit_with_error(str(error))
    except (MemoryError, RuntimeError, ImportError) as error:
        if not _is_out_of_memory(error):
            raise
        _exit_with_error(_("The system gives no more memory ({why}); close other programs, lift the limit (ulimit -v), or "
                "set a smaller batch.", why=str(error).split("\n")[0] or type(error).__name__))  # fmt: skip
    except OSError as error:
        _exit_with_error(_("A file or folder cannot be used: {why}.", why=error))


def _tolerate_encoding_errors() -> None:
    """Let no character end a command that the terminal's encoding does not have."""
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error is how Python, torch or the loader of libraries say that memory has run out."""
    words = ("allocate memory", "not enough memory", "out of memory", "start new thread", "failed to map segment")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def _ignore_warnings() -> None:
    """Leave out what other packages warn of and no user can do anything about."""
    for message in _IGNORED_WARNINGS:
        warnings.filterwarnings("ignore", message=message)


def _exit_with_error(message: str) -> None:
    print(make_printable(_("Error: {message}", message=message)), file=sys.stderr)
    raise SystemExit(2)


def _pop_language(arguments: list[str]) -> list[str]:
    """Set the language that ``--lang`` names, wherever it stands, and return the other arguments."""
    rest: list[str] = []
    values = iter(arguments)
    for argument in values:
        if argument == "--":
            return [*rest, argument, *values]
        name, equals, value = argument.partition("=")
        if name != "--lang":
            rest.append(argument)
            continue
        code = value if equals else next(values, "")
        if code not in LANGUAGES:
            _exit_with_error(
                _("--lang takes one of {known}, not '{code}'.", known=", ".join(LANGUAGES), code=code)
            )
        set_language(code)
    return rest
