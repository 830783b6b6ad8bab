"""Rows are grouped by length and by dialogue, each exactly once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sentir.runtime.grouping import group_equal, group_sequences

keys = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30)


@given(keys)
def test_each_row_is_in_one_group_of_its_key(pairs):
    columns = [np.array([pair[n] for pair in pairs], dtype=np.int64) for n in range(2)]
    groups = group_equal(columns, len(pairs))
    assert sorted(row for rows in groups for row in rows) == list(range(len(pairs)))
    assert sorted({pairs[row] for rows in groups for row in rows}) == [pairs[rows[0]] for rows in groups]
    assert all(len({pairs[row] for row in rows}) == 1 for rows in groups)


def test_without_keys_all_rows_are_one_group():
    assert [rows.tolist() for rows in group_equal([], 3)] == [[0, 1, 2]]
    assert group_equal([], 0) == []


@given(st.lists(st.integers(-2, 4), max_size=30), st.randoms(use_true_random=False))
def test_sequences_hold_their_rows_in_order_and_share_an_index_by_length(dialogues, random):
    turns = list(range(len(dialogues)))
    random.shuffle(turns)
    indices = group_sequences(np.array(dialogues, dtype=np.int64), np.array(turns, dtype=np.int64))
    rows = [sequence for index in indices for sequence in index.tolist()]
    assert sorted(row for sequence in rows for row in sequence) == list(range(len(dialogues)))
    assert len({index.shape[1] for index in indices}) == len(indices)
    for sequence in rows:
        assert len({dialogues[row] for row in sequence}) == 1
        assert [turns[row] for row in sequence] == sorted(turns[row] for row in sequence)
    assert len(rows) == len(set(dialogues))
