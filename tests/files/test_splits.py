"""Random splits: no row changes its split when others are added, removed, reordered or repaired."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_tables import write

from sentir.corpus.utterances import SPLITS
from sentir.errors import CorpusError, RecipeError
from sentir.files.splits import MIN_FILL, find_seed, smallest_fill, split_by_group
from sentir.readers import read_corpus
from sentir.readers.table.reader import find_table_seed
from sentir.recipe import DataSettings, Recipe, TableSettings

FRACTIONS = {"train": 0.7, "dev": 0.15, "test": 0.15}
GROUPS = st.lists(st.text("abcdefghij", min_size=1), min_size=3, max_size=60)


def data(**columns):
    return DataSettings(reader="table", table=TableSettings(**{"label": "mood", "text": "t"} | columns))


def splits_of(path, rows, by, **columns):
    """Return ``by(row)`` → split."""
    corpus = read_corpus(data(**columns), write(path, rows))
    return {by(row): u.split for row, u in zip(rows, corpus, strict=True)}


def rows_of(n, speakers=40):
    return [
        {"key": f"k{k}", "t": f"this is line {k}", "mood": "joy", "who": f"s{k % speakers}"} for k in range(n)
    ]


def by_key(row):
    return row["key"]


@given(groups=GROUPS, others=GROUPS, seed=st.integers(0, 9), data=st.data())
@settings(deadline=None)
def test_dropping_adding_and_reordering_rows_changes_no_split(groups, others, seed, data):
    def of(rows):
        try:
            return dict(zip(rows, split_by_group(rows, FRACTIONS, seed), strict=True))
        except CorpusError:
            return {}

    before, subset = of(groups), data.draw(st.lists(st.sampled_from(groups), min_size=1))
    for after in (of(data.draw(st.permutations(groups))), of(subset), of([*others, *groups])):
        assert all(after[group] == before[group] for group in after.keys() & before.keys())


@pytest.mark.parametrize("columns", [{}, {"id": "key"}, {"speaker": "who"}, {"dialogue": "who"}])
def test_a_table_with_rows_dropped_added_and_reordered_keeps_its_splits(tmp_path, columns):
    rows = rows_of(296)
    before = splits_of(tmp_path / "t.csv", rows, by_key, **columns)
    assert set(before.values()) == set(SPLITS)
    for changed in (rows[:-1], rows[1:], rows[::-1], rows[::2], rows_of(400)):
        after = splits_of(tmp_path / "t.csv", changed, by_key, **columns)
        assert all(before[key] == split for key, split in after.items() if key in before)


def test_a_repaired_label_a_new_column_or_with_ids_a_new_text_changes_no_split(tmp_path):
    rows = rows_of(100)
    before = splits_of(tmp_path / "t.csv", rows, by_key)
    repaired = [row | {"mood": "fear", "t": row["t"].upper() + " !", "note": "new"} for row in rows]
    assert splits_of(tmp_path / "t.csv", repaired, by_key) == before
    with_ids = splits_of(tmp_path / "t.csv", rows, by_key, id="key")
    rewritten = [row | {"t": f"another text {row['key']}"} for row in rows]
    assert splits_of(tmp_path / "t.csv", rewritten, by_key, id="key") == with_ids


def test_without_ids_rows_with_the_same_text_or_clip_are_in_one_split(tmp_path):
    rows = [{"t": f"Line {n // 3}{'!' * (n % 3)}", "f": f"{n}.wav", "mood": "joy"} for n in range(150)]
    split_of = {}
    for row, u in zip(rows, read_corpus(data(), write(tmp_path / "t.csv", rows)), strict=True):
        split_of.setdefault(row["t"].strip("!"), set()).add(u.split)
    assert {len(splits) for splits in split_of.values()} == {1}
    by_clip = read_corpus(data(audio="f"), tmp_path / "t.csv")
    assert {split: len(by_clip.split(split)) for split in SPLITS} != {
        split: sum(split in splits for splits in split_of.values()) * 3 for split in SPLITS
    }


def test_fractions_hold_in_expectation_and_another_seed_splits_otherwise():
    groups = [str(n) for n in range(10_000)]
    splits = split_by_group(groups, {"train": 0.7, "dev": 0.2, "test": 0.1}, 0)
    assert [splits.count(split) / 10_000 for split in SPLITS] == pytest.approx([0.7, 0.2, 0.1], abs=0.015)
    assert split_by_group(groups, {"train": 0.7, "dev": 0.2, "test": 0.1}, 1) != splits


def test_other_fractions_move_groups_only_to_or_from_train():
    groups = [str(n) for n in range(1000)]
    wide, narrow = (split_by_group(groups, {"train": 1 - 2 * share, "dev": share, "test": share}, 3)
                    for share in (0.2, 0.1))  # fmt: skip
    changes = Counter((a, b) for a, b in zip(wide, narrow, strict=True) if a != b)
    assert changes.keys() == {("dev", "train"), ("test", "train")}


@given(n=st.integers(3, 12), size=st.integers(1, 9))
@settings(deadline=None, max_examples=30)
def test_few_groups_fill_every_split_with_the_seed_that_the_error_suggests(n, size):
    groups = [f"g{k}" for k in range(n) for _row in range(size)]
    seed = find_seed(groups, FRACTIONS)
    assert set(split_by_group(groups, FRACTIONS, seed)) == set(SPLITS)
    num_errors = 0
    for other in range(seed):
        try:
            split_by_group(groups, FRACTIONS, other)
        except CorpusError as error:
            num_errors += 1
            assert f"'data.table.seed' to {seed}," in str(error) and "\n" not in str(error)
    if n == 3:
        assert num_errors == seed


def test_fewer_groups_than_splits_are_rejected(tmp_path):
    rows = rows_of(20, speakers=2)
    with pytest.raises(CorpusError, match="2 groups are too few for train, dev, test"):
        read_corpus(data(speaker="who"), write(tmp_path / "t.csv", rows))
    assert find_table_seed(tmp_path / "t.csv", data(speaker="who"), 0) is None


def test_a_split_far_from_its_fraction_is_noted_with_a_better_seed(tmp_path):
    path = write(tmp_path / "t.csv", rows_of(60, speakers=6))
    uneven = next(
        corpus
        for seed in range(99)
        if find_table_seed(path, data(speaker="who"), seed) != seed
        and (corpus := try_read(path, seed)) is not None
    )
    (note,) = [issue for issue in uneven.issues if issue.kind == "split_small"]
    better = int(note.message.split("seed = ")[1].split("'")[0])
    assert note.severity == "note" and better == find_table_seed(path, data(speaker="who"), 0)
    sizes = Counter({f"group s{k}": 10 for k in range(6)})
    assert smallest_fill(sizes, FRACTIONS, better) >= MIN_FILL
    assert [issue.kind for issue in try_read(path, better).issues] == ["split_generated"]


def try_read(path, seed):
    try:
        return read_corpus(data(speaker="who", seed=seed), path)
    except CorpusError:
        return None


def test_there_is_no_test_split_if_its_fraction_is_0(tmp_path):
    path = write(tmp_path / "t.csv", rows_of(200))
    corpus = read_corpus(data(speaker="who", fractions=(0.8, 0.2, 0.0)), path)
    assert corpus.test == () and len(corpus.train) > len(corpus.dev) > 0
    for wrong in ([0.8, 0, 0.2], [0, 0.8, 0.2], [1.1, 0.1, -0.2]):
        table = {"label": "mood", "fractions": wrong}
        with pytest.raises(RecipeError, match="those of train and dev above 0"):
            Recipe.parse({"name": "r", "data": {"reader": "table", "table": table}})
