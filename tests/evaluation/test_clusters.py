"""Independent units: dialogues if there are any, else speakers, else utterances."""

import pytest

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Utterance
from sentir.errors import RecipeError
from sentir.evaluation.clusters import assign_clusters, resolve_cluster_unit

SPACE = SingleLabelSpace("mood", ("a", "b"))


def corpus_of(*rows):
    """Each row: split, dialogue, speaker."""
    utterances = [
        Utterance(f"t/{n}", split, dialogue=dialogue, speaker=speaker, text="x", labels={"mood": ("a",)})
        for n, (split, dialogue, speaker) in enumerate(rows)
    ]
    return Corpus.build("t", utterances, [SPACE])


DIALOGUES = corpus_of(("train", "d1", "Ana"), ("train", "d1", "Leo"), ("dev", "d2", "Ana"), ("dev", "", None))
SPEAKERS = corpus_of(
    ("train", "", "Ana"), ("train", "", "Ana"), ("dev", "", "Leo"), ("dev", "", "Leo"), ("dev", "", None)
)
UTTERANCES = corpus_of(("train", "", None), ("dev", "", "Leo"), ("dev", "", "Ana"))


@pytest.mark.parametrize(
    ("corpus", "unit"), [(DIALOGUES, "dialogue"), (SPEAKERS, "speaker"), (UTTERANCES, "utterance")]
)
def test_dialogues_come_before_speakers_and_speakers_before_utterances(corpus, unit):
    assert resolve_cluster_unit(corpus, None) == unit
    assert [resolve_cluster_unit(corpus, unit) for unit in ("dialogue", "speaker")] == ["dialogue", "speaker"]


def test_utterances_of_a_speaker_are_one_cluster_and_those_without_one_are_their_own():
    assert assign_clusters(SPEAKERS, "dev", None) == {"t/2": "speaker Leo", "t/3": "speaker Leo", "t/4": ""}
    assert assign_clusters(DIALOGUES, "dev", None) == {"t/2": "d2", "t/3": ""}
    assert assign_clusters(UTTERANCES, "dev", None) == {"t/1": "", "t/2": ""}


def test_clusters_by_speakers_without_speakers_are_an_error():
    unnamed = corpus_of(("train", "d", "Ana"), ("dev", "e", None))
    with pytest.raises(RecipeError, match="no utterance in dev of 't' has a speaker"):
        assign_clusters(unnamed, "dev", "speaker")
