"""The command line: ``sentir COMMAND …``. Exit codes: 0 success, 1 problems found, 2 usage error."""

from __future__ import annotations

import io
import os
import sys
import warnings
from contextlib import nullcontext, redirect_stdout
from importlib import metadata

from sentir.errors import SentirError
from sentir.i18n import LANGUAGES, _, set_language
from sentir.io import explain_os_error
from sentir.optional_dependencies import translate_import_error
from sentir.plugins import PluginFailures
from sentir.process_group import rank
from sentir.safe_text import make_printable
from sentir.worker_processes import tune_malloc

_IGNORED_WARNINGS = (
    "Glyph .* missing from font",  # an SVG is rendered with the viewer's fonts
    "Support for mismatched key_padding_mask and attn_mask",  # caused by transformers' speech encoders
)


def main() -> None:
    """Run the command line; an expected error is printed as one sentence on standard error."""
    _tolerate_encoding_errors()
    _ignore_warnings()
    _set_thread_waiting()
    tune_malloc()
    arguments = _pop_language(sys.argv[1:])
    if arguments[:1] == ["--version"]:
        print(f"sentir {metadata.version('sentir')}")
        return
    from sentir.cli.app import app  # after the language is set: help texts are translated at import

    try:
        with (
            PluginFailures(),
            open(os.devnull, "w") as devnull,
            redirect_stdout(devnull) if rank() else nullcontext(),
        ):
            app(args=arguments, prog_name="sentir")  # of several processes only the first prints
    except SentirError as error:
        _exit_with_error(str(error))
    except (MemoryError, RuntimeError, ImportError) as error:
        if isinstance(error, ImportError) and (missing := translate_import_error(error)):
            _exit_with_error(str(missing))
        if not _is_out_of_memory(error):
            raise
        why = str(error).split("\n")[0] or type(error).__name__
        _exit_with_error(
            _("Out of memory ({why}); close other programs, raise the limit (ulimit -v), or reduce the batch "
              "size.", why=why)
        )  # fmt: skip
    except OSError as error:
        why = explain_os_error(error)
        _exit_with_error(
            _("{path} cannot be used: {why}.", path=error.filename, why=why)
            if error.filename
            else _("A file or folder cannot be used: {why}.", why=why)
        )


def _tolerate_encoding_errors() -> None:
    """Replace characters that the encoding of the terminal lacks, instead of failing."""
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of Python, torch or the dynamic loader means that memory has run out."""
    phrases = (
        "allocate memory",
        "not enough memory",
        "out of memory",
        "start new thread",
        "failed to map segment",
    )
    return isinstance(error, MemoryError) or any(phrase in str(error) for phrase in phrases)


def _ignore_warnings() -> None:
    """Silence messages of other packages that users can do nothing about."""
    for message in _IGNORED_WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # read at import


def _set_thread_waiting() -> None:
    """Let OpenMP threads that wait for one another spin for some microseconds, then sleep.

    The variables are read when torch is loaded. Spinning longer, as GNU OpenMP does, makes training several times
    slower if anything else runs; sleeping at once halves its speed on an idle machine
    (``benchmarks/thread_waiting.py``).
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def _exit_with_error(message: str) -> None:
    print(make_printable(_("Error: {message}", message=message)), file=sys.stderr)
    raise SystemExit(2)


def _pop_language(arguments: list[str]) -> list[str]:
    """Set the language given by ``--lang``, wherever it stands, and return the other arguments."""
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
