"""Utterances to look at and to listen to: some of dev with what the best say of them, and the worst mistakes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from sentir.audio.decoding import RATE, decode
from sentir.audio.mel import HOP
from sentir.audio.store import listen
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import AudioError
from sentir.report.study_report import Answer, Example
from sentir.study.candidates import Entrant
from sentir.study.results import CorpusStudy

MOST = 8  # examples of a corpus
LONGEST = 8  # seconds that are shown
PREFERRED = (1.0, 6.0)  # seconds


def examples(part: CorpusStudy) -> list[Example]:
    """Return one dev utterance for each label of the study's first task; none for a corpus without sound.

    They are drawn by the hash of their ids, so that a second run draws the same ones. What cannot be decoded is
    left out.

    Raises:
        SentirError: if the store of sounds cannot be written.
    """
    if not any(u.clip for u in part.corpus.dev):
        return []
    task = part.tasks[0].task
    drawn = _draw(listen(part.corpus.dev), part.corpus.space(task))
    return [example for u in drawn if (example := _example(part, u))]


def heard_mistakes(part: CorpusStudy) -> list[Example]:
    """Return the clips of the finalists' worst mistakes, each once; what cannot be decoded is left out.

    Raises:
        SentirError: if the store of sounds cannot be written.
    """
    ids = dict.fromkeys(mistake.id for one in part.details for mistake in one.mistakes)
    clips = [u for key in ids if (u := part.corpus.by_id[key]).clip]
    heard = listen(clips) if clips else []
    usable = [u for u in heard if u.sound and u.sound.mel is not None]
    return [example for u in usable if (example := _example(part, u))]


def _draw(heard: Sequence[Utterance], space: LabelSpace) -> list[Utterance]:
    usable = [u for u in heard if u.sound and u.sound.mel is not None and space.task in u.labels]
    usable.sort(key=lambda u: (not _handy(u), hashlib.sha256(u.id.encode()).digest()))
    drawn: list[Utterance] = []
    for name in space.groups[:MOST]:
        drawn += [u for u in usable if name in space.group(u.labels[space.task]) and u not in drawn][:1]
    return drawn


def _handy(u: Utterance) -> bool:
    assert u.sound is not None
    return PREFERRED[0] <= u.sound.seconds <= PREFERRED[1]


def _example(part: CorpusStudy, u: Utterance) -> Example | None:
    assert u.clip is not None and u.sound is not None and u.sound.mel is not None
    try:
        wave = decode(u.clip).wave[: LONGEST * RATE]
    except AudioError:  # its file went since the store listened to it
        return None
    answers = [
        _answer(e, u.id, result.task) for result in part.tasks if result.task in u.labels for e in result.winners
    ]
    mel = np.array(u.sound.mel[: len(wave) // HOP + 1])
    labels = {task: part.corpus.space(task).group(row) for task, row in u.labels.items()}
    return Example(part.corpus.name, u.id, u.speaker, u.text, labels, mel, wave, tuple(answers))


def _answer(entrant: Entrant, key: str, task: str) -> Answer:
    """Return what a candidate says: means over seeds, of probabilities, or numbers, and of thresholds."""
    mean = Predictions.mean([p.select([key]) for p in entrant.dev])
    cuts = [cut for cut in entrant.thresholds if cut is not None]
    labels, shares, values = mean.answers(np.mean(cuts, axis=0) if cuts else None)[key]
    steps = {mean.space.group((value,))[0]: value for value in values.values()}
    return Answer(task, entrant.name, entrant.family, {name: shares[name] for name in labels} | steps)
