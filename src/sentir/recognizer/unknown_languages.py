"""Texts in a language that a model was not trained on: which these are, and what is said about it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sentir.corpus.language_detection import detect_language, language_name
from sentir.corpus.utterances import Utterance
from sentir.i18n import _


def find_unknown_languages(utterances: Sequence[Utterance], known: Collection[str]) -> dict[str, str]:
    """Return id → language of the texts that are in none of the known languages.

    Args:
        utterances: the language of a text that is too short by itself is that of its dialogue.
        known: of the encoder, see `detect_language`; empty if they are not known, and then nothing is returned.
    """
    if not known:
        return {}
    by_dialogue: dict[str, list[str | None]] = {}
    for u in utterances:
        by_dialogue.setdefault(u.dialogue or u.id, []).append(u.text)
    detected = {key: detect_language(several) for key, several in by_dialogue.items()}
    languages = {
        u.id: (detect_language([u.text]) if len(by_dialogue[u.dialogue or u.id]) > 1 else None)
        or detected[u.dialogue or u.id]
        for u in utterances
        if u.text
    }
    return {key: code for key, code in languages.items() if code is not None and code not in known}


def is_foreign(code: str, own: str | None) -> bool:
    """Return whether a language that an encoder does not know is not that of the training data either."""
    return own is not None and own != code


def note_language(code: str, own: str | None) -> str:
    """Return the note on a text.

    Args:
        code: its language, which the encoder does not know.
        own: the language of the training data; ``None`` if it is not known.
    """
    language = language_name(code)
    if own is None or not is_foreign(code, own):
        return _("The text is in {language}, which its encoder was not trained on.", language=language)
    return _(
        "Not sure: the text is in {language}, and the model was trained on {own}.",
        language=language, own=language_name(own),
    )  # fmt: skip
