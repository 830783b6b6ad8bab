"""The public functions predict once, and evaluate on test last."""

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_corpora import tiny_corpus, tiny_recipe

import sentir
from sentir import api
from sentir.errors import PredictionsError, SentirError, UnknownNameError
from sentir.evaluation.locked.ledger import list_openings_by_fingerprint
from sentir.readers import READERS
from sentir.recognizer.recognizer import Recognizer
from sentir.testing import make_tiny_text_backbone
from sentir.training.recognizers import fit_recognizer


@pytest.fixture(scope="module")
def corpus():
    return tiny_corpus()


@pytest.fixture(scope="module")
def recipe(corpus, tmp_path_factory):
    weights = make_tiny_text_backbone(
        "roberta-base", tmp_path_factory.mktemp("weights"), [u.text for u in corpus]
    )
    return tiny_recipe(weights, data={"reader": "tiny"})


@pytest.fixture(autouse=True)
def reader(corpus, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: corpus)


@pytest.fixture(scope="module")
def model(corpus, recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "mine"
    fit_recognizer(recipe, corpus)[0].save_pretrained(folder)
    return folder


@pytest.fixture
def predicted(monkeypatch):
    calls, predict = [], Recognizer.predict_utterances
    monkeypatch.setattr(
        Recognizer, "predict_utterances", lambda self, rows: calls.append(len(rows)) or predict(self, rows)
    )
    return calls


def test_train_does_not_predict_dev_a_second_time(recipe, predicted, tmp_path):
    recognizer, scores = api.train(recipe, root=tmp_path, out=tmp_path / "out")
    assert predicted == []
    assert scores.metrics["weighted_f1"].value == pytest.approx(recognizer.facts["dev_score"])


def test_files_and_folders_may_be_given_as_strings(recipe, tmp_path):
    root, out, table = str(tmp_path), str(tmp_path / "as-string"), str(tmp_path / "all.csv")
    api.train(recipe, root=root, out=out)
    assert api.evaluate(out, root=root).model == "as-string"
    assert api.analyze(out, root=root)[0] == api.evaluate(out, root=root, corpus="tiny")
    assert api.compare(out, out, root=root)[2].difference == 0
    assert [row.labels for row in api.predict(out, ["I am happy."])] != [()]
    assert len(api.export_corpus("tiny", table, root=root)) == len(api.load_corpus(recipe.data, root))


def test_the_metric_that_selects_comes_first(model, recipe, tmp_path):
    recall = recipe.override({"evaluation": {"metric": "unweighted_average_recall"}})
    _model, trained = api.train(recall, root=tmp_path, out=tmp_path / "out")
    assert next(iter(trained.metrics)) == "unweighted_average_recall"
    assert api.evaluate(tmp_path / "out", root=tmp_path).metrics == trained.metrics
    assert list(api.evaluate(tmp_path / "out", root=tmp_path).metrics) == list(trained.metrics)
    first, second, comparison = api.compare(tmp_path / "out", model, root=tmp_path)
    assert [comparison.metric, *map(next, map(iter, (first.metrics, second.metrics)))] == 3 * [
        "unweighted_average_recall"
    ]
    first, second, comparison = api.compare(model, tmp_path / "out", root=tmp_path, metric="accuracy")
    assert [comparison.metric, *map(next, map(iter, (first.metrics, second.metrics)))] == 3 * ["accuracy"]
    assert set(first.metrics) == set(trained.metrics)


def test_compare_predicts_with_each_model_once(model, predicted, tmp_path):
    first, second, comparison = api.compare(model, model, root=tmp_path)
    assert predicted == [15, 15] and comparison.difference == 0
    assert first.metrics == second.metrics


def test_an_impossible_comparison_does_not_open_test(model, corpus, tmp_path, monkeypatch):
    with pytest.raises(UnknownNameError, match="weighted_f1"):
        api.compare(model, model, root=tmp_path, split="test", reason="a look", metric="weighted_f")
    one = tiny_corpus(lambda u: u if u.split != "test" else replace(u, dialogue="one"))
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: one)
    with pytest.raises(PredictionsError, match="on one dialogue"):
        api.compare(model, model, root=tmp_path, split="test", reason="a look")
    assert (
        list_openings_by_fingerprint(corpus.test_fingerprint)
        == list_openings_by_fingerprint(one.test_fingerprint)
        == ()
    )


@pytest.mark.parametrize("verb", ["evaluate", "compare"])
def test_a_model_that_cannot_predict_does_not_open_test(verb, model, corpus, tmp_path, monkeypatch):
    def fails(self, rows):
        raise SentirError("no prediction")

    monkeypatch.setattr(Recognizer, "predict_utterances", fails)
    models = [model] if verb == "evaluate" else [model, model]
    with pytest.raises(SentirError, match="no prediction"):
        getattr(api, verb)(*models, root=tmp_path, split="test", reason="a look")
    assert list_openings_by_fingerprint(corpus.test_fingerprint) == ()


def test_the_public_names_are_few_sorted_documented_and_none_hides_a_package():
    public = sentir.__all__
    assert len(public) <= 40 and public == ["__version__", *sorted(public[1:])]
    packages = {path.stem for path in Path(sentir.__file__).parent.iterdir()}
    for name in public:
        assert name == "__version__" or (getattr(sentir, name).__doc__ or "").strip()
        assert name not in packages
