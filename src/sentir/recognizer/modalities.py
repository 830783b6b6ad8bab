"""Checking that utterances have the modalities that a model needs, and what to do if one is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sentir.audio.store import attach_audio
from sentir.corpus.cleaning import clean_text
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import AudioFeatures, Utterance
from sentir.errors import CorpusError
from sentir.i18n import _, format_decimal
from sentir.logs import logger
from sentir.safe_text import replace_surrogates

_SHORT_SECONDS = 1.0  # shorter clips are noted: they hold a word or two


@dataclass(frozen=True)
class ModalityCheck:
    """Utterances with the problems and notes of their modalities.

    Attributes:
        utterances: all of them, with audio features if the model uses audio.
        problems: id → why the model cannot predict it, one sentence.
        notes: id → notes on the prediction, a sentence each.
        used: id → the modalities that a prediction is made from.
    """

    utterances: list[Utterance]
    problems: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]]
    used: Mapping[str, tuple[str, ...]]


def check_modalities(
    utterances: Sequence[Utterance],
    modalities: frozenset[str],
    *,
    optional_modalities: frozenset[str] = frozenset(),
    mel_kind: str,
    cleaning: Sequence[str] = (),
    health_only: bool = False,
    available: frozenset[str] | None = None,
    audio_problems: Mapping[str, str] | None = None,
) -> ModalityCheck:
    """Extract audio features if the model uses audio, and find missing modalities.

    Args:
        utterances: see `sentir.recognizer.inputs.make_inputs`.
        modalities: those of the model: ``text``, ``audio`` or both.
        optional_modalities: those that a multimodal model can do without (modality dropout).
        mel_kind: the kind of mel spectrogram that the model uses.
        cleaning: the cleaning steps of the model's recipe.
        health_only: whether the model has no features of audio; see `attach_audio`.
        available: the modalities of the inputs' sources; by default, those of the utterances.
        audio_problems: id → why a given clip cannot be used.

    Raises:
        CorpusError: if no utterance has a modality of the model.
    """
    _require_modality(utterances, modalities, available)
    _warn_unused(utterances, modalities)
    utterances = _attach_audio_if_used(utterances, modalities, mel_kind, health_only=health_only)
    problems, notes, used = {}, {}, {}
    for u in utterances:
        reasons = _missing_reasons(u, modalities, cleaning, (audio_problems or {}).get(u.id, ""))
        problems[u.id], missing_notes = _problem_and_notes(reasons, optional_modalities)
        used[u.id] = tuple(modality for modality, reason in reasons.items() if not reason)
        notes[u.id] = (*missing_notes, *(() if u.audio is None else _audio_notes(u.audio)))
    return ModalityCheck(utterances, {key: problem for key, problem in problems.items() if problem}, notes, used)


def count_missing_modalities(
    utterances: Sequence[Utterance], modalities: frozenset[str], *, mel_kind: str, cleaning: Sequence[str] = ()
) -> tuple[list[Utterance], dict[str, int]]:
    """Return the utterances, with audio features if the model uses audio, and modality → number missing it."""
    utterances = _attach_audio_if_used(utterances, modalities, mel_kind)
    counts = Counter(
        modality
        for u in utterances
        for modality, reason in _missing_reasons(u, modalities, cleaning, "").items()
        if reason
    )
    return utterances, dict(counts)


def _attach_audio_if_used(
    utterances: Sequence[Utterance], modalities: frozenset[str], mel_kind: str, *, health_only: bool = False
) -> list[Utterance]:
    if "audio" not in modalities:
        return list(utterances)
    return attach_audio(utterances, mel_kind=mel_kind, health_only=health_only)


def _missing_reasons(
    u: Utterance, modalities: frozenset[str], cleaning: Sequence[str], audio_problem: str
) -> dict[str, str]:
    """Return modality → why an utterance lacks it, ``""`` if it does not."""
    reasons = {"text": _why_no_text(u, cleaning)} if "text" in modalities else {}
    return reasons | ({"audio": _why_no_audio(u, audio_problem)} if "audio" in modalities else {})


def _problem_and_notes(
    missing_reasons: Mapping[str, str], optional_modalities: frozenset[str]
) -> tuple[str, tuple[str, ...]]:
    """Return the problem, or else the notes, of an utterance with missing modalities."""
    missing = {modality: reason for modality, reason in missing_reasons.items() if reason}
    if len(missing) == len(missing_reasons):
        return " ".join(missing.values()), ()
    if "audio" in missing and "audio" not in optional_modalities:
        return _("This model needs audio. {problem}", problem=missing["audio"]), ()
    if "text" in missing and "text" not in optional_modalities:
        return _("This model needs text. {problem}", problem=missing["text"]), ()
    if "audio" in missing:
        return "", (_("Predicted from the text only: {problem}", problem=missing["audio"]),)
    if "text" in missing:
        return "", (_("Predicted from the audio only: {problem}", problem=missing["text"]),)
    return "", ()


def _audio_notes(audio: AudioFeatures) -> tuple[str, ...]:
    """Return notes on a clip: how it was decoded, whether it is silent, and whether it is very short."""
    notes = list(map(replace_surrogates, audio.notes))
    if audio.descriptors.get("health.silence") == 1:
        notes.append(_("The audio is silent."))
    if 0 < audio.seconds < _SHORT_SECONDS:
        notes.append(_("The audio lasts only {seconds} s.", seconds=format_decimal(audio.seconds, 2)))
    return tuple(notes)


def _why_no_text(u: Utterance, cleaning: Sequence[str]) -> str:
    """Return why there is no text; ``""`` if there is."""
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
        present = {"text": any(u.text is not None for u in utterances), "audio": any(u.clip for u in utterances)}
        available = frozenset(modality for modality, is_present in present.items() if is_present)
    if modalities & available:
        return
    if "text" in modalities and "audio" in available:
        raise CorpusError(
            _("This model needs text, and a recording alone has none; recognize its words with 'sentir timeline "
              "--asr', give a table with texts and clips, or use a model of audio.")
        )  # fmt: skip
    if "text" in modalities:
        raise CorpusError(_("This model needs text, but there is none; give --text or a table with texts."))
    raise CorpusError(_("This model needs audio, but there is none; give audio or video files or their folder."))


def _warn_unused(utterances: Sequence[Utterance], modalities: frozenset[str]) -> None:
    """Warn about texts or clips that the model does not use."""
    if "audio" not in modalities and (n := sum(u.clip is not None for u in utterances)):
        logger.warning(_("This model does not use audio; clips not used: {n}.", n=n))
    if "text" not in modalities and (n := sum(not is_blank(u.text) for u in utterances)):
        logger.warning(_("This model does not use text; texts not used: {n}.", n=n))
