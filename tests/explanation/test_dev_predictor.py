"""What a model loses: by permuted numbers, and by what is withheld from it. Dev alone is looked at."""

from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from tiny_corpora import SPACES, WORDS, tiny_corpus, tiny_recipe

from sentir.corpus.corpus import Corpus
from sentir.corpus.sealed import SealedLabels
from sentir.errors import PredictionsError
from sentir.explanation.dev_predictor import DevPredictor
from sentir.explanation.modality_ablation import ablate_inputs
from sentir.explanation.model import explain_recognizer
from sentir.explanation.permutation_importance import permutation_importance
from sentir.training.recognizers import fit_recognizer

pytestmark = pytest.mark.usefixtures("one_store")


def test_asked_about_everything_it_answers_as_ever(any_trained):
    recognizer, corpus = any_trained
    dev = DevPredictor(recognizer, corpus)
    for _again in range(2):
        found = dev.predict()
        np.testing.assert_allclose(
            found.select(u.id for u in corpus.dev).probabilities,
            recognizer.predict_utterances(corpus.dev).probabilities,
            atol=1e-5,
        )
    assert not {"ask", "answers"} & set(vars(recognizer.model))


def test_each_model_is_told_what_it_cannot_do_without(trained):
    expected = {
        "frozen": {"text": "train_mean"},
        "window": {"text": "train_mean", "context": "alone"},
        "dialogue": {"text": "train_mean", "context": "alone", "numbers": "train_mean"},
        "audio": {"audio": "train_mean", "numbers": "train_mean"},
        "everything": {"text": "missing", "audio": "missing", "context": "alone", "numbers": "train_mean"},
    }
    for setup, parts in expected.items():
        dev = DevPredictor(*trained(setup))
        found = ablate_inputs(dev)
        assert {one.ablated: one.replacement for one in found} == parts
        for one in found:
            assert one.comparison.low is one.comparison.high is None, "three dialogues are too few"
            assert one.comparison.num_clusters == 3 and one.comparison.split == "dev"
            whole = one.score + one.comparison.difference
            assert whole == pytest.approx(found[0].score + found[0].comparison.difference)


def test_without_text_a_model_that_only_reads_answers_the_same_to_all(trained):
    recognizer, corpus = trained("frozen")
    dev = DevPredictor(recognizer, corpus)
    (text,) = ablate_inputs(dev)
    assert text.comparison.difference > 0.2, "the words tell the label, so they must be missed"


def test_without_context_a_model_answers_as_if_each_were_alone(trained):
    recognizer, corpus = trained("window")
    alone = DevPredictor(recognizer, corpus).without_context()
    for u in corpus.dev[:6]:
        single = recognizer.predict_utterances([replace(u, dialogue="x", turn=0)]).probabilities[0]
        np.testing.assert_allclose(alone[u.id], single, atol=1e-5)


def telling(u):
    """Move the label from the words to two numbers."""
    number = sorted(WORDS).index(u.labels["emotion"][0])
    draw = np.random.default_rng(crc32(u.id.encode())).normal(0, 0.6, 3).tolist()
    numbers = {"tell": (number == 0) + draw[0], "tell2": (number == 2) + draw[1], "noise": draw[2]}
    return replace(u, text="I am.", numbers=numbers)


@pytest.fixture(scope="module")
def number_reader(weights, tmp_path_factory):
    corpus = tiny_corpus(telling)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_CACHE_DIR", str(tmp_path_factory.mktemp("home")))
        recipe = tiny_recipe(
            weights, model={"features": ["tabular", "lexical"]}, train={"epochs": 15, "patience": 15, "lr": 0.02}
        )
        return fit_recognizer(recipe, corpus)[0], corpus


def test_the_numbers_that_tell_the_label_are_found(number_reader):
    sets, columns = permutation_importance(DevPredictor(*number_reader))
    by_name = {one.name: one for one in (*sets, *columns)}
    assert sets[0].name == "tabular" and sets[0].num_columns == 3 and sets[0].score_drop > 0
    assert {columns[0].name, columns[1].name} == {"tabular.tell", "tabular.tell2"}
    assert by_name["tabular.noise"].score_drop < columns[1].score_drop
    assert all(one.low is one.high is None for one in (*sets, *columns)), "three dialogues are too few"
    assert [one.score_drop for one in columns] == sorted((one.score_drop for one in columns), reverse=True)


def test_a_number_that_never_varies_loses_nothing(number_reader):
    recognizer, _corpus = number_reader
    scaler = recognizer.preprocessor.scaler
    still = {name for name, sd in zip(scaler.names, scaler.stds, strict=True) if sd == 0}
    _sets, columns = permutation_importance(DevPredictor(*number_reader), num_repeats=2)
    assert still and all(one.score_drop == 0 for one in columns if one.name in still)


def test_the_test_split_stays_sealed(number_reader, monkeypatch):
    def caught(self):
        raise AssertionError("someone looked at test")

    monkeypatch.setattr(SealedLabels, "_reveal", caught)
    found = explain_recognizer(*number_reader)
    assert found.n == len(number_reader[1].dev) and found.num_clusters == 3
    assert found.score.low is found.score.high is None, "three dialogues are too few"
    assert found.to_dict()["withheld"][0]["comparison"]["split"] == "dev"


def test_one_dialogue_is_too_little(number_reader):
    recognizer, corpus = number_reader
    first = corpus.dev[0].dialogue
    kept = [u for u in corpus if u.split == "train" or u.dialogue == first]
    with pytest.raises(PredictionsError, match="fewer than two"):
        explain_recognizer(recognizer, Corpus.build("tiny", kept, SPACES))
