"""Tf-idf computed with NumPy is that of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from runtime import run_without_laboratory
from sentir.corpus.utterances import Utterance
from sentir.study.tfidf import _SETTINGS, PART_WEIGHTS, TfidfFeatures, texts_in_dialogues
from sentir.testing import SENTENCES

ODD = ["", " ", "a", "I I I!", "So\u00a0it is?", "ÀÉ ñandú 漢字 😂", "x" * 40, "don't -- stop...", "İstanbul"]
TRAIN = [(one, before) for one, before in zip([*SENTENCES, *ODD] * 2, ["", *SENTENCES, *ODD] * 2, strict=False)]


@pytest.fixture(scope="module")
def fitted():
    return TfidfFeatures.fit((), TRAIN)


@pytest.fixture(scope="module")
def reference():
    """Transform texts by scikit-learn."""
    parts = [
        (weight, part == "previous", TfidfVectorizer(min_df=2, sublinear_tf=True, **_SETTINGS[part]))
        for part, weight in PART_WEIGHTS.items()
    ]
    for _weight, is_previous, vectorizer in parts:
        vectorizer.fit([pair[is_previous] for pair in TRAIN])

    def transform(texts):
        return hstack([w * v.transform([pair[p] for pair in texts]) for w, p, v in parts]).toarray()

    return transform


def test_train_is_transformed_as_by_scikit_learn(fitted, reference):
    np.testing.assert_allclose(fitted.transform(TRAIN).to_scipy().toarray(), reference(TRAIN), atol=1e-12)


TEXTS = st.text(alphabet=st.sampled_from("aIs tohpy!?.\t\u00a0ñÉ漢😂"), max_size=30)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_any_text_is_transformed_as_by_scikit_learn(fitted, reference, texts):
    expected = reference(texts) if texts else np.zeros((0, len(fitted.idf)))
    rows = fitted.transform(texts)
    np.testing.assert_allclose(rows.to_scipy().toarray(), expected, atol=1e-12)
    weights = np.arange(2.0 * rows.width).reshape(rows.width, 2)
    np.testing.assert_allclose(rows @ weights, expected @ weights, atol=1e-6)


def test_the_turn_before_is_that_of_the_same_dialogue():
    rows = [("a", 1, "two"), ("b", 0, "other"), ("a", 0, "one"), (None, 0, "alone"), ("a", 2, None)]
    utterances = [Utterance(f"u{n}", dialogue=d, turn=turn, text=t) for n, (d, turn, t) in enumerate(rows)]
    assert texts_in_dialogues((), utterances) == {
        "u2": ("one", ""), "u0": ("two", "one"), "u4": ("", "two"), "u1": ("other", ""), "u3": ("alone", "")
    }  # fmt: skip


def test_a_saved_bag_of_words_predicts_without_the_laboratory(corpus, tmp_path):
    from tiny_corpora import tiny_recipe

    from sentir.study.baseline_model import BaselineModel
    from sentir.study.baselines import fit_baseline

    recipe = tiny_recipe("none")
    own = BaselineModel(
        "bag of words", recipe, corpus.label_space("emotion"),
        fit_baseline("bag of words", recipe, corpus, "weighted_f1"), facts={"corpus": "tiny"},
    )  # fmt: skip
    own.save_pretrained(tmp_path)
    done = run_without_laboratory(
        "import sys, sentir\nprint(sentir.load(sys.argv[1]).predict('So happy!').label)", tmp_path
    )
    assert (done.returncode, done.stdout) == (0, f"{own.predict('So happy!').label}\n"), done.stderr
