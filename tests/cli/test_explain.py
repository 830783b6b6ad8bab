"""``sentir explain``: a text, a clip, an utterance of a corpus, a whole model; and its errors."""

import json
import sys

import pytest
from tiny_corpora import tiny_recipe, write_table

from sentir.cli import main
from sentir.training.recognizers import fit_recognizer


@pytest.fixture(scope="module")
def saved(corpus, weights, tmp_path_factory):
    """A saved model next to its training corpus."""
    home = tmp_path_factory.mktemp("explained")
    labels = {u.id: u.labels.get("emotion", ("neutral",))[0] for u in corpus}
    write_table(corpus, home / "tiny.csv", labels)
    columns = {"id": "id", "split": "split", "dialogue": "dialogue", "speaker": "speaker"}
    table = {"file": "tiny.csv", "text": "text", "label": "label", **columns}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_CACHE_DIR", str(home / "cache"))
        recipe = tiny_recipe(
            weights, data={"table": table}, model={"context": "dialogue", "features": ["lexical"]}
        )
        fit_recognizer(recipe, corpus)[0].save_pretrained(home / "model")
    return home


@pytest.fixture
def call(saved, capsys, monkeypatch):
    """Run ``sentir explain`` with the model; return its exit code, output and errors."""
    monkeypatch.chdir(saved)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sentir", "explain", "model", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        return code, *capsys.readouterr()

    return run


def test_a_text_is_explained_and_written(call, tmp_path):
    code, out, _err = call("--text", "I am happy.", "--html", tmp_path / "deep" / "why.html")
    assert code == 0 and "Most important words:" in out and "log-odds" in out
    assert "I am happy." in (tmp_path / "deep" / "why.html").read_text(encoding="utf-8")


def test_json_contains_the_explanation(call):
    code, out, _err = call("--text", "I am happy.", "--label", "sadness", "--sanity-check", "--json")
    found = json.loads(out)
    assert code == 0 and found["label"] == "sadness" and len(found["sanity_checks"]) == 2
    words = found["text_attribution"]
    values = [word["value"] for passage in words["passages"] for word in passage["words"]]
    total = found["score"] - words["baseline_score"] + words["convergence_delta"]
    assert sum(values) == pytest.approx(total, abs=1e-4)


def test_an_utterance_of_the_corpus_is_explained_in_its_dialogue(call, saved):
    code, out, _err = call("--root", saved, "--id", "dev/dia7/utt3", "--json")
    found = json.loads(out)
    assert code == 0 and found["id"].endswith("dev/dia7/utt3") and len(found["text_attribution"]["passages"]) == 5
    assert found["gold"] == ["neutral"] or found["gold"]


def test_without_an_id_the_model_is_explained_on_dev(call, saved, tmp_path):
    code, out, _err = call("--root", saved, "--html", tmp_path / "model.html")
    assert code == 0 and "Without text" in out and "Without context" in out and "lexical" in out
    assert (tmp_path / "model.html").is_file()


@pytest.mark.parametrize(("arguments", "message"), [
    ((), "There is nothing to explain"),
    (("--text", " "), "The text is empty"),
    (("--text", "a", "--label", "rage"), "has no label 'rage'"),
    (("--text", "a", "--id", "b"), "without --text and --file"),
    (("--root", ".", "--sanity-check"), "are for one prediction"),
    (("--root", ".", "--id", "nobody"), "There is no utterance 'nobody'"),
    (("--file", "nothing.wav"), "There is no file nothing.wav"),
    (("--file", "tiny.csv"), "give one audio or video file"),
    (("--text", "a", "--html", "."), "cannot be written"),
])  # fmt: skip
def test_what_cannot_be_explained_is_one_sentence(call, arguments, message):
    code, out, err = call(*arguments)
    assert code == 2 and message in err and "Traceback" not in err and not out
