"""What a model needs of an utterance from outside any corpus, and what is to be known of one that lacks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sentir.audio.store import listen
from sentir.corpus.cleaning import clean
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import Sound, Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.progress import warn
from sentir.safe_text import encodable


@dataclass(frozen=True)
class Met:
    """Utterances as far as a model can use them.

    Attributes:
        utterances: all of them, listened to if the model does.
        problems: id → why the model cannot use it, one sentence.
        notes: id → what to know of what the model says of it, a sentence each.
    """

    utterances: list[Utterance]
    problems: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]]


def meet_needs(
    utterances: Sequence[Utterance],
    needs: frozenset[str],
    *,
    tolerates: frozenset[str] = frozenset(),
    kind: str,
    cleaning: Sequence[str] = (),
    offers: frozenset[str] | None = None,
    no_sound: Mapping[str, str] | None = None,
) -> Met:
    """Listen to the clips if the model does, and tell which utterances it cannot use, and what others lack.

    Args:
        utterances: from `sentir.recognizer.inputs.gather`.
        needs: ``text``, ``sound`` or both.
        tolerates: which of two a model has learned to do without.
        kind: which mel the model hears.
        cleaning: of texts, by the model's recipe.
        offers: what there might have been, if not what there is.
        no_sound: id → why there is no clip though one was given.

    Raises:
        CorpusError: if there is nothing of the kind that the model needs.
    """
    _check(utterances, needs, offers)
    _tell_unused(utterances, needs)
    heard = listen(utterances, kind=kind) if "sound" in needs else list(utterances)
    problems, notes = {}, {}
    for u in heard:
        lacks = _lacks(u, needs, cleaning, (no_sound or {}).get(u.id, ""))
        problems[u.id], without = _verdict(lacks, tolerates)
        notes[u.id] = (*without, *(() if u.sound is None else _sound_notes(u.sound)))
    return Met(heard, {key: why for key, why in problems.items() if why}, notes)


def without_any(
    utterances: Sequence[Utterance], modalities: frozenset[str], *, kind: str, cleaning: Sequence[str] = ()
) -> tuple[list[Utterance], dict[str, int]]:
    """Return the utterances of a corpus, listened to where sound matters, and how many lack each modality."""
    heard = listen(utterances, kind=kind) if "sound" in modalities else list(utterances)
    counts = Counter(what for u in heard for what, why in _lacks(u, modalities, cleaning, "").items() if why)
    return heard, dict(counts)


def _lacks(u: Utterance, needs: frozenset[str], cleaning: Sequence[str], no_sound: str) -> dict[str, str]:
    """Return why an utterance lacks each of what is needed; ``""`` where it has it."""
    lacks = {"text": _why_unread(u, cleaning)} if "text" in needs else {}
    return lacks | ({"sound": _why_unheard(u, no_sound)} if "sound" in needs else {})


def _verdict(lacks: Mapping[str, str], tolerates: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """Return the problem, or else the notes, of an utterance that lacks this of what the model needs."""
    missing = {kind: why for kind, why in lacks.items() if why}
    if len(missing) == len(lacks):
        return " ".join(missing.values()), ()
    if "sound" in missing and "sound" not in tolerates:
        return _("The model has not learned to do without audio. {problem}", problem=missing["sound"]), ()
    if "text" in missing and "text" not in tolerates:
        return _("The model has not learned to do without text. {problem}", problem=missing["text"]), ()
    if "sound" in missing:
        return "", (_("Predicted from the text only: {problem}", problem=missing["sound"]),)
    if "text" in missing:
        return "", (_("Predicted from the audio only: {problem}", problem=missing["text"]),)
    return "", ()


def _sound_notes(sound: Sound) -> tuple[str, ...]:
    """Return what to know of a clip: how it was decoded, and that nothing is to be heard."""
    silent = sound.measures.get("health.silence") == 1
    return (*map(encodable, sound.notes), *((_("The audio is silent."),) if silent else ()))


def _why_unread(u: Utterance, cleaning: Sequence[str]) -> str:
    """Return why there are no words; ``""`` if there are."""
    if u.text is None:
        return _("There is no text.")
    if is_blank(u.text):
        return _("The text is empty.")
    return _("Nothing is left of the text after cleaning.") if is_blank(clean(u.text, cleaning)) else ""


def _why_unheard(u: Utterance, no_sound: str) -> str:
    """Return why there is no audio; ``""`` if there is."""
    if no_sound:
        return no_sound
    if u.clip is None:
        return _("There is no audio.")
    return "" if u.sound is None else encodable(u.sound.problem)


def _check(utterances: Sequence[Utterance], needs: frozenset[str], offers: frozenset[str] | None) -> None:
    if offers is None:
        kinds = {"text": any(u.text is not None for u in utterances), "sound": any(u.clip for u in utterances)}
        offers = frozenset(kind for kind, there in kinds.items() if there)
    if needs & offers:
        return
    if "text" in needs:
        raise CorpusError(_("This model reads text, and there is none; give --text or a table with texts."))
    raise CorpusError(_("This model listens, and there is no clip; give sound or video files or their folder."))


def _tell_unused(utterances: Sequence[Utterance], needs: frozenset[str]) -> None:
    """Say that there are texts or clips that the model has no use for."""
    if "sound" not in needs and (n := sum(u.clip is not None for u in utterances)):
        warn(_("This model does not use audio; clips not used: {n}.", n=n))
    if "text" not in needs and (n := sum(not is_blank(u.text) for u in utterances)):
        warn(_("This model does not use text; texts not used: {n}.", n=n))
