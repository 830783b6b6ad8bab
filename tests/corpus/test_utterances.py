"""The corpus: validation, sealed test labels, fingerprints."""

import dataclasses
from pathlib import Path

import pytest

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.tables import to_frame
from sentir.corpus.utterances import Clip, Dialogue, Utterance, group_dialogues
from sentir.errors import CorpusError

SPACE = SingleLabelSpace("emotion", ("anger", "joy"))
SECRET = "joy"


def utterance(number: int, split: str = "train", label: str = "anger", **more) -> Utterance:
    facts = {"dialogue": f"{split}/d", "turn": number, "text": f"line {number}"} | more
    return Utterance(f"c/{split}/{number}", split, labels={"emotion": (label,)}, scores={label: 2.0}, **facts)


def corpus(**test_facts) -> Corpus:
    rows = [utterance(0), utterance(1), utterance(0, "dev"), utterance(0, "test", SECRET, **test_facts)]
    return Corpus.build("c", rows, [SPACE])


def reachable(value, seen=None):
    """All strings and numbers that public attributes, items and fields lead to."""
    seen = {} if seen is None else seen
    if id(value) in seen or isinstance(value, (str, int, float, type)) or callable(value):
        return [value] if isinstance(value, (str, float)) else []
    seen[id(value)] = value
    inner = [getattr(value, name) for name in dir(value) if not name.startswith("_")]
    if isinstance(value, dict) or hasattr(value, "items"):
        inner = [part for pair in value.items() for part in pair]
    elif isinstance(value, (tuple, list)):
        inner = list(value)
    return [leaf for part in inner for leaf in reachable(part, seen)]


def test_test_labels_are_not_reachable_by_public_attributes():
    rows = [u for u in corpus().utterances if u.split == "test"]
    assert rows and all(
        not u.labels and not u.scores for u in [*rows, *corpus().test, corpus().by_id["c/test/0"]]
    )
    sealed = corpus()
    found = reachable(dataclasses.replace(sealed, label_spaces={}))
    assert "anger" in found and "line 0" in found, "the search must reach train labels"
    assert SECRET not in found
    assert SECRET not in repr(dataclasses.replace(sealed, label_spaces={}))


def test_the_ledger_can_reveal_the_sealed_labels():
    labels, scores = corpus().sealed._reveal()
    assert labels == {"c/test/0": {"emotion": ("joy",)}} and scores == {"c/test/0": {"joy": 2.0}}


def test_a_frame_has_train_and_dev_labels_and_not_those_of_test():
    frame = to_frame(corpus()).set_index("id")
    assert frame.loc["c/train/0", "emotion"] == "anger" and frame.loc["c/dev/0", "score.anger"] == 2.0
    assert frame.loc["c/test/0", ["emotion", "score.anger"]].isna().all()
    assert "score.joy" not in frame and SECRET not in frame.astype(str).to_string()


def test_splits_are_in_corpus_order_and_complete():
    c = corpus()
    assert [u.id for u in c.train] == ["c/train/0", "c/train/1"]
    assert len(c) == len(c.train) + len(c.dev) + len(c.test) == len(list(c)) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"text": "other"},
        {"turn": 5},
        {"dialogue": "e"},
        {"speaker": "Ross"},
        {"numeric_features": {"duration": 1.0}},
    ],
)
def test_a_fingerprint_depends_on_content(change):
    assert corpus(**change).fingerprint != corpus().fingerprint


def test_a_text_with_an_unpaired_surrogate_has_a_fingerprint():
    texts = ("a\ud83d", "a\ude00", "a\ufffd")
    assert len({corpus(text=text).fingerprint for text in texts}) == len(texts)


def test_a_fingerprint_does_not_depend_on_audio():
    with_audio = corpus(clip=Clip(Path("a.wav"), 0.5))
    assert with_audio.fingerprint == corpus().fingerprint
    assert with_audio.test_fingerprint == corpus().test_fingerprint


def test_a_fingerprint_depends_on_splits_and_labels():
    def of(label, split):
        return Corpus.build("c", [Utterance("a", split, labels={"emotion": (label,)})], [SPACE])

    assert len({of(label, split).fingerprint for label in SPACE.names for split in ("dev", "test")}) == 4
    assert of("joy", "test").test_fingerprint != of("anger", "test").test_fingerprint


def test_a_fingerprint_does_not_depend_on_folders():
    one, other = (corpus(clip=Clip(Path(folder) / "a.wav", 0.0, 1.0)) for folder in ("here", "there"))
    assert one.fingerprint == other.fingerprint and one.test_fingerprint == other.test_fingerprint


def test_the_test_fingerprint_ignores_order_and_the_other_splits():
    test = [utterance(n, "test") for n in range(3)]
    one = Corpus.build("c", [utterance(0), *test], [SPACE])
    other = Corpus.build("c", [*reversed(test), utterance(9, "dev")], [SPACE])
    assert one.test_fingerprint == other.test_fingerprint and one.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([utterance(0), utterance(0)], "'c/train/0' occurs 2 times"),
        ([utterance(0, dialogue="d"), utterance(0, "dev", dialogue="d")], "'d' is in both train and dev"),
        ([utterance(0, "validation")], "use train, dev or test"),
        ([utterance(0, "test", "fear")], "not a label of 'emotion'"),
    ],
)
def test_an_invalid_corpus_is_refused(rows, message):
    with pytest.raises(CorpusError, match=message):
        Corpus.build("c", rows, [SPACE])


def test_utterances_without_a_dialogue_are_dialogues_of_their_own():
    rows = [utterance(0, dialogue=""), utterance(0, "dev", dialogue="")]
    assert len(group_dialogues(Corpus.build("c", rows, [SPACE]))) == 2


def test_a_missing_task_is_refused_with_the_known_ones():
    with pytest.raises(CorpusError, match="no task 'sentiment'; it has: emotion"):
        corpus().label_space("sentiment")


def test_dialogues_are_in_the_order_of_turns():
    rows = [utterance(2), utterance(0), utterance(1)]
    (dialogue,) = group_dialogues(rows)
    assert isinstance(dialogue, Dialogue) and [u.turn for u in dialogue.utterances] == [0, 1, 2]


def test_a_blind_utterance_differs_only_in_labels_and_scores():
    u = utterance(0)
    assert dataclasses.replace(u.blind(), labels=u.labels, scores=u.scores) == u
    assert u.blind().labels == {} and u.blind().blind() is not u
