"""The errors that Sentir raises, each with one sentence for the user.

    SentirError
    ├── RecipeError             invalid recipe or override; names the key
    ├── UnknownNameError        name not in a registry; suggests the nearest ones
    ├── MissingDependencyError  package of an extra that is not installed; names the command that installs it
    ├── PluginError             plug-in that cannot be loaded, is missing, or registers a name that exists
    ├── CorpusError             files, columns or rows that cannot be read as a corpus
    ├── DownloadError           corpus that cannot be downloaded
    ├── AudioError              clip that cannot be decoded or used; has a ``kind``
    ├── PredictionsError        predictions that do not match the utterances
    ├── NonFiniteError          model output that is not finite for some utterances; has their ``ids``
    ├── LockedTestError         use of held-out test labels other than through the ledger
    ├── TimelineError           turns, annotation files or recordings that make no timeline
    ├── WeightsError            pretrained weights that cannot be found, downloaded or trusted
    └── RecognizerError         folder that is not a complete saved recognizer

The command line prints the message and exits with code 2.
"""

import copyreg
from typing import Any

_MAX_LENGTH, _KEPT_AT_END = 1500, 400  # characters of a message that quotes an excessive value


class SentirError(Exception):
    """Base class of all errors raised by Sentir; the message is meant for the user."""

    def __str__(self) -> str:
        """Return the message on one line, without the middle of an excessive one: its end says what to do."""
        message = " ".join(super().__str__().splitlines())
        if len(message) <= _MAX_LENGTH:
            return message
        return f"{message[: _MAX_LENGTH - _KEPT_AT_END - 3]} … {message[-_KEPT_AT_END:]}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle errors with any constructor, for worker processes."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]


class RecipeError(SentirError):
    """A recipe or an override is invalid; the message names the key."""


class UnknownNameError(SentirError):
    """A name is not in a registry; the message suggests the nearest ones."""


class MissingDependencyError(SentirError):
    """A package of an extra is not installed; the message names the command that installs it."""


class PluginError(SentirError):
    """A plug-in cannot be loaded, is missing, or registers a name that exists."""


class CorpusError(SentirError):
    """A corpus cannot be read: wrong folder, missing column, contradictory rows."""


class DownloadError(SentirError):
    """A corpus cannot be downloaded: no network, no permission, no disk space, or an unexpected content."""


class AudioError(SentirError):
    """A clip cannot be decoded or used.

    Attributes:
        kind: a short stable key for counts: ``missing``, ``empty``, ``undecodable``, ``no_audio``,
            ``too_short``, ``out_of_range`` or ``invalid_samples``.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class PredictionsError(SentirError):
    """Predictions and utterances do not match."""


class NonFiniteError(SentirError):
    """A model's outputs are not finite.

    Attributes:
        ids: the ids of the utterances concerned.
    """

    def __init__(self, message: str, ids: frozenset[str]) -> None:
        super().__init__(message)
        self.ids = ids


class LockedTestError(SentirError):
    """The held-out test labels were requested other than through the ledger."""


class TimelineError(SentirError):
    """Turns, an annotation file or a recording of which no timeline can be made."""


class WeightsError(SentirError):
    """Pretrained weights cannot be found, downloaded or trusted."""


class RecognizerError(SentirError):
    """A folder is not a saved recognizer, or an incomplete one."""
