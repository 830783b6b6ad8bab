"""Lawful use: the purpose that is declared for the server, and the notice for the people concerned.

Regulation (EU) 2024/1689 (AI Act): an *emotion recognition system* infers emotions from biometric data
(Art. 3(39)), which a voice is and a text is not. Its use at work and in education is prohibited but for medical
or safety reasons (Art. 5(1)(f)), and people exposed to it must be informed (Art. 50(3)).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sentir.errors import SentirError
from sentir.i18n import _, gettext_noop


class PurposeError(SentirError):
    """No purpose is declared, it is unknown, or it is prohibited for the models."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a server is used for.

    Attributes:
        description: one phrase.
        is_prohibited: whether inferring emotions from biometric data is prohibited for it in the EU.
    """

    description: str
    is_prohibited: bool = False


PURPOSES = {
    "research": Purpose(gettext_noop("scientific research and teaching about emotion recognition")),
    "media-analysis": Purpose(gettext_noop("analysis of published texts, films or broadcasts")),
    "entertainment": Purpose(gettext_noop("games, art and entertainment")),
    "accessibility": Purpose(gettext_noop("assistance to people who choose to use it")),
    "customer-service": Purpose(gettext_noop("customers' messages and calls, without measuring the staff")),
    "medical": Purpose(gettext_noop("medical reasons")),
    "safety": Purpose(gettext_noop("safety reasons")),
    "workplace": Purpose(gettext_noop("staff or applicants at work"), is_prohibited=True),
    "education": Purpose(gettext_noop("pupils or students in education"), is_prohibited=True),
}


def check_purpose(purpose: str, audio_models: Iterable[str]) -> None:
    """Refuse an unknown purpose, and for models with audio a prohibited or missing one.

    Args:
        purpose: declared; ``""`` if none.
        audio_models: the names of the models that take audio.

    Raises:
        PurposeError: naming what to do.
    """
    if purpose and purpose not in PURPOSES:
        raise PurposeError(
            _("There is no purpose '{purpose}'; known: {known}.", purpose=purpose, known=", ".join(PURPOSES))
        )
    name = next(iter(audio_models), "")
    if not name:
        return
    if not purpose:
        raise PurposeError(
            _("'{name}' infers emotions from voices; declare what for with --purpose: {known}.",
              name=name, known=", ".join(key for key, one in PURPOSES.items() if not one.is_prohibited))
        )  # fmt: skip
    if PURPOSES[purpose].is_prohibited:
        raise PurposeError(
            _("'{name}' infers emotions from voices, which is prohibited in the European Union at work and in "
              "education, except for medical or safety reasons (Regulation (EU) 2024/1689, Art. 5(1)(f)); a "
              "model of text alone may be served.", name=name)
        )  # fmt: skip


def notice(purpose: str, *, uses_audio: bool) -> str:
    """Return the text that people exposed to the models are to be shown, in the current language."""
    why = _("Purpose: {purpose}.", purpose=_(PURPOSES[purpose].description)) if purpose else ""
    if not uses_audio:
        about = _("Texts are processed here by a program that estimates which emotions readers would see in "
                  "them; it can be wrong. It uses no biometric data, so it is not an emotion recognition "
                  "system in the sense of Regulation (EU) 2024/1689, Art. 3(39).")  # fmt: skip
    else:
        about = _("Voices are processed here by an emotion recognition system, a program that estimates which "
                  "emotions listeners would perceive; it can be wrong. You are informed of this as Regulation "
                  "(EU) 2024/1689, Art. 50(3), requires.")  # fmt: skip
    kept = _("The server that runs it keeps neither recordings nor texts.")
    return " ".join(filter(None, (about, why, kept)))
