"""Clusters: the independent units, dialogues or speakers, that intervals leave out and permutations swap."""

from __future__ import annotations

from sentir.corpus.corpus import Corpus
from sentir.errors import RecipeError
from sentir.i18n import _


def resolve_cluster_unit(corpus: Corpus, cluster: str | None) -> str:
    """Return the independent unit of a corpus: ``dialogue``, ``speaker`` or ``utterance``.

    Args:
        corpus: the corpus.
        cluster: the unit that the recipe sets; none = dialogues if any has several utterances, else speakers if
            any has several, else utterances.
    """
    if cluster is not None:
        return cluster
    if any(len(dialogue.utterances) > 1 for dialogue in corpus.dialogues.values()):
        return "dialogue"
    spoken = (len(rows) for speaker, rows in corpus.by_speaker.items() if speaker)
    return "speaker" if any(n > 1 for n in spoken) else "utterance"


def assign_clusters(corpus: Corpus, split: str, cluster: str | None) -> dict[str, str]:
    """Return id → key of its cluster; with speakers as unit, utterances without one go by their dialogue.

    Args:
        corpus: the corpus.
        split: train, dev or test.
        cluster: as in `resolve_cluster_unit`.

    Raises:
        RecipeError: if the recipe sets speakers and no utterance of the split has one.
    """
    rows = corpus.split(split)
    if resolve_cluster_unit(corpus, cluster) != "speaker":
        return {u.id: u.dialogue for u in rows}
    if cluster and not any(u.speaker for u in rows):
        raise RecipeError(
            _("'evaluation.cluster' = 'speaker', but no utterance in {split} of '{name}' has a speaker; "
              "use 'dialogue'.", split=split, name=corpus.name)
        )  # fmt: skip
    return {u.id: f"speaker {u.speaker}" if u.speaker else u.dialogue for u in rows}
