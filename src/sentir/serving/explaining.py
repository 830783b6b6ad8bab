"""What explains predictions, where it can: the laboratory must be installed, and the model not be exported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sentir.errors import MissingDependencyError
from sentir.i18n import _
from sentir.optional_dependencies import require_extra
from sentir.serving.batching import MicroBatcher

Explainer = MicroBatcher[str, Callable[[], Any], Any]
_MAX_WAITING = 4


def make_explainer() -> Explainer:
    """Return the queue of explanations, which are computed one at a time, apart from predictions."""
    return MicroBatcher(lambda works, _language: [work() for work in works], max_batch=1, max_queue=_MAX_WAITING)


def why_no_explanation(recognizer: Any) -> str:
    """Return why the predictions of a model cannot be explained here; ``""`` if they can."""
    if getattr(getattr(recognizer, "backend", None), "kind", "") != "torch":
        return _("This model is exported or a baseline, and cannot be explained; serve the folder that it was "
                 "exported from.")  # fmt: skip
    try:
        require_extra("train", _("An explanation"))
        require_extra("explain", _("An explanation"))
    except MissingDependencyError as error:
        return str(error)
    return ""
