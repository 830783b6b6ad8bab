"""Whether Sentir predicts here as it does elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sentir.doctor.finding import Finding
from sentir.errors import SentirError
from sentir.i18n import _, format_decimal

_SENTENCE, _LABEL = "I am so happy to see you!", "joy"


def check_starter() -> Iterator[Finding]:
    """The model that comes with Sentir, whose saved examples are checked when it is loaded."""
    from sentir import api

    try:
        recognizer = api.load()
        recognizer.predict(_SENTENCE)
        started = time.perf_counter()
        label = recognizer.predict(_SENTENCE).label
        milliseconds = 1_000 * (time.perf_counter() - started)
    except SentirError as error:
        yield Finding("starter", "problem", str(error), _("Install Sentir again."))
        return
    if label != _LABEL:
        yield Finding(
            "starter", "problem", _("“{sentence}” is predicted as {label}", sentence=_SENTENCE, label=label),
            _("onnxruntime computes wrongly on this machine; install another version of it."),
        )  # fmt: skip
        return
    yield Finding("starter", "ok", _("it predicts; {n} ms for one sentence", n=format_decimal(milliseconds, 1)))
