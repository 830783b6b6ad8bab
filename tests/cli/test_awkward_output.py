"""Markup and control characters in names, labels and texts reach no terminal, page, table or figure."""

import json
import sys

import pandas as pd
import pytest
from awkward_corpora import AWKWARD, LABELS, awkward, raw, written
from tiny_corpora import tiny_recipe

from sentir.cli import main, output
from sentir.readers import READERS
from sentir.recognizer.card import save_model_cards, summarize_data


@pytest.fixture
def hard(spoken, monkeypatch, one_store):
    corpus = awkward(spoken, f"na\x1bme {AWKWARD}")
    monkeypatch.setitem(READERS._entries, "hard", lambda root, data: corpus)
    return corpus


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sentir", *map(str, arguments)])
        monkeypatch.setattr(output.console, "_width", 300)
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert raw(printed.out) == raw(printed.err) == ""
        return ended.value.code or 0, printed.out, printed.err

    return run


@pytest.mark.parametrize("as_json", [False, True])
def test_an_utterance_is_shown(hard, call, tmp_path, as_json):
    u = hard.dev[0]
    flags = ["--json"] if as_json else ["--figure", tmp_path / "figure.svg"]
    code, out, _err = call("corpus", "show", u.id, "--corpus", "hard", "--root", tmp_path, *flags)
    assert (code == 0 and "$a_{b}$" in out and "<b>" in out and "\ufffd" in out) or as_json
    if as_json:
        assert json.loads(out)["speaker"] == u.speaker and json.loads(out)["corpus"] == hard.name
    else:
        assert raw((tmp_path / "figure.svg").read_text(encoding="utf-8")) == ""


def test_an_audit_is_printed_and_written_as_html(hard, call, tmp_path):
    code, out, _err = call("corpus", "audit", "hard", "--root", tmp_path, "--html", tmp_path / "audit.html")
    assert code in (0, 1) and "\ufffd" in out
    ((_path, page),) = written(tmp_path)
    assert raw(page) == "" and "<svg" in page and "$a_{b}$" in page and "&lt;b&gt;" in page


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_table_is_exported(hard, call, tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    assert call("corpus", "export", "hard", "--out", path, "--root", tmp_path)[0] == 0
    assert raw(path.read_text(encoding="utf-8")) == ""
    table = pd.read_csv(path) if suffix == ".csv" else pd.read_json(path, lines=True)
    texts = {u.text for u in hard}
    assert len(table) == len(hard.utterances)
    assert suffix == ".csv" or set(table["text"]) == texts, "JSON Lines keep every character"


@pytest.mark.parametrize(
    "arguments",
    [
        ("corpus", "audit", "re\x1b[31mader"),
        ("evaluate", "mo\x1b\u202edel"),
        ("corpus", "show", "\x1b\udc80", "--corpus", "hard", "--root", "."),
        ("study", "\x9b\udc80.toml"),
    ],
)
def test_control_characters_are_replaced_in_errors(hard, call, tmp_path, arguments):
    code, out, error = call(*arguments)
    assert code == 2 and out == "" and "\ufffd" in error and len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["", "..", "a\\u001bb", "a\\nb"])
def test_an_invalid_name_is_one_sentence(call, tmp_path, name):
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "{name}"\n[data]\nreader = "demo-meld"\n', encoding="utf-8")
    code, _out, error = call("study", path, "--out", tmp_path / "out")
    assert code == 2 and "'name' cannot be" in error and len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_run_without_out_stays_below_runs(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text('name = "../../mine"\n[data]\nreader = "demo-meld"\n', encoding="utf-8")
    seen = []
    stop = lambda recipes, root, out, **_options: seen.append(out) or sys.exit(3)  # noqa: E731
    monkeypatch.setattr("sentir.api.run_study", stop)
    assert call("study", tmp_path / "mine.toml")[0] == 3
    assert [path.parent.name for path in seen] == ["runs"]


def test_a_model_card_contains_no_control_characters(hard, tmp_path):
    space = hard.label_space("emotion")
    facts = {
        "corpus": hard.name,
        "synthetic": False,
        "fingerprint": "c0ffee",
        "best_epoch": 1.0,
        "history": [{"epoch": 1.0}],
        "versions": {"sentir": AWKWARD},
        "missing_modalities": {},
        "data": summarize_data(hard, "emotion"),
    }
    save_model_cards(tmp_path, tiny_recipe("w", name="a/b $x$"), space, facts)
    cards = dict(written(tmp_path))
    assert len(cards) == 2 and not any(map(raw, cards.values()))
    assert all(any(name in text for text in cards.values()) for name in ("joy", "sadness")) and len(LABELS) == 3
