"""Slices: which utterance is in which slice, and scores on slices."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sentir.audit import audit
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import RegressionSpace, SingleLabelSpace
from sentir.corpus.text_similarity import casefold_text
from sentir.corpus.utterances import Clip, Utterance
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.analysis.slices import MIN_SLICE_SIZE, SliceDefinition, define_slices, score_slices
from sentir.evaluation.intervals import score_with_intervals
from sentir.readers import READERS, read_corpus
from sentir.recipe import DataSettings, TableSettings

SPACE = SingleLabelSpace("emotion", ("anger", "joy"))


def utterance(n, split="dev", **changes):
    facts = {"dialogue": split, "turn": n, "speaker": "Ana", "text": f"text {n}", "labels": {"emotion": ("joy",)}}
    return Utterance(f"{split}/{n}", split, **facts | changes)


def slice_names(*utterances, **corpus):
    found = Corpus.build("talk", utterances, [SPACE], **corpus)
    gold = {u.id: u.labels["emotion"] for u in found.dev if "emotion" in u.labels}
    slicings = {
        part.kind: slicing for slicing in define_slices(found, "dev", gold, SPACE) for part in slicing.values()
    }
    return {kind: {key: part.name for key, part in slicing.items()} for kind, slicing in slicings.items()}


TRAIN = (utterance(0, "train"), utterance(1, "train", speaker=None, text=None))


def test_speakers_and_texts_are_seen_if_train_has_them_in_any_spelling():
    found = slice_names(
        *TRAIN,
        utterance(0, text=" TEXT  0"),
        utterance(1, speaker="Ben"),
        utterance(2, speaker=None, text="  "),
    )
    assert found["speaker"] == {"dev/0": "seen", "dev/1": "unseen"}
    assert found["text"] == {"dev/0": "seen", "dev/1": "unseen"}


def test_a_criterion_that_all_utterances_share_is_left_out():
    found = slice_names(*TRAIN, utterance(0, text="new"), utterance(1, text="also new"))
    assert "speaker" not in found and "text" not in found and "missing" not in found


def test_durations_are_sliced_at_their_terciles():
    lengths = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    rows = [utterance(n, numeric_features={"duration": seconds}) for n, seconds in enumerate(lengths)]
    found = slice_names(*TRAIN, *rows, utterance(9))
    assert list(found["duration"].values()) == ["short"] * 2 + ["middle"] * 2 + ["long"] * 2
    assert "dev/9" not in found["duration"]
    corpus = Corpus.build("talk", (*TRAIN, *rows), [SPACE])
    (slicing,) = (c for c in define_slices(corpus, "dev", dict.fromkeys((u.id for u in rows), ("joy",)), SPACE)
              if next(iter(c.values())).kind == "duration")  # fmt: skip
    bounds = list(dict.fromkeys(part.bounds for part in slicing.values()))
    assert bounds[0][0] == 1 and bounds[-1][1] == 6 and bounds[0][1] == bounds[1][0]


def test_turns_count_from_the_start_of_each_dialogue():
    rows = [utterance(n, turn=10 * n) for n in range(7)] + [utterance(9, dialogue="other", turn=4)]
    found = slice_names(*TRAIN, *rows)["turn"]
    assert found["dev/9"] == found["dev/0"] == "first"
    assert [found[f"dev/{n}"] for n in (1, 4, 5, 6)] == ["second_to_fifth"] * 2 + ["later"] * 2


def test_a_shift_is_from_the_speakers_own_previous_turn():
    sad = {"labels": {"emotion": ("anger",)}}
    rows = [
        utterance(0),
        utterance(1, speaker="Ben", **sad),
        utterance(2),
        utterance(3, speaker="Ben"),
        utterance(4, speaker=None),
    ]
    found = slice_names(*TRAIN, *rows)["shift"]
    assert found == {"dev/2": "same", "dev/3": "shifts"}


def test_turns_without_labels_count_as_turns_and_hide_the_previous_label():
    rows = [utterance(n, labels={} if n in (0, 3) else {"emotion": ("joy",)}) for n in range(7)]
    found = slice_names(*TRAIN, *rows, utterance(9, dialogue="other"))
    turns = {"dev/9": "first", **dict.fromkeys(("dev/1", "dev/2", "dev/4"), "second_to_fifth")}
    assert found["turn"] == turns | {"dev/5": "later", "dev/6": "later"}
    assert "shift" not in found, "all labels are the same"
    other = [*rows[:5], utterance(5, labels={"emotion": ("anger",)}), utterance(6)]
    assert slice_names(*TRAIN, *other)["shift"] == {"dev/2": "same", "dev/5": "shifts", "dev/6": "shifts"}


def test_missing_modalities_are_those_that_other_utterances_have():
    clip = Clip(Path("a.wav"), 0.0, 1.0)
    with_clip = {"clip": clip, "numeric_features": {"duration": 1.0}}
    found = slice_names(
        *TRAIN,
        utterance(0, **with_clip),
        utterance(1),
        utterance(2, text=" ", **with_clip),
        utterance(3, text=None),
    )
    assert list(found["missing"].values()) == ["nothing", "clip", "text", "both"]


def test_groups_of_the_corpus_are_slices_unless_there_are_many():
    rows = [utterance(n) for n in range(12)]
    genders = {u.id: "female" if n % 2 else "male" for n, u in enumerate(rows)}
    found = slice_names(*TRAIN, *rows, groups={"gender": genders, "episode": {u.id: u.id for u in rows}})
    assert set(found["gender"].values()) == {"female", "male"} and "episode" not in found
    eight = {u.id: f"episode {n % 8}" for n, u in enumerate(rows)}
    assert len(set(slice_names(*TRAIN, *rows, groups={"episode": eight})["episode"].values())) == 8


@pytest.mark.shared_data
def test_a_column_of_a_table_defines_slices_and_is_no_leak(shared_data):
    columns = {"file": "manifest.csv", "text": "text", "label": "label", "speaker": "speaker", "group": "speaker"}
    splits = {"dev": ("actor17", "actor18"), "test": ("actor21", "actor22")}
    data = DataSettings(reader="table", table=TableSettings(**columns, splits=splits, slices=("gender",)))
    corpus = read_corpus(data, shared_data / "ravdess")
    gold = {u.id: u.labels["emotion"] for u in corpus.dev}
    slicings = define_slices(corpus, "dev", gold, corpus.label_space("emotion"))
    assert {part.name for slicing in slicings for part in slicing.values() if part.kind == "gender"} == {
        "female",
        "male",
    }
    assert "gender" not in {row["kind"] for row in audit(corpus).table("leaks").rows}


def score_case(definition_of, n=60):
    rng = np.random.default_rng(0)
    ids = [f"{k:03}" for k in range(n)]
    truth, p = rng.integers(0, 2, n), rng.dirichlet([1, 1], n)
    groups = [str(k // 4) for k in range(n)]
    slicing = {key: definition_of(k) for k, key in enumerate(ids) if definition_of(k)}
    aligned = AlignedRuns(SPACE, truth, [(p, None)], groups, tuple(ids))
    return truth, p, groups, score_slices(aligned, [slicing], "accuracy")


def test_a_slice_is_scored_on_its_own_rows():
    large, small = SliceDefinition("turn", "later"), SliceDefinition("turn", "first")
    truth, p, groups, (one, other) = score_case(lambda k: large if k >= 20 else small if k < 19 else None)
    by_part = {one.definition: one, other.definition: other}
    run = (p[20:], None)
    expected = score_with_intervals(AlignedRuns(SPACE, truth[20:], [run], groups[20:]))["accuracy"]
    assert by_part[large].score == expected and by_part[large].n == 40 and not by_part[large].is_small
    found = by_part[small]
    assert found.n == MIN_SLICE_SIZE - 1 and found.is_small and found.score.low is None
    assert found.score.value == pytest.approx((p[:19].argmax(axis=1) == truth[:19]).mean())


def test_slices_without_a_scored_utterance_are_left_out():
    *_rest, found = score_case(lambda k: SliceDefinition("turn", "first") if k == 3 else None)
    assert [one.n for one in found] == [1]
    corpus = Corpus.build("talk", [*TRAIN, utterance(0), utterance(1, labels={})], [SPACE])
    slicings = define_slices(corpus, "dev", {"dev/0": ("joy",)}, SPACE)
    assert all("dev/1" not in slicing for slicing in slicings)


def test_label_changes_in_regression_are_by_steps():
    space = RegressionSpace("valence", "valence", (-3.0, 3.0))
    rows = [utterance(n, labels={}, scores={"valence": value}) for n, value in enumerate((0.9, 1.1, 2.0))]
    corpus = Corpus.build("talk", [replace(TRAIN[0], labels={}), *rows], [space])
    gold = {u.id: u.labels["valence"] for u in corpus.dev}
    (slicing,) = (c for c in define_slices(corpus, "dev", gold, space) if next(iter(c.values())).kind == "shift")
    assert {key: part.name for key, part in slicing.items()} == {"dev/1": "same", "dev/2": "shifts"}


@pytest.mark.shared_data
def test_slices_of_meld_agree_with_the_audit(shared_data):
    corpus = READERS.get("meld")(shared_data / "meld", DataSettings(reader="meld", task="emotion"))
    gold = {u.id: u.labels["emotion"] for u in corpus.dev}
    slicings = define_slices(corpus, "dev", gold, corpus.label_space("emotion"))
    counts = Counter((part.kind, part.name) for slicing in slicings for part in slicing.values())
    in_train = {casefold_text(u.text) for u in corpus.train} - {""}
    texts = [u.id for u in corpus.dev if casefold_text(u.text) in in_train]
    assert counts["text", "seen"] == len(texts) > 100 and counts["speaker", "unseen"] == 37
    assert sum(counts["turn", name] for name in ("first", "second_to_fifth", "later")) == len(corpus.dev) == 1109


@pytest.mark.parametrize("kind", ["speaker", "text", "turn", "shift"])
def test_a_group_named_like_a_built_in_slice_keeps_its_own_name(kind):
    rows = [utterance(n) for n in range(4)]
    corpus = Corpus.build(
        "talk", rows, [SPACE], slices={kind: {u.id: ("seen", "first")[u.turn % 2] for u in rows}}
    )
    gold = {u.id: u.labels["emotion"] for u in corpus.dev}
    slicings = define_slices(corpus, "dev", gold, SPACE)
    corpus_groups = {part for slicing in slicings for part in slicing.values() if part.is_corpus_group}
    assert {(part.display_kind, part.display_name) for part in corpus_groups} == {(kind, "seen"), (kind, "first")}
