"""What a bootstrap draws and a permutation swaps whole: dialogues, or speakers."""

from __future__ import annotations

from sentir.corpus.types import Corpus
from sentir.errors import RecipeError
from sentir.i18n import _


def clusters(corpus: Corpus, split: str, cluster: str) -> dict[str, str]:
    """Return id → what is drawn whole; with speakers, an utterance of none goes with its dialogue.

    Args:
        corpus: it.
        split: train, dev or test.
        cluster: ``dialogue`` or ``speaker``.

    Raises:
        RecipeError: if speakers are to be drawn and no utterance names one.
    """
    rows = corpus.split(split)
    if cluster == "dialogue":
        return {u.id: u.dialogue for u in rows}
    if not any(u.speaker for u in rows):
        raise RecipeError(
            _("'evaluation.cluster' = 'speaker', and no utterance in {split} of '{name}' names its speaker; "
              "use 'dialogue'.", split=split, name=corpus.name)
        )  # fmt: skip
    return {u.id: f"speaker {u.speaker}" if u.speaker else u.dialogue for u in rows}
