"""What a model needs of an utterance from outside any corpus, and what is to be known of one that lacks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sentir.audio.store import attach_audio
from sentir.corpus.cleaning import clean_text
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import AudioFeatures, Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.logs import logger
from sentir.safe_text import replace_surrogates


@dataclass(frozen=True)
class ModalityCheck:
    """Utterances as far as a model can use them.

    Attributes:
        utterances: all of them, listened to if the model does.
        problems: id → why the model cannot use it, one sentence.
        notes: id → what to know of what the model says of it, a sentence each.
    """

    utterances: list[Utterance]
    problems: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]]


def check_modalities(
    utterances: Sequence[Utterance],
    modalities: frozenset[str],
    *,
    optional_modalities: frozenset[str] = frozenset(),
    mel_kind: str,
    cleaning: Sequence[str] = (),
    available: frozenset[str] | None = None,
    audio_problems: Mapping[str, str] | None = None,
) -> ModalityCheck:
    """Listen to the clips if the model does, and tell which utterances it cannot use, and what others lack.

    Args:
        utterances: from `sentir.recognizer.inputs.gather`.
        modalities: ``text``, ``sound`` or both.
        optional_modalities: which of two a model has learned to do without.
        mel_kind: which mel the model hears.
        cleaning: of texts, by the model's recipe.
        available: what there might have been, if not what there is.
        audio_problems: id → why there is no clip though one was given.

    Raises:
        CorpusError: if there is nothing of the kind that the model needs.
    """
    _require_modality(utterances, modalities, available)
    _warn_unused(utterances, modalities)
    heard = attach_audio(utterances, mel_kind=mel_kind) if "audio" in modalities else list(utterances)
    problems, notes = {}, {}
    for u in heard:
        lacks = _missing_reasons(u, modalities, cleaning, (audio_problems or {}).get(u.id, ""))
        problems[u.id], without = _problem_and_notes(lacks, optional_modalities)
        notes[u.id] = (*without, *(() if u.audio is None else _audio_notes(u.audio)))
    return ModalityCheck(heard, {key: why for key, why in problems.items() if why}, notes)


def count_missing_modalities(
    utterances: Sequence[Utterance], modalities: frozenset[str], *, mel_kind: str, cleaning: Sequence[str] = ()
) -> tuple[list[Utterance], dict[str, int]]:
    """Return the utterances of a corpus, listened to where sound matters, and how many lack each modality."""
    heard = attach_audio(utterances, mel_kind=mel_kind) if "audio" in modalities else list(utterances)
    counts = Counter(
        what for u in heard for what, why in _missing_reasons(u, modalities, cleaning, "").items() if why
    )
    return heard, dict(counts)


def _missing_reasons(
    u: Utterance, modalities: frozenset[str], cleaning: Sequence[str], audio_problem: str
) -> dict[str, str]:
    """Return why an utterance lacks each of what is needed; ``""`` where it has it."""
    lacks = {"text": _why_no_text(u, cleaning)} if "text" in modalities else {}
    return lacks | ({"audio": _why_no_audio(u, audio_problem)} if "audio" in modalities else {})


def _problem_and_notes(
    missing_reasons: Mapping[str, str], optional_modalities: frozenset[str]
) -> tuple[str, tuple[str, ...]]:
    """Return the problem, or else the notes, of an utterance that lacks this of what the model needs."""
    missing = {kind: why for kind, why in missing_reasons.items() if why}
    if len(missing) == len(missing_reasons):
        return " ".join(missing.values()), ()
    if "audio" in missing and "audio" not in optional_modalities:
        return _("The model has not learned to do without audio. {problem}", problem=missing["audio"]), ()
    if "text" in missing and "text" not in optional_modalities:
        return _("The model has not learned to do without text. {problem}", problem=missing["text"]), ()
    if "audio" in missing:
        return "", (_("Predicted from the text only: {problem}", problem=missing["audio"]),)
    if "text" in missing:
        return "", (_("Predicted from the audio only: {problem}", problem=missing["text"]),)
    return "", ()


def _audio_notes(audio: AudioFeatures) -> tuple[str, ...]:
    """Return what to know of a clip: how it was decoded, and that nothing is to be heard."""
    silent = audio.descriptors.get("health.silence") == 1
    return (*map(replace_surrogates, audio.notes), *((_("The audio is silent."),) if silent else ()))


def _why_no_text(u: Utterance, cleaning: Sequence[str]) -> str:
    """Return why there are no words; ``""`` if there are."""
    if u.text is None:
        return _("There is no text.")
    if is_blank(u.text):
        return _("The text is empty.")
    return _("Nothing is left of the text after cleaning.") if is_blank(clean_text(u.text, cleaning)) else ""


def _why_no_audio(u: Utterance, audio_problem: str) -> str:
    """Return why there is no audio; ``""`` if there is."""
    if audio_problem:
        return audio_problem
    if u.clip is None:
        return _("There is no audio.")
    return "" if u.audio is None else replace_surrogates(u.audio.problem)


def _require_modality(
    utterances: Sequence[Utterance], modalities: frozenset[str], available: frozenset[str] | None
) -> None:
    if available is None:
        kinds = {"text": any(u.text is not None for u in utterances), "audio": any(u.clip for u in utterances)}
        available = frozenset(kind for kind, there in kinds.items() if there)
    if modalities & available:
        return
    if "text" in modalities:
        raise CorpusError(_("This model reads text, and there is none; give --text or a table with texts."))
    raise CorpusError(_("This model listens, and there is no clip; give sound or video files or their folder."))


def _warn_unused(utterances: Sequence[Utterance], modalities: frozenset[str]) -> None:
    """Say that there are texts or clips that the model has no use for."""
    if "audio" not in modalities and (n := sum(u.clip is not None for u in utterances)):
        logger.warning(_("This model does not use audio; clips not used: {n}.", n=n))
    if "text" not in modalities and (n := sum(not is_blank(u.text) for u in utterances)):
        logger.warning(_("This model does not use text; texts not used: {n}.", n=n))
