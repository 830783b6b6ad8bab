"""Every error Sentir raises on purpose, each one clear sentence for the person who meets it.

    SentirError
    ├── RecipeError             a recipe or an override that cannot be used; names the key
    ├── UnknownNameError        a name that no registry knows; offers the nearest ones
    ├── CorpusError             files, columns or rows that cannot be read as a corpus
    ├── DownloadError           a corpus that cannot be fetched
    ├── AudioError              a clip that cannot be decoded or used; has a ``kind`` to count by
    ├── PredictionsError        predictions that do not fit the utterances asked for
    ├── NotFiniteError          a model gives no finite numbers for some utterances; has their ``ids``
    ├── LockedTestError         the test split was asked for without opening it
    ├── WeightsError            pretrained weights that cannot be found, reached or trusted
    └── RecognizerError         a saved model folder that is incomplete or not ours

The command line prints the message and exits with code 2.
"""


class SentirError(Exception):
    """Base of all errors raised on purpose; its text is meant for the user."""


class RecipeError(SentirError):
    """A recipe, or an override of it, cannot be used; the message names the key."""


class UnknownNameError(SentirError):
    """A name is in no registry; the message offers the nearest ones."""


class CorpusError(SentirError):
    """A corpus cannot be read: wrong folder, missing column, contradictory rows."""


class DownloadError(SentirError):
    """A corpus cannot be fetched: no network, no permission, no room, or not what was published."""


class AudioError(SentirError):
    """A clip cannot be used as sound.

    Attributes:
        kind: a short stable key to count by: ``missing``, ``empty``, ``undecodable``, ``no_audio``,
            ``too_short``, ``outside_file`` or ``invalid_samples`` (samples that no sound has).
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class PredictionsError(SentirError):
    """Predictions and utterances do not match."""


class NonFiniteError(SentirError):
    """A model gives no finite numbers.

    Attributes:
        ids: of the utterances for which it gives none.
    """

    def __init__(self, message: str, ids: frozenset[str]) -> None:
        super().__init__(message)
        self.ids = ids


class LockedTestError(SentirError):
    """The test split was asked for without opening it through the ledger."""


class WeightsError(SentirError):
    """Pretrained weights cannot be found, reached or trusted."""


class RecognizerError(SentirError):
    """A folder is not a saved recognizer, or is incomplete."""
