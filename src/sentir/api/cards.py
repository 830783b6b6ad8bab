"""The cards of saved models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentir.api.loading import as_model
from sentir.documents import Document
from sentir.errors import RecognizerError
from sentir.i18n import _
from sentir.paths import PathLike

if TYPE_CHECKING:
    from sentir.recognizer.recognizer import Recognizer


def model_card(model: PathLike | Recognizer, *, compliance: bool = False) -> Document:
    """Return the card of a model, in the current language.

    Args:
        model: a recognizer, or the folder of one.
        compliance: what a deployer needs instead: intended use, data, accuracy by group, limits, human oversight.

    Raises:
        RecognizerError: if it is a baseline.
        SentirError: if the model cannot be loaded.
    """
    from sentir.recognizer.card import make_model_card
    from sentir.recognizer.compliance import make_compliance_card
    from sentir.study.baseline_model import BaselineModel

    loaded = as_model(model)
    if isinstance(loaded, BaselineModel):
        raise RecognizerError(
            _("'{name}' is a baseline; the README.md in its folder is all that is recorded.", name=loaded.name)
        )
    if compliance:
        return make_compliance_card(loaded.recipe, loaded.space, loaded.facts, loaded.modalities)
    return make_model_card(loaded.recipe, loaded.space, loaded.facts)
