"""Predictions: selecting, averaging and saving by id."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.corpus.label_spaces import MultiLabelSpace, SingleLabelSpace
from sentir.corpus.predictions import Predictions
from sentir.errors import PredictionsError

NAMES = ("anger", "fear", "joy")
IDS = st.lists(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), min_size=1, max_size=6, unique=True
)


def predictions(ids, *, multilabel=False, seed=0) -> Predictions:
    space = (MultiLabelSpace if multilabel else SingleLabelSpace)("emotion", NAMES)
    logits = np.random.default_rng(seed).normal(size=(len(ids), 3))
    return Predictions(tuple(ids), space.probabilities(logits), space, {"seed": str(seed)})


@given(ids=IDS, multilabel=st.booleans())
@settings(max_examples=25, deadline=None)
def test_predictions_survive_saving(tmp_path_factory, ids, multilabel):
    path = tmp_path_factory.mktemp("p") / "seed=0" / "predictions.parquet"
    written = predictions(ids, multilabel=multilabel)
    written.save(path)
    read = Predictions.load(path)
    assert (read.ids, read.label_space, dict(read.source)) == (
        written.ids,
        written.label_space,
        dict(written.source),
    )
    np.testing.assert_array_equal(read.probabilities, written.probabilities)


@settings(deadline=None)
@given(ids=IDS, data=st.data())
def test_selecting_is_by_id_in_any_order(ids, data):
    p = predictions(ids)
    order = data.draw(st.permutations(ids))
    selected = p.select(order)
    assert selected.ids == tuple(order)
    for key in order:
        np.testing.assert_array_equal(selected[key], p.probabilities[ids.index(key)])


def test_a_missing_id_is_named():
    with pytest.raises(PredictionsError, match="1 utterances have no prediction, the first is 'z'"):
        predictions(["a", "b"]).select(["a", "z"])


def test_a_mean_is_by_id_and_not_by_position():
    one, other = predictions(["a", "b"], seed=1), predictions(["a", "b"], seed=2)
    mean = Predictions.mean([one, other.select(["b", "a"])], {"seeds": "2"})
    np.testing.assert_allclose(mean["b"], (one["b"] + other["b"]) / 2)
    assert mean.source == {"seeds": "2"}


def test_a_mean_of_different_utterances_or_labels_is_refused():
    with pytest.raises(PredictionsError, match="cannot be averaged"):
        Predictions.mean([predictions(["a"]), predictions(["a", "b"])])
    reversed_labels = Predictions(("a",), np.array([[0.2, 0.3, 0.5]]), SingleLabelSpace("emotion", NAMES[::-1]))
    with pytest.raises(PredictionsError, match="cannot be averaged"):
        Predictions.mean([predictions(["a"]), reversed_labels])


def test_a_label_that_is_never_predicted_is_saved(tmp_path):
    p = Predictions(("a",), np.array([[0.4, 0.0, 0.6]]), SingleLabelSpace("emotion", NAMES))
    p.save(tmp_path / "p.parquet")
    read = Predictions.load(tmp_path / "p.parquet")
    assert read.label_space.names == NAMES and read["a"].tolist() == [0.4, 0.0, 0.6]
    assert read.labels() == {"a": ("joy",)}


@pytest.mark.parametrize(
    ("ids", "values"),
    [
        (("a",), [[2.0, -1.0, 0.0]]),
        (("a",), [[0.5, 0.5, 0.5]]),
        (("a",), [[np.nan, 0.5, 0.5]]),
        (("a", "a"), [[1.0, 0.0, 0.0]] * 2),
        (("a", "b"), [[1.0, 0.0, 0.0]]),
        (("a",), [[0.5, 0.5]]),
    ],
)
def test_invalid_probabilities_are_refused(ids, values):
    with pytest.raises(PredictionsError):
        Predictions(ids, np.array(values), SingleLabelSpace("emotion", NAMES))


def test_a_foreign_or_missing_file_is_refused(tmp_path):
    (tmp_path / "p.parquet").write_text("not parquet")
    for name in ("p.parquet", "none.parquet"):
        with pytest.raises(PredictionsError, match="does not contain predictions"):
            Predictions.load(tmp_path / name)
