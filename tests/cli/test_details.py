"""``sentir evaluate --analyze`` and ``sentir predict --abstain``, on a tiny corpus."""

import csv
import io
import json
import sys
from dataclasses import replace

import pytest
from rich.console import Console
from tiny_corpora import tiny_recipe

from sentir import api
from sentir.cli import main, output
from sentir.errors import LockedTestError, RecognizerError
from sentir.evaluation.locked.ledger import list_openings_by_fingerprint
from sentir.readers import READERS
from sentir.recognizer.recognizer import Recognizer
from sentir.training.recognizers import fit_recognizer

TASKS = ("emotion", "feelings")


@pytest.fixture(scope="module")
def models(corpus, weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for task in TASKS:
        recipe = tiny_recipe(weights, data={"task": task, "reader": "tiny", "root": "."})
        fit_recognizer(recipe, corpus)[0].save_pretrained(folder / task)
    return folder


@pytest.fixture(autouse=True)
def set_corpus(corpus, monkeypatch):
    def set_(other=corpus):
        monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: other)

    set_()
    return set_


@pytest.fixture
def sentir(monkeypatch, capsys):
    """Run a command and return its exit code and what it printed."""

    def run(*arguments):
        monkeypatch.setattr(output, "console", Console(width=200, highlight=False, file=(text := io.StringIO())))
        monkeypatch.setattr(sys, "argv", ["sentir", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code or 0, text.getvalue() + printed.out, printed.err

    return run


@pytest.mark.parametrize("task", TASKS)
def test_the_analysis_is_printed_and_is_in_the_json(task, models, sentir):
    code, printed, _error = sentir("evaluate", models / task, "--analyze")
    assert code == 0 and "split into two halves" in " ".join(printed.split())
    assert "Slices" in printed and "Errors by speaker" in printed and "probability" in " ".join(printed.split())
    _code, printed, _error = sentir("evaluate", models / task, "--analyze", "--json")
    (row,) = json.loads(printed)
    assert row["analysis"]["reliability"]["n"] == row["n"] == 15
    assert "analysis" not in json.loads(sentir("evaluate", models / task, "--json")[1])[0]


def test_analyze_and_evaluate_give_the_same_scores(models):
    assert api.analyze(models / "emotion")[0] == api.evaluate(models / "emotion")


@pytest.mark.parametrize(
    ("split", "protocol"), [("dev", "cross_fit"), ("train", "in_sample"), ("test", "held_out")]
)
def test_the_protocol_depends_on_the_split(split, protocol, models, corpus):
    _scores, analysis = api.analyze(models / "emotion", split=split, reason="to see")
    assert analysis.reliability.protocol == protocol
    assert len(list_openings_by_fingerprint(corpus.test_fingerprint)) == (split == "test")
    assert not analysis.hardest_examples or split != "test", "only a study shows errors of test"


def test_another_corpus_is_held_out(models, corpus, set_corpus):
    set_corpus(replace(corpus, fingerprint="another"))
    assert api.analyze(models / "emotion")[1].reliability.protocol == "held_out"


def test_test_is_locked_for_analyze_too(models, corpus):
    with pytest.raises(LockedTestError, match="--reason"):
        api.analyze(models / "emotion", split="test")
    assert not list_openings_by_fingerprint(corpus.test_fingerprint)


@pytest.mark.parametrize("task", TASKS)
def test_predictions_below_the_confidence_threshold_abstain(task, models, corpus, tmp_path):
    recognizer = Recognizer.from_pretrained(models / task)
    table = tmp_path / "dev.csv"
    table.write_text("text\n" + "\n".join(f'"{u.text}"' for u in corpus.dev), encoding="utf-8")
    predictions = api.predict(recognizer, [table], abstain=True)
    share = sum(row.abstain for row in predictions) / len(predictions)
    assert share <= 1 - recognizer.calibration.coverage + 1e-9, "the threshold is set on dev"
    strict = replace(recognizer, calibration=replace(recognizer.calibration, confidence_threshold=2.0))
    assert all(row.abstain for row in api.predict(strict, [table], abstain=True))
    assert {row.abstain for row in api.predict(strict, [table])} == {None}
    assert [row.labels for row in api.predict(strict, [table])] == [row.labels for row in predictions]


def edit_metadata(folder, change):
    path = folder / "sentir.json"
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")


def test_abstentions_are_in_the_table_the_json_and_the_csv(models, sentir, tmp_path):
    model = tmp_path / "model"
    Recognizer.from_pretrained(models / "emotion").save_pretrained(model)
    edit_metadata(model, lambda tree: tree | {"calibration": tree["calibration"] | {"confidence_threshold": 1.0}})
    command = ("predict", model, "--text", "I am happy.")
    assert "(not sure)" in sentir(*command, "--abstain")[1] and "(not sure)" not in sentir(*command)[1]
    (row,) = json.loads(sentir(*command, "--abstain", "--json")[1])
    assert row["abstain"] is True
    sentir(*command, "--abstain", "--out", tmp_path / "out.csv")
    sentir(*command, "--out", tmp_path / "plain.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        assert [line["abstain"] for line in csv.DictReader(file)] == ["true"]
    assert "abstain" not in (tmp_path / "plain.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("max_error", [0.0, 0.1, 0.25, 0.5, 1.0])
def test_a_maximum_error_holds_on_dev(task, max_error, models, corpus):
    recognizer = Recognizer.from_pretrained(models / task)
    names = recognizer.space.names
    try:
        rows = api.predict(recognizer, [*corpus.dev], max_error=max_error)
    except RecognizerError as error:
        assert "No confidence threshold keeps the error on dev" in str(error)
        lowest = recognizer.calibration.risk_curve.errors[-1]
        assert lowest > max_error and len(api.predict(recognizer, [*corpus.dev], max_error=lowest)) == 15
        return

    def wrong(row, u):
        labels = u.labels[recognizer.space.task]
        if task == "emotion":
            return float(row.labels != labels)
        return sum((name in row.labels) != (name in labels) for name in names) / len(names)

    errors = [(row.confidence, wrong(row, u)) for row, u in zip(rows, corpus.dev, strict=True)]
    kept = [error for row, (_c, error) in zip(rows, errors, strict=True) if not row.abstain]
    assert kept and sum(kept) / len(kept) <= max_error + 1e-9
    assert all(("Not sure" in " ".join(row.notes)) == row.abstain for row in rows)
    for lower in {c for row, (c, _e) in zip(rows, errors, strict=True) if row.abstain}:
        more = [error for c, error in errors if c >= lower]
        assert sum(more) / len(more) > max_error, "a lower threshold would do"


def test_the_maximum_error_is_an_option(models, sentir):
    command = ("predict", models / "emotion", "--text", "I am happy.", "--json")
    (row,) = json.loads(sentir(*command, "--max-error", "1")[1])
    assert row["abstain"] is False and row["label"] == row["labels"][0]
    code, _printed, error = sentir(*command, "--max-error", "20")
    assert code == 2 and "a share between 0 and 1" in error


def test_an_uncalibrated_model_cannot_abstain(models, sentir, tmp_path):
    model = tmp_path / "model"
    Recognizer.from_pretrained(models / "emotion").save_pretrained(model)
    edit_metadata(model, lambda tree: tree | {"calibration": None})
    code, _printed, error = sentir("predict", model, "--text", "I am happy.", "--abstain")
    assert code == 2 and "The model cannot abstain" in error and len(error.strip().splitlines()) == 1
    assert sentir("predict", model, "--text", "I am happy.")[0] == 0
    assert api.analyze(model)[1].reliability is None
    with pytest.raises(RecognizerError):
        api.predict(model, ["I am happy."], abstain=True)
