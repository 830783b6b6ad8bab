"""Label spaces of regression tasks: encoding, decoding, steps, and labels from annotated scores."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace, label_space_from_dict
from sentir.corpus.predictions import Predictions
from sentir.corpus.tables import to_frame
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, PredictionsError
from sentir.evaluation.locked.ledger import open_test

SPACE = RegressionSpace("intensity", "sentiment", (-3.0, 3.0))
WIDE = RegressionSpace("valence", "valence", (0.0, 100.0))


@given(st.lists(st.floats(-3, 3), max_size=20))
def test_numbers_survive_encoding_and_decoding(numbers):
    rows = [(number,) for number in numbers]
    encoded = SPACE.encode(rows)
    assert encoded.shape == (len(numbers),)
    assert SPACE.decode(encoded[:, None]) == rows


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_targets_are_scaled_to_minus_1_to_1_and_probabilities_invert_that(numbers):
    targets = WIDE.encode_targets([(number,) for number in numbers])
    assert (np.abs(targets) <= 1).all()
    np.testing.assert_allclose(WIDE.probabilities(targets[:, None])[:, 0], numbers, atol=1e-4)


@pytest.mark.parametrize("row", [(3.5,), (float("nan"),), ("joy",), (), (1.0, 2.0), (float("inf"),)])
def test_numbers_off_the_scale_are_refused(row):
    with pytest.raises(CorpusError, match="not a number of 'intensity', from -3 to 3"):
        SPACE.encode([row])


@pytest.mark.parametrize("bounds", [(1, 1), (1, 0), (0, np.inf), (np.nan, 1)])
def test_a_scale_has_two_different_finite_bounds(bounds):
    with pytest.raises(CorpusError, match="one name and a scale"):
        RegressionSpace("task", "a", bounds)


@pytest.mark.parametrize(
    "space",
    [SPACE, SingleLabelSpace("emotion", ("anger", "joy")), MultiLabelSpace("emotion", ("anger", "joy"))],
    ids=lambda space: space.kind,
)
def test_label_spaces_are_read_back_as_the_kind_that_they_are(space):
    plain = json.loads(json.dumps(asdict(space)))
    assert label_space_from_dict({**plain, "source": {}}) == space
    older = {key: value for key, value in plain.items() if key != "max_intensity"}
    assert label_space_from_dict(older) == space
    with pytest.raises(KeyError):
        label_space_from_dict({key: value for key, value in plain.items() if key != "kind"})


def test_a_prediction_off_the_scale_is_kept_and_decoded_as_its_bound():
    predictions = Predictions(("a", "b"), np.array([[4.2], [-0.5]]), SPACE)
    assert predictions["a"] == [4.2]
    assert predictions.labels() == {"a": (3.0,), "b": (-0.5,)}
    assert predictions.decode() == {"a": ((), {}, {"sentiment": 3.0}), "b": ((), {}, {"sentiment": -0.5})}
    with pytest.raises(PredictionsError, match="not raw scores"):
        Predictions(("a",), np.array([[np.nan]]), SPACE)


def test_predictions_of_numbers_survive_saving(tmp_path):
    written = Predictions(("a", "b"), np.array([[4.2], [-0.5]]), SPACE, {"model": "m"})
    written.save(tmp_path / "p.parquet")
    read = Predictions.load(tmp_path / "p.parquet")
    assert (read.ids, read.label_space, read.source) == (written.ids, SPACE, {"model": "m"})
    np.testing.assert_array_equal(read.probabilities, written.probabilities)


def test_numbers_are_categorized_by_the_nearest_step():
    assert SPACE.categories == ("-3", "-2", "-1", "0", "1", "2", "3")
    assert [SPACE.categorize((number,)) for number in (-3.0, 0.4, 1.67)] == [("-3",), ("0",), ("2",)]
    assert len(WIDE.categories) == 7 and WIDE.categorize((99.0,)) == ("100",)
    assert SingleLabelSpace("emotion", ("anger", "joy")).categorize(("joy",)) == ("joy",)


def rows():
    return [
        Utterance(f"c/{split}/{n}", split, f"{split}{n}", text="hm", labels={"sentiment": ("positive",)},
                  scores={"sentiment": 0.6 + n} if n < 2 else {})
        for split in ("train", "dev", "test")
        for n in range(3)
    ]  # fmt: skip


def test_regression_labels_come_from_scores_are_sealed_in_test_and_do_not_change_the_fingerprint():
    names = SingleLabelSpace("sentiment", ("negative", "neutral", "positive"))
    plain, corpus = Corpus.build("c", rows(), [names]), Corpus.build("c", rows(), [names, SPACE])
    assert [u.labels.get("intensity") for u in corpus.train] == [(0.6,), (1.6,), None]
    assert all(not u.labels for u in corpus.test)
    revealed = open_test(corpus, reason="a test")
    assert revealed["c/test/1"] == {"sentiment": ("positive",), "intensity": (1.6,)}
    assert "intensity" not in revealed["c/test/2"]
    assert (corpus.fingerprint, corpus.test_fingerprint) == (plain.fingerprint, plain.test_fingerprint)
    frame = to_frame(corpus)
    assert frame["intensity"].tolist()[:2] == [0.6, 1.6] and frame["intensity"].isna().sum() == 5
    assert [len(group) for group in corpus.by_label("intensity", "dev").values()] == [0, 0, 0, 0, 1, 1, 0]
