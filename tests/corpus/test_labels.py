"""Label spaces and names of labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, softmax

from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.corpus.labels import EMOTIONS, SENTIMENTS, LabelSpace, normalize_emotion, normalize_sentiment
from sentir.errors import CorpusError

SINGLE = SingleLabelSpace("emotion", EMOTIONS)
MULTI = MultiLabelSpace("emotion", ("anger", "fear", "joy"))
NUMBER = RegressionSpace("mood", "mood", (-1.0, 1.0))
LOGITS = arrays(np.float64, st.tuples(st.integers(0, 5), st.just(7)), elements=st.floats(-700, 700))


@settings(deadline=None)
@given(st.lists(st.sampled_from(EMOTIONS)))
def test_single_labels_survive_encoding_and_decoding(names):
    rows = [(name,) for name in names]
    encoded = SINGLE.encode(rows)
    assert encoded.shape == (len(rows),) and encoded.dtype == np.int64
    assert SINGLE.decode(np.eye(len(SINGLE))[encoded]) == rows


@settings(deadline=None)
@given(st.lists(st.sets(st.sampled_from(MULTI.names))))
def test_multiple_labels_survive_encoding_and_decoding(sets):
    rows = [tuple(sorted(names)) for names in sets]
    encoded = MULTI.encode(rows)
    assert encoded.shape == (len(rows), 3) and encoded.dtype == np.float32
    assert MULTI.decode(encoded) == rows


@settings(deadline=None)
@given(LOGITS)
def test_probabilities_are_a_softmax_or_sigmoids(logits):
    multilabel = MultiLabelSpace("emotion", EMOTIONS)
    np.testing.assert_allclose(SINGLE.probabilities(logits), softmax(logits, axis=1), atol=1e-12)
    np.testing.assert_allclose(multilabel.probabilities(logits), expit(logits), atol=1e-12)


def test_thresholds_apply_per_label_and_include_their_value():
    p = np.array([[0.5, 0.5, 0.5]])
    assert MULTI.decode(p) == [("anger", "fear", "joy")]
    assert MULTI.decode(p, np.array([0.6, 0.5, 0.4])) == [("fear", "joy")]


@pytest.mark.parametrize("row", [("happy",), (), ("joy", "anger"), "joy"])
def test_a_row_without_exactly_one_known_label_is_refused(row):
    with pytest.raises(CorpusError, match="emotion"):
        SINGLE.encode([row])


@pytest.mark.parametrize("space", [SINGLE, MULTI, NUMBER], ids=lambda space: space.kind)
def test_decoded_rows_cells_and_categories_agree_with_the_labels(space):
    p = np.array([[0.9], [-0.2]]) if space is NUMBER else np.random.default_rng(0).dirichlet([1] * len(space), 2)
    for (labels, by_label, values), row, numbers in zip(space.decode_rows(p), space.decode(p), p, strict=True):
        assert by_label == dict(zip(space.classes, numbers, strict=False))
        assert row == (labels or tuple(values.values())) and values.keys() == set(space.names) - {*space.classes}
        assert set(space.categorize(row)) <= set(space.categories)
        if row:
            assert isinstance(space.to_cell(row), space.cell_type)
    assert (MULTI.decode(np.zeros((1, 3))), MULTI.to_cell(())) == ([()], [])


def test_a_model_accepts_labels_of_its_kind_and_only_its_own_scale():
    assert SINGLE.accepts(SingleLabelSpace("emotion", ("joy",))) and not SINGLE.accepts(MULTI)
    assert NUMBER.accepts(RegressionSpace("mood", "mood", (-1.0, 1.0)))
    assert not NUMBER.accepts(RegressionSpace("mood", "mood", (0.0, 1.0)))


def test_a_label_space_is_always_of_a_kind():
    with pytest.raises(TypeError, match="abstract"):
        LabelSpace("emotion")


@pytest.mark.parametrize("names", [(), ("joy", "joy")])
def test_label_names_must_be_unique(names):
    with pytest.raises(CorpusError, match="different names"):
        SingleLabelSpace("emotion", names)


@pytest.mark.parametrize("word", ["Happiness", " joy ", "ALEGRÍA", "happy", "feliz"])
def test_synonyms_of_joy_are_joy(word):
    assert normalize_emotion(word) == "joy"


@pytest.mark.parametrize("name", EMOTIONS)
def test_canonical_names_are_unchanged(name):
    assert normalize_emotion(name) == name


@settings(deadline=None)
@given(st.floats(allow_nan=False))
def test_an_intensity_has_the_sentiment_of_its_sign(value):
    assert normalize_sentiment(value) == SENTIMENTS[0 if value < 0 else 2 if value > 0 else 1]


def test_unknown_words_and_missing_intensities_are_refused():
    with pytest.raises(CorpusError, match="'hangry' is not a known emotion"):
        normalize_emotion("hangry")
    with pytest.raises(CorpusError, match="'meh' is not a known sentiment"):
        normalize_sentiment("meh")
    with pytest.raises(CorpusError, match="missing"):
        normalize_sentiment(float("nan"))
