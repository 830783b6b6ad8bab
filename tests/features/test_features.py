"""Numeric features: values, independence of labels, and scaling."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import StandardScaler

from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, UnknownNameError
from sentir.features import FEATURE_SETS, FeatureTable, compute_features
from sentir.features.dialogue import compute_dialogue_features
from sentir.features.lexical import compute_lexical_features
from sentir.features.scaling import FeatureScaler


def make_dialogue(*speakers, key="d") -> list[Utterance]:
    return [Utterance(f"{key}/{n}", dialogue=key, turn=n, speaker=s, text="Oh!") for n, s in enumerate(speakers)]


def test_lexical_features_of_a_text():
    text = "OH my! Really?! It is wonderful."
    row = {name: column[0] for name, column in compute_lexical_features([Utterance("a", text=text)]).items()}
    assert (row["words"], row["characters"], row["exclamations"], row["questions"]) == (6, len(text), 2, 1)
    assert row["uppercase_ratio"] == pytest.approx(4 / 23)
    assert row["polarity"] > 0.5 and 0 < row["subjectivity"] <= 1


def test_lexical_polarity_is_that_of_textblob_without_downloads(monkeypatch):
    import nltk
    from textblob import TextBlob

    monkeypatch.setattr(nltk.data, "path", [])
    texts = ["I love it", "This is awful, really!", "not bad :)", "", "Kids are talking by the door"]
    columns = compute_lexical_features([Utterance(text, text=text) for text in texts])
    for n, text in enumerate(texts):
        sentiment = (columns["polarity"][n], columns["subjectivity"][n])
        assert sentiment == pytest.approx(tuple(TextBlob(text).sentiment))


def test_lexical_features_are_unknown_without_text_and_known_for_an_empty_one():
    columns = compute_lexical_features([Utterance("a"), Utterance("b", text=""), Utterance("c", text="12 !")])
    assert all(np.isnan(column[0]) and np.isfinite(column[1:]).all() for column in columns.values())
    assert columns["uppercase_ratio"][2] == 0


def test_dialogue_features_describe_previous_speakers():
    columns = compute_dialogue_features(make_dialogue("A", "B", "B", "A", "C"))
    assert columns["turn"].tolist() == [0, 1, 2, 3, 4]
    assert columns["position"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert columns["same_speaker"].tolist() == [0, 0, 1, 0, 0]
    assert columns["turns_since_speaker"].tolist() == [0, 0, 1, 3, 0]


def test_dialogue_features_of_unknown_speakers_are_unknown():
    columns = compute_dialogue_features(make_dialogue(None, "A", None, "A"))
    np.testing.assert_array_equal(columns["same_speaker"], [np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(columns["turns_since_speaker"], [np.nan, 0, np.nan, 2])
    assert columns["position"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_turns_are_counted_among_the_given_utterances():
    rows = [Utterance(f"{turn}", dialogue="d", turn=turn, text="Oh!") for turn in (40, 7, 12)]
    assert compute_dialogue_features(rows)["turn"].tolist() == [2, 0, 1]


@settings(deadline=None)
@given(
    st.permutations(
        make_dialogue("A", "B", "A", None, "A") + make_dialogue("A", "A", key="e") + [Utterance("alone")]
    )
)
def test_dialogue_features_do_not_depend_on_order_and_other_dialogues(shuffled):
    columns = compute_dialogue_features(shuffled)
    for u in shuffled:
        own = compute_dialogue_features(
            [other for other in sorted(shuffled, key=lambda o: o.turn) if other.dialogue == u.dialogue]
        )
        index = shuffled.index(u)
        row = {name: column[u.turn] for name, column in own.items()}
        np.testing.assert_array_equal([column[index] for column in columns.values()], list(row.values()))


def test_tabular_has_every_numeric_feature_in_alphabetical_order():
    table = compute_features(
        ["tabular"], [Utterance("a", numeric_features={"pitch": 2.0}), Utterance("b", numeric_features={"db": 1})]
    )
    assert table.names == ("tabular.db", "tabular.pitch")
    np.testing.assert_array_equal(table.values, [[np.nan, 2], [1, np.nan]])


@pytest.mark.parametrize("name", list(FEATURE_SETS))
def test_no_feature_depends_on_labels(name):
    def table(label):
        rows = make_dialogue("A", "B", "A")
        fields = {"labels": {"emotion": (label,)}, "scores": {label: 3.0}, "numeric_features": {"duration": 2.0}}
        fields["stacked_probabilities"] = {"sentiment.positive": 0.5}
        return compute_features(
            [name], [Utterance(u.id, "train", u.dialogue, u.turn, u.speaker, "Oh!", **fields) for u in rows]
        )

    assert table("joy").names == table("fear").names and table("joy").names
    np.testing.assert_array_equal(table("joy").values, table("fear").values)


@pytest.mark.parametrize("names", [[], ["lexical", "dialogue"], ["tabular"], ["lexical", "dialogue", "tabular"]])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_table_has_a_row_per_utterance_and_named_columns(names, count):
    table = compute_features(names, make_dialogue(*"ABC"[:count]))
    assert table.values.shape == (count, len(table.names)) and table.values.dtype == np.float32
    assert {name.split(".")[0] for name in table.names} == set(names) - {"tabular"}


def test_an_unknown_set_is_refused_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="did you mean lexical"):
        compute_features(["lexicl"], [])


CELLS = st.floats(-1e4, 1e4, width=32) | st.just(math.nan)
TABLES = arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(0, 4)), elements=CELLS).map(
    lambda values: FeatureTable(tuple(f"c{k}" for k in range(values.shape[1])), values)
)


@settings(deadline=None)
@given(TABLES)
def test_scaled_columns_are_finite_and_survive_json(table):
    scaler = FeatureScaler.fit(table)
    scaled = scaler.transform(table)
    assert scaled.shape == table.values.shape and scaled.dtype == np.float32 and np.isfinite(scaled).all()
    assert (scaled[np.isnan(table.values)] == 0).all()
    saved = {key: tuple(values) for key, values in json.loads(json.dumps(scaler.to_dict())).items()}
    assert FeatureScaler(**saved) == scaler


def test_scaling_agrees_with_scikit_learn():
    values = np.random.default_rng(0).normal(3, 5, size=(50, 3)).astype(np.float32)
    table = FeatureTable(("a", "b", "c"), values)
    np.testing.assert_allclose(
        FeatureScaler.fit(table).transform(table), StandardScaler().fit_transform(values), atol=1e-5
    )


def test_constant_and_unknown_columns_become_zero_even_if_they_vary_later():
    scaler = FeatureScaler.fit(FeatureTable(("a", "b"), np.array([[0.1, np.nan]] * 3, dtype=np.float32)))
    later = FeatureTable(("a", "b"), np.array([[9, 9], [0.1, np.nan]], dtype=np.float32))
    assert scaler.transform(later).tolist() == [[0, 0], [0, 0]]


def test_columns_are_matched_by_name_and_a_missing_one_is_named():
    values = np.array([[0, 10], [2, 30]], dtype=np.float32)
    scaler = FeatureScaler.fit(FeatureTable(("a", "b"), values))
    reordered = FeatureTable(("b", "new", "a"), np.array([[10, 5, 0], [30, 5, 2]], dtype=np.float32))
    assert scaler.transform(reordered).tolist() == [[-1, -1], [1, 1]]
    with pytest.raises(CorpusError, match=r"feature 'b' is missing.*a, b"):
        scaler.transform(FeatureTable(("a",), values[:, :1]))


def test_missing_tabular_columns_are_added_as_unknown():
    table = compute_features(["tabular"], [Utterance("a", text="hi")])
    assert table.names == ()
    wider = table.with_missing_tabular(["tabular.duration", "lexical.words"])
    assert wider.names == ("tabular.duration",) and np.isnan(wider.values).all()
    known = compute_features(["tabular"], [Utterance("a", numeric_features={"duration": 2.0})])
    assert known.with_missing_tabular(["tabular.duration"]).values.tolist() == [[2.0]]
