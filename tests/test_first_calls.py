"""The calls that people try first work, or fail with one sentence."""

import re
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tiny_corpora import tiny_corpus, tiny_recipe

import sentir
import sentir.recipe
from sentir.errors import SentirError
from sentir.readers import READERS
from sentir.training.recognizers import fit_recognizer


@pytest.fixture(scope="module")
def model(weights, tmp_path_factory):
    """A folder with a model, its recipe and a table."""
    home = tmp_path_factory.mktemp("first")
    recipe = tiny_recipe(weights, data={"reader": "tiny"})
    (home / "mine.toml").write_text(sentir.recipe.dump_toml(recipe.to_dict()), encoding="utf-8")
    recognizer, _dev = fit_recognizer(recipe, tiny_corpus())
    recognizer.save_pretrained(str(home / "model"))
    (home / "table.csv").write_text("text\nI am happy.\n", encoding="utf-8")
    return SimpleNamespace(home=home, folder=str(home / "model"), recognizer=recognizer, recipe=recipe)


@pytest.fixture(autouse=True)
def in_model_home(model, monkeypatch):
    monkeypatch.chdir(model.home)
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: tiny_corpus())


TWO = ["I am happy.", "I am crying."]
WORKS = {
    'Recognizer.from_pretrained("model")': lambda m: sentir.Recognizer.from_pretrained("model"),
    'recognizer.save_pretrained("copy")': lambda m: m.recognizer.save_pretrained("copy"),
    'recognizer.predict("I am happy.")': lambda m: m.recognizer.predict("I am happy."),
    'recognizer.predict(["…", "…"])': lambda m: m.recognizer.predict(TWO),
    "recognizer.predict(generator)": lambda m: m.recognizer.predict(text for text in TWO),
    'recognizer.predict(frame["text"])': lambda m: m.recognizer.predict(pd.Series([*TWO, float("nan"), 7])),
    "recognizer.predict([5, None, b'hi', \"I am happy.\"])": lambda m: m.recognizer.predict(
        [5, None, b"hi", TWO[0]]
    ),
    'recognizer.predict(Path("table.csv"))': lambda m: m.recognizer.predict(Path("table.csv")),
    "recognizer.predict(frame)": lambda m: m.recognizer.predict(pd.DataFrame({"text": TWO})),
    'recognizer.predict({"text": …})': lambda m: m.recognizer.predict({"text": TWO[0]}),
    "recognizer.predict(Utterance)": lambda m: m.recognizer.predict(sentir.Utterance("mine", text=TWO[0])),
    "recognizer.predict([])": lambda m: m.recognizer.predict([]),
    'recognizer.embed("I am happy.")': lambda m: m.recognizer.embed(TWO[0]).shape,
    'sentir.load("model")': lambda m: sentir.load("model"),
    'sentir.predict(recognizer, "hi")': lambda m: sentir.predict(m.recognizer, "hi"),
    'sentir.predict("model", "hi")': lambda m: sentir.predict("model", "hi"),
    'recognizer.predict("table.csv")': lambda m: m.recognizer.predict("table.csv"),
    "recognizer.predict_proba([…, …])": lambda m: m.recognizer.predict_proba(TWO),
    "recognizer.classes_": lambda m: m.recognizer.classes_,
    "recognizer": lambda m: repr(m.recognizer),
    "recognizer, in a notebook": lambda m: m.recognizer._repr_html_(),
    'sentir.train("mine.toml", out="again", root=".")': lambda m: sentir.train(
        "mine.toml", out="again", root="."
    ),
    'sentir.evaluate(recognizer, root=".")': lambda m: sentir.evaluate(m.recognizer, root="."),
    'sentir.evaluate("model", root=".")': lambda m: sentir.evaluate("model", root="."),
    'sentir.compare(recognizer, "model", root=".")': lambda m: sentir.compare(m.recognizer, "model", root=".")[2],
    'sentir.load_corpus("demo-meld")': lambda m: sentir.load_corpus("demo-meld"),
    'sentir.load_corpus("mine.toml", ".")': lambda m: sentir.load_corpus("mine.toml", "."),
    'sentir.load_recipe("meld-text", {"train.epochs": 5})': lambda m: sentir.load_recipe(
        "meld-text", {"train.epochs": 5}
    ),
    'sentir.load_recipe("mine.toml", "train.epochs=5")': lambda m: sentir.load_recipe(
        "mine.toml", "train.epochs=5"
    ),
    "sentir.__version__": lambda m: sentir.__version__,
}
FAILS = {
    'Recognizer.from_pretrained("nowhere")': lambda m: sentir.Recognizer.from_pretrained("nowhere"),
    "recognizer.predict(5)": lambda m: m.recognizer.predict(5),
    "recognizer.predict(array)": lambda m: m.recognizer.predict(np.zeros(16_000, np.float32)),
    "recognizer.predict(bytes), a model of text": lambda m: m.recognizer.predict(b"RIFF"),
    'recognizer.predict({"txt": …})': lambda m: m.recognizer.predict({"txt": TWO[0]}),
    'recognizer.predict(Path("I am happy"))': lambda m: m.recognizer.predict(Path("I am happy")),
    'recognizer.predict(open("table.csv"))': lambda m: m.recognizer.predict(StringIO("text")),
    'recognizer.predict("hi", max_error=20)': lambda m: m.recognizer.predict("hi", max_error=20),
    'sentir.load("owner/model")': lambda m: sentir.load("owner/model"),
    'sentir.evaluate("nowhere")': lambda m: sentir.evaluate("nowhere"),
    'sentir.train("mine.toml", out="again")': lambda m: sentir.train("mine.toml", out="again"),
    'sentir.load_corpus("meld")': lambda m: sentir.load_corpus("meld"),
    'sentir.load_corpus("mled", ".")': lambda m: sentir.load_corpus("mled", "."),
    'sentir.load_recipe("meld-txt")': lambda m: sentir.load_recipe("meld-txt"),
    'sentir.load_recipe("meld-text", {"train.epoch": 5})': lambda m: sentir.load_recipe(
        "meld-text", {"train.epoch": 5}
    ),
}


@pytest.mark.parametrize("call", WORKS)
def test_a_first_call_works_and_shows_one_short_line(model, call):
    shown = repr(WORKS[call](model))
    print(f"| `{call}` | {shown[:150]} |")
    assert len(shown) < 1000 and "object at 0x" not in shown


@pytest.mark.parametrize("call", FAILS)
def test_a_first_call_that_cannot_work_fails_with_one_sentence(model, call):
    with pytest.raises(SentirError, match=r"\A[^\n]+[.?]\Z") as raised:
        FAILS[call](model)
    print(f"| `{call}` | {raised.value} |")
    assert len(str(raised.value)) < 300


def test_recognizer_predict_equals_sentir_predict_and_a_bad_item_does_not_stop_the_others(model):
    mixed = [TWO[0], float("nan"), 7, TWO[1]]
    rows = model.recognizer.predict(mixed)
    assert rows == sentir.predict(model.folder, mixed)
    assert [bool(row.problem) for row in rows] == [False, True, True, False]
    assert model.recognizer.predict("hi").text == "hi"
    assert model.recognizer.predict("clip.wav").notes == ()
    (model.home / "clip.wav").touch()
    for name in ("clip.wav", "table.csv"):
        assert "a Path" in model.recognizer.predict(name).notes[0]


def test_probabilities_are_an_array_in_the_order_of_the_classes(model):
    probabilities = model.recognizer.predict_proba([TWO[0], None, TWO[1]])
    names = model.recognizer.classes_.tolist()
    assert probabilities.shape == (3, len(names)) and names == list(model.recognizer.space.names)
    assert np.isnan(probabilities[1]).all() and probabilities[[0, 2]].sum(1) == pytest.approx(1)
    rows = model.recognizer.predict(TWO)
    assert [[row.probabilities[name] for name in names] for row in rows] == probabilities[[0, 2]].tolist()


def test_a_regression_model_has_no_classes(model):
    space = sentir.RegressionSpace("mood", "mood", (-3.0, 3.0))
    own = model.recognizer
    model = type(own)(model.recipe, space, own.preprocessor, own.encoders, own.model, None)
    assert not hasattr(model, "classes_")
    with pytest.raises(SentirError, match="regression"):
        model.predict_proba("hi")


def test_overrides_are_a_mapping_or_strings():
    by_key = sentir.load_recipe("meld-text", {"train.epochs": 5, "model": {"hidden_size": 8}})
    assert by_key == sentir.load_recipe("meld-text", ["train.epochs=5", "model.hidden_size=8"])


def test_repr_is_one_line_and_html_is_a_small_table(model):
    for one in (model.recognizer, tiny_corpus(), model.recipe, model.recognizer.predict("<b>hi</b>\n\x1b")):
        line, table = repr(one), one._repr_html_()
        assert "\n" not in line and len(line) < 400 and line.startswith(type(one).__name__)
        assert "<b>hi" not in table and re.fullmatch(r"<table>.*</table>", table) and "\x1b" not in line + table
