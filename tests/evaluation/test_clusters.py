"""What is independent of one another: dialogues where there are any, else speakers, else utterances."""

import pytest

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Utterance
from sentir.errors import RecipeError
from sentir.evaluation.clusters import assign_clusters, resolve_cluster_unit

SPACE = LabelSpace("mood", ("a", "b"))


def corpus_of(*rows):
    """Each row: split, dialogue, speaker."""
    utterances = [
        Utterance(f"t/{n}", split, dialogue=dialogue, speaker=speaker, text="x", labels={"mood": ("a",)})
        for n, (split, dialogue, speaker) in enumerate(rows)
    ]
    return Corpus.build("t", utterances, [SPACE])


TALK = corpus_of(("train", "d1", "Ana"), ("train", "d1", "Leo"), ("dev", "d2", "Ana"), ("dev", "", None))
ACTED = corpus_of(
    ("train", "", "Ana"), ("train", "", "Ana"), ("dev", "", "Leo"), ("dev", "", "Leo"), ("dev", "", None)
)
LOOSE = corpus_of(("train", "", None), ("dev", "", "Leo"), ("dev", "", "Ana"))


@pytest.mark.parametrize(("corpus", "unit"), [(TALK, "dialogue"), (ACTED, "speaker"), (LOOSE, "utterance")])
def test_dialogues_come_before_speakers_and_speakers_before_utterances(corpus, unit):
    assert resolve_cluster_unit(corpus, None) == unit
    assert (
        resolve_cluster_unit(corpus, "dialogue") == "dialogue"
        and resolve_cluster_unit(corpus, "speaker") == "speaker"
    )


def test_utterances_of_a_speaker_belong_together_and_one_of_none_stands_alone():
    assert assign_clusters(ACTED, "dev", None) == {"t/2": "speaker Leo", "t/3": "speaker Leo", "t/4": ""}
    assert assign_clusters(TALK, "dev", None) == {"t/2": "d2", "t/3": ""}
    assert assign_clusters(LOOSE, "dev", None) == {"t/1": "", "t/2": ""}


def test_asked_for_speakers_that_nobody_names_are_an_error():
    bare = corpus_of(("train", "d", "Ana"), ("dev", "e", None))
    with pytest.raises(RecipeError, match="no utterance in dev of 't' names its speaker"):
        assign_clusters(bare, "dev", "speaker")
