"""What intervals leave out and a permutation swaps whole: dialogues, or speakers."""

from __future__ import annotations

from sentir.corpus.corpus import Corpus
from sentir.errors import RecipeError
from sentir.i18n import _


def resolve_cluster_unit(corpus: Corpus, cluster: str | None) -> str:
    """Return what is independent of one another in a corpus: ``dialogue``, ``speaker`` or ``utterance``.

    Args:
        corpus: it.
        cluster: what the recipe asks for; none = dialogues, if any has several utterances, else speakers, if some
            speak more than once, else each utterance by itself.
    """
    if cluster is not None:
        return cluster
    if any(len(dialogue.utterances) > 1 for dialogue in corpus.dialogues.values()):
        return "dialogue"
    spoken = (len(rows) for speaker, rows in corpus.by_speaker.items() if speaker)
    return "speaker" if any(n > 1 for n in spoken) else "utterance"


def assign_clusters(corpus: Corpus, split: str, cluster: str | None) -> dict[str, str]:
    """Return id → what it is left out and swapped with; by speakers, an utterance of none goes with its dialogue.

    Args:
        corpus: it.
        split: train, dev or test.
        cluster: as `cluster_unit` takes it.

    Raises:
        RecipeError: if speakers are asked for and no utterance names one.
    """
    rows = corpus.split(split)
    if resolve_cluster_unit(corpus, cluster) != "speaker":
        return {u.id: u.dialogue for u in rows}
    if cluster and not any(u.speaker for u in rows):
        raise RecipeError(
            _("'evaluation.cluster' = 'speaker', and no utterance in {split} of '{name}' names its speaker; "
              "use 'dialogue'.", split=split, name=corpus.name)
        )  # fmt: skip
    return {u.id: f"speaker {u.speaker}" if u.speaker else u.dialogue for u in rows}
