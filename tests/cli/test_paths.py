"""An output that cannot be written is an error before any work is done."""

import sys

import pytest

from sentir.cli import main

RECIPE = "[data]\nreader = 'demo-meld'\n"


def call(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["sentir", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "study"])
@pytest.mark.parametrize("out", ["file", "file/inside"])
def test_results_cannot_go_into_a_file(command, out, tmp_path, capsys, monkeypatch):
    (tmp_path / "mine.toml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "file").write_text("unchanged", encoding="utf-8")
    for work in ("sentir.study.stacking.train_recognizer", "sentir.study.run.run_study"):
        monkeypatch.setattr(work, lambda *_arguments, **_keywords: pytest.fail("work was done"))
    code, error = call(capsys, monkeypatch, command, tmp_path / "mine.toml", "--out", tmp_path / out)
    assert code == 2 and "cannot be written" in error and len(error.strip().splitlines()) == 1
    assert (tmp_path / "file").read_text(encoding="utf-8") == "unchanged"


def damaged(tmp_path):
    """A damaged model."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "sentir.json").write_text("{}", encoding="utf-8")
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("out", "expected"), [("a.txt", "as .csv"), ("file/a.csv", "cannot be"), ("d.csv", "cannot be")]
)
def test_an_unwritable_output_is_an_error_before_predicting(out, expected, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("unchanged", encoding="utf-8")
    (tmp_path / "d.csv").mkdir()
    code, error = call(capsys, monkeypatch, "predict", damaged(tmp_path), "--text", "x", "--out", tmp_path / out)
    assert code == 2 and expected in error and "format" not in error


def test_the_folder_of_the_output_is_made_first(tmp_path, capsys, monkeypatch):
    code, error = call(
        capsys, monkeypatch, "predict", damaged(tmp_path), "--text", "x", "--out", tmp_path / "new" / "a.csv"
    )
    assert code == 2 and "has format None" in error and (tmp_path / "new").is_dir()
