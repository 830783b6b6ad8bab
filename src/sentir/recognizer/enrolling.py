"""Inputs → the profiles of their speakers."""

from __future__ import annotations

from sentir.errors import RecognizerError
from sentir.i18n import _
from sentir.logs import logger
from sentir.recognizer.enrollment import SpeakerProfiles
from sentir.recognizer.inputs import Inputs
from sentir.recognizer.modalities import check_modalities
from sentir.recognizer.predicting import Predictor


def enroll_clips(recognizer: Predictor, inputs: Inputs) -> SpeakerProfiles:
    """Return the profiles of the speakers of the inputs, of which only the audio is used; see `enroll`."""
    recognizer.require_speaker_normalization()
    given = [one for one in inputs.rows if not one.problem]
    checked = check_modalities(
        [one.utterance for one in given],
        frozenset({"audio"}),
        available=frozenset().union(*(one.modalities for one in given)),
        audio_problems={one.utterance.id: one.audio_problem for one in given if one.audio_problem},
        mel_kind=recognizer.mel_kind,
    )
    problems = {**{one.id: one.problem for one in inputs.rows if one.problem}, **checked.problems}
    usable = [u for u in checked.utterances if u.id not in problems]
    if not usable:
        why = next(iter(problems.values()), _("there are none"))
        raise RecognizerError(_("No clip can be enrolled: {why}", why=why))
    if problems:
        logger.warning(_("Clips that could not be enrolled: {n}. The first: {why}",
                         n=len(problems), why=next(iter(problems.values()))))  # fmt: skip
    return recognizer.profile_speakers(usable)
