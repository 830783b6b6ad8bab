"""The command ``sentir corpus audit``."""

import csv
import json

import numpy as np
import pytest
from audio_files import tone, write_wav
from typer.testing import CliRunner

from sentir.api import audit_corpus, load_recipe
from sentir.cli.app import app
from sentir.errors import CorpusError, RecipeError
from sentir.readers import read_corpus
from sentir.training.fitting import check_training

RECIPE = """
[data]
reader = "table"
{data}
[data.table]
file = "t.csv"
text = "text"
label = "label"
audio = "audio"
split = "split"
group = "actor"
features = ["pitch", "code"]
[model]
features = {features}
"""
CODES = {"joy": 1.0, "neutral": 2.0}


def sentir(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def mine(tmp_path):
    """Write a table with clips, and a recipe; ``row`` may change a row, ``features`` is the model's."""

    def write(row=lambda cells: cells, *, data="audio = true", features="[]", n=36):
        draw = np.random.default_rng(0)
        with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
            names = ["text", "label", "audio", "split", "actor", "pitch", "code"]
            table = csv.DictWriter(file, names)
            table.writeheader()
            for k in range(n):
                split = ("train", "train", "train", "train", "dev", "test")[k % 6]
                label = ("joy", "neutral")[k // 6 % 2]
                write_wav(tmp_path / f"{k}.wav", tone(0.3, 200 + 9 * k), 16_000)
                cells = {"text": f"text {k}", "label": label, "audio": f"{k}.wav", "split": split, "actor": split}
                table.writerow(row(cells | {"pitch": draw.random(), "code": draw.random()}))
        path = tmp_path / "r.toml"
        path.write_text(RECIPE.format(data=data, features=features), encoding="utf-8")
        return path

    return write


def test_an_audit_with_clips_decodes_them_and_writes_html(mine, tmp_path):
    page = tmp_path / "out" / "audit.html"
    done = sentir("corpus", "audit", mine(), "--root", tmp_path, "--html", page, "--workers", 1)
    assert done.exit_code == 0, done.output
    assert "Level" in done.output and "Grade" in done.output and page.name in done.output.replace("\n", "")
    assert page.read_text(encoding="utf-8").count("<main") == 2


def test_no_audio_checks_for_clips_without_decoding(mine, tmp_path):
    recipe = mine(lambda cells: cells | {"audio": "gone.wav"} if cells["audio"] == "3.wav" else cells)
    done = sentir("corpus", "audit", recipe, "--root", tmp_path, "--no-audio", "--json")
    report = json.loads(done.stdout)
    assert "clips" not in report["tables"] and done.exit_code == 1 and report["problem_count"] == 1
    assert report["grade"] == "C" and report["reasons"][0]["message"]


def test_audio_without_clips_is_an_error(mine, tmp_path):
    recipe = mine(lambda cells: cells | {"audio": ""}, data="")
    with pytest.raises(CorpusError, match="has no clips"):
        audit_corpus(recipe, root=tmp_path, audio=True)
    assert audit_corpus(recipe, root=tmp_path).table("splits").rows


@pytest.mark.parametrize("features", ["[]", '["tabular"]'])
def test_a_recipe_with_a_feature_that_reveals_the_label_is_an_error(mine, tmp_path, features):
    recipe = load_recipe(mine(lambda cells: cells | {"code": CODES[cells["label"]]}, features=features))
    corpus = read_corpus(recipe.data, tmp_path)
    if features == "[]":
        check_training(recipe, corpus)
    else:
        with pytest.raises(RecipeError, match="'code' leaks the label"):
            check_training(recipe, corpus)


def test_a_recipe_with_a_group_in_two_splits_is_an_error(mine, tmp_path):
    recipe = load_recipe(mine(lambda cells: cells | {"actor": "one"}))
    with pytest.raises(RecipeError, match="'one' of 'actor' is in train and in dev"):
        check_training(recipe, read_corpus(recipe.data, tmp_path))
    done = sentir("corpus", "audit", tmp_path / "r.toml", "--root", tmp_path, "--no-audio")
    assert "share their 'actor' with train" in " ".join(done.output.split())


def test_the_grade_comes_first_and_the_exit_code_agrees_with_it(mine, tmp_path):
    done = sentir("corpus", "audit", mine(), "--root", tmp_path, "--no-audio")
    assert done.exit_code == 0 and done.output.splitlines()[1].startswith("Grade ")
    recipe = mine(lambda cells: cells | {"label": "joy"})
    done = sentir("corpus", "audit", recipe, "--root", tmp_path, "--no-audio")
    assert done.exit_code == 1 and done.output.splitlines()[1].startswith("Grade E")
    with pytest.raises(CorpusError, match="have the same label for 'emotion'"):
        check_training(load_recipe(recipe), read_corpus(load_recipe(recipe).data, tmp_path))


def test_an_audit_in_two_languages_compares_texts_once(mine, tmp_path, monkeypatch):
    from sentir.audit import corpus_audit

    calls, compare = [], corpus_audit.find_text_overlaps
    monkeypatch.setattr(corpus_audit, "find_text_overlaps", lambda *given: calls.append(1) or compare(*given))
    audit_corpus(mine(), root=tmp_path, audio=False, html=tmp_path / "audit.html")
    assert calls == [1] and "Nota" in (tmp_path / "audit.html").read_text(encoding="utf-8")
