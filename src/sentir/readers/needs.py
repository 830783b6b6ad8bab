"""What a model needs of an utterance from outside any corpus, and why it may not have it."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.audio.store import listen
from sentir.characters import encodable
from sentir.corpus.characters import is_blank
from sentir.corpus.types import Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.progress import say


def meet_needs(
    utterances: Sequence[Utterance], needs: frozenset[str], *, kind: str
) -> tuple[list[Utterance], dict[str, str]]:
    """Listen to the clips if the model does, and tell which utterances it cannot use.

    A model that needs text and sound makes do with one of them; that a clip could not be used is said then.

    Args:
        utterances: from `sentir.readers.inputs.gather`.
        needs: ``text``, ``sound`` or both.
        kind: which mel the model hears.

    Returns:
        The utterances, and id → why the model cannot use it.

    Raises:
        CorpusError: if no utterance has anything that the model needs.
    """
    _check(utterances, needs)
    if "sound" not in needs:
        why = _("It has no text, which this model reads.")
        return list(utterances), {u.id: why for u in utterances if not _says(u)}
    heard = listen(utterances, kind=kind)
    problems = {u.id: encodable(u.sound.problem) for u in heard if u.sound and u.sound.problem}
    read = [u for u in heard if "text" in needs and _says(u) and u.id in problems]
    for u in read:
        problem = problems.pop(u.id)
        if u.clip is not None:
            say(_("{id} is recognized from its text alone: {problem}", id=u.id, problem=problem))
    return heard, problems


def _check(utterances: Sequence[Utterance], needs: frozenset[str]) -> None:
    texts = "text" in needs and any(map(_says, utterances))
    clips = "sound" in needs and any(u.clip is not None for u in utterances)
    if texts or clips:
        return
    if "text" in needs:
        raise CorpusError(_("This model reads text, and there is none; give --text or a table with texts."))
    raise CorpusError(_("This model listens, and there is no clip; give sound or video files or their folder."))


def _says(u: Utterance) -> bool:
    """Return whether there are words; a blank one says as little as none."""
    return not is_blank(u.text)
