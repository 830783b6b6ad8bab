"""Slices: which utterance is in which part, and that a part is scored like the whole."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sentir.audit import audit
from sentir.audit.leaks import find_seen_ids, normalize_texts
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Clip, Utterance
from sentir.evaluation.analysis.slices import MIN_SLICE_SIZE, SliceDefinition, define_slices, score_slices
from sentir.evaluation.intervals import score_with_intervals as scored_rows
from sentir.readers import READERS, read_corpus
from sentir.recipe import DataSettings, TableSettings

SPACE = LabelSpace("emotion", ("anger", "joy"))


def said(n, split="dev", **changes):
    facts = {"dialogue": split, "turn": n, "speaker": "Ana", "text": f"text {n}", "labels": {"emotion": ("joy",)}}
    return Utterance(f"{split}/{n}", split, **facts | changes)


def cuts_of(*utterances, **corpus):
    found = Corpus.build("talk", utterances, [SPACE], **corpus)
    gold = {u.id: u.labels["emotion"] for u in found.dev if "emotion" in u.labels}
    cuts = {part.kind: cut for cut in define_slices(found, "dev", gold, SPACE) for part in cut.values()}
    return {kind: {key: part.name for key, part in cut.items()} for kind, cut in cuts.items()}


TRAIN = (said(0, "train"), said(1, "train", speaker=None, text=None))


def test_speakers_and_texts_are_seen_if_train_has_them_however_they_are_spelled():
    found = cuts_of(
        *TRAIN,
        said(0, text=" TEXT  0"),
        said(1, speaker="Ben"),
        said(2, speaker=None, text="  "),
    )
    assert found["speaker"] == {"dev/0": "seen", "dev/1": "unseen"}
    assert found["text"] == {"dev/0": "seen", "dev/1": "unseen"}


def test_a_way_to_cut_that_tells_no_two_utterances_apart_is_left_out():
    found = cuts_of(*TRAIN, said(0, text="new"), said(1, text="also new"))
    assert "speaker" not in found and "text" not in found and "missing" not in found


def test_durations_are_cut_at_their_terciles():
    lengths = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    rows = [said(n, numbers={"duration": seconds}) for n, seconds in enumerate(lengths)]
    found = cuts_of(*TRAIN, *rows, said(9))
    assert list(found["duration"].values()) == ["short"] * 2 + ["middle"] * 2 + ["long"] * 2
    assert "dev/9" not in found["duration"]
    corpus = Corpus.build("talk", (*TRAIN, *rows), [SPACE])
    (cut,) = (c for c in define_slices(corpus, "dev", dict.fromkeys((u.id for u in rows), ("joy",)), SPACE)
              if next(iter(c.values())).kind == "duration")  # fmt: skip
    bounds = list(dict.fromkeys(part.bounds for part in cut.values()))
    assert bounds[0][0] == 1 and bounds[-1][1] == 6 and bounds[0][1] == bounds[1][0]


def test_turns_count_from_the_start_of_each_dialogue():
    rows = [said(n, turn=10 * n) for n in range(7)] + [said(9, dialogue="other", turn=4)]
    found = cuts_of(*TRAIN, *rows)["turn"]
    assert found["dev/9"] == found["dev/0"] == "first"
    assert [found[f"dev/{n}"] for n in (1, 4, 5, 6)] == ["second_to_fifth"] * 2 + ["later"] * 2


def test_a_shift_is_from_the_speakers_own_previous_turn():
    sad = {"labels": {"emotion": ("anger",)}}
    rows = [said(0), said(1, speaker="Ben", **sad), said(2), said(3, speaker="Ben"), said(4, speaker=None)]
    found = cuts_of(*TRAIN, *rows)["shift"]
    assert found == {"dev/2": "same", "dev/3": "shifts"}


def test_turns_without_labels_count_as_turns_and_hide_what_came_before():
    rows = [said(n, labels={} if n in (0, 3) else {"emotion": ("joy",)}) for n in range(7)]
    found = cuts_of(*TRAIN, *rows, said(9, dialogue="other"))
    turns = {"dev/9": "first", **dict.fromkeys(("dev/1", "dev/2", "dev/4"), "second_to_fifth")}
    assert found["turn"] == turns | {"dev/5": "later", "dev/6": "later"}
    assert "shift" not in found, "they are all the same"
    other = [*rows[:5], said(5, labels={"emotion": ("anger",)}), said(6)]
    assert cuts_of(*TRAIN, *other)["shift"] == {"dev/2": "same", "dev/5": "shifts", "dev/6": "shifts"}


def test_what_is_missing_is_said_only_where_others_have_it():
    clip = Clip(Path("a.wav"), 0.0, 1.0)
    heard = {"clip": clip, "numbers": {"duration": 1.0}}
    found = cuts_of(*TRAIN, said(0, **heard), said(1), said(2, text=" ", **heard), said(3, text=None))
    assert list(found["missing"].values()) == ["nothing", "clip", "text", "both"]


def test_groups_of_the_corpus_cut_too_unless_there_are_many():
    rows = [said(n) for n in range(12)]
    sides = {u.id: "female" if n % 2 else "male" for n, u in enumerate(rows)}
    found = cuts_of(*TRAIN, *rows, groups={"gender": sides, "episode": {u.id: u.id for u in rows}})
    assert set(found["gender"].values()) == {"female", "male"} and "episode" not in found


@pytest.mark.shared_data
def test_a_column_of_a_table_cuts_scores_and_is_no_leak(shared_data):
    columns = {"file": "manifest.csv", "text": "text", "label": "label", "speaker": "speaker", "group": "speaker"}
    splits = {"dev": ("actor17", "actor18"), "test": ("actor21", "actor22")}
    data = DataSettings(reader="table", table=TableSettings(**columns, splits=splits, slices=("gender",)))
    corpus = read_corpus(data, shared_data / "ravdess")
    gold = {u.id: u.labels["emotion"] for u in corpus.dev}
    cuts = define_slices(corpus, "dev", gold, corpus.label_space("emotion"))
    assert {part.name for cut in cuts for part in cut.values() if part.kind == "gender"} == {"female", "male"}
    assert "gender" not in {row["what"] for row in audit(corpus).table("leaks").rows}


def scored(parts, n=60):
    rng = np.random.default_rng(0)
    ids = [f"{k:03}" for k in range(n)]
    truth, p = rng.integers(0, 2, n), rng.dirichlet([1, 1], n)
    groups = [str(k // 4) for k in range(n)]
    cut = {key: parts(k) for k, key in enumerate(ids) if parts(k)}
    about = {"metric": "accuracy", "confidence": 0.95}
    return truth, p, groups, score_slices(SPACE, ids, truth, [(p, None)], groups, [cut], **about)


def test_a_part_is_scored_like_the_whole_on_its_own_rows():
    large, small = SliceDefinition("turn", "later"), SliceDefinition("turn", "first")
    truth, p, groups, (one, other) = scored(lambda k: large if k >= 20 else small if k < 19 else None)
    by_part = {one.part: one, other.part: other}
    wanted = scored_rows(SPACE, truth[20:], [(p[20:], None)], groups[20:], confidence_level=0.95)["accuracy"]
    assert by_part[large].score == wanted and by_part[large].n == 40 and not by_part[large].is_small
    found = by_part[small]
    assert found.n == MIN_SLICE_SIZE - 1 and found.is_small and found.score.low is None
    assert found.score.value == pytest.approx((p[:19].argmax(axis=1) == truth[:19]).mean())


def test_parts_without_a_scored_utterance_are_not_there():
    *_rest, found = scored(lambda k: SliceDefinition("turn", "first") if k == 3 else None)
    assert [one.n for one in found] == [1]
    corpus = Corpus.build("talk", [*TRAIN, said(0), said(1, labels={})], [SPACE])
    cuts = define_slices(corpus, "dev", {"dev/0": ("joy",)}, SPACE)
    assert all("dev/1" not in cut for cut in cuts)


def test_numbers_shift_by_steps():
    space = LabelSpace("valence", ("valence",), bounds=(-3.0, 3.0))
    rows = [said(n, labels={}, scores={"valence": value}) for n, value in enumerate((0.9, 1.1, 2.0))]
    corpus = Corpus.build("talk", [replace(TRAIN[0], labels={}), *rows], [space])
    gold = {u.id: u.labels["valence"] for u in corpus.dev}
    (cut,) = (c for c in define_slices(corpus, "dev", gold, space) if next(iter(c.values())).kind == "shift")
    assert {key: part.name for key, part in cut.items()} == {"dev/1": "same", "dev/2": "shifts"}


@pytest.mark.shared_data
def test_melds_dev_is_cut_as_the_audit_counts_it(shared_data):
    corpus = READERS.get("meld")(shared_data / "meld", DataSettings(reader="meld", task="emotion"))
    gold = {u.id: u.labels["emotion"] for u in corpus.dev}
    cuts = define_slices(corpus, "dev", gold, corpus.label_space("emotion"))
    counts = Counter((part.kind, part.name) for cut in cuts for part in cut.values())
    texts = find_seen_ids(normalize_texts(corpus), corpus.dev, corpus.train)
    assert counts["text", "seen"] == len(texts) > 100 and counts["speaker", "unseen"] == 37
    assert sum(counts["turn", name] for name in ("first", "second_to_fifth", "later")) == len(corpus.dev) == 1109


@pytest.mark.parametrize("kind", ["speaker", "text", "turn", "shift"])
def test_a_group_called_like_a_part_of_ours_keeps_its_own_name(kind):
    rows = [said(n) for n in range(4)]
    corpus = Corpus.build(
        "talk", rows, [SPACE], slices={kind: {u.id: ("seen", "first")[u.turn % 2] for u in rows}}
    )
    gold = {u.id: u.labels["emotion"] for u in corpus.dev}
    parts = {part for cut in define_slices(corpus, "dev", gold, SPACE) for part in cut.values()}
    own = {part for part in parts if part.is_corpus_group}
    assert {(part.display_kind, part.display_name) for part in own} == {(kind, "seen"), (kind, "first")}
