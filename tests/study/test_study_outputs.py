"""The files of a study: in its folder, checked before training, and kept if the report fails."""

import json
import re
import shutil
from collections import namedtuple

import pytest
from awkward_corpora import LABELS, awkward, raw, written
from study_parts import rows, stages

from sentir.corpus.corpus import Corpus
from sentir.errors import RecipeError, SentirError
from sentir.evaluation.locked.ledger import list_openings_by_fingerprint
from sentir.paths import to_file_name
from sentir.recipe import Recipe
from sentir.recognizer.recognizer import Recognizer
from sentir.study import inputs, run

CANDIDATES = {"voice/text": {}, "../$up$": {"train": {"lr": 1e-9}}}


def renamed(corpus, name):
    rows = [u for u in corpus if u.split != "test"]
    return Corpus.build(name, rows, corpus.label_spaces.values())


@pytest.fixture
def files_before(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "kept").write_text("kept")
    return lambda: sorted(path for path in tmp_path.rglob("*") if "run" not in path.parts)


def test_no_name_escapes_the_folder_and_no_raw_text_is_written(
    recipe, corpus, use_corpus, tmp_path, files_before
):
    hard, out, before = awkward(corpus), tmp_path / "deep" / "er" / "run", files_before()
    use_corpus(hard)
    mine = recipe(tasks=["emotion"], candidates=CANDIDATES).override({"name": "../../../mine"})
    report = run.run_study([mine], root=tmp_path, out=out, accept_grade=True)
    assert files_before() == before
    found = dict(written(out))
    assert {path: raw(text) for path, text in found.items() if raw(text)} == {}
    assert {"report.html", "report.es.md", "results.json", "README.md"} <= {path.name for path in found}
    (model,) = (path for path in (out / "models").iterdir() if not path.name.endswith("-baseline"))
    assert Recognizer.from_pretrained(model).space == hard.label_space("emotion")
    (record,) = (out / "recipes").iterdir()
    assert Recipe.load(record) == mine
    assert rows(report.scores, model="voice/text", split="dev")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "voice/text" in page and f"models/{model.name}" in page and "$a_{b}$" in page
    saved = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert set(LABELS.values()) == {
        name for card in saved["corpora"] for name in card["labels"]["emotion"]["dev"]
    }


@pytest.mark.parametrize("name", ["", "..", "a\x1bb"])
def test_invalid_names_are_rejected_before_training(name, recipe, corpus, use_corpus, study, counts):
    for changes in ({"name": name}, {"study": {"candidates": {name: {}}}}, {"data": {"task": name}}):
        with pytest.raises(RecipeError, match=r"a name (needs|is)"):
            recipe().override(changes)
    use_corpus(renamed(corpus, name))
    with pytest.raises(RecipeError, match=r"corpus cannot be called .*data.table.name"):
        study(recipe())
    assert not counts


def test_two_recipes_of_one_name_are_rejected(recipe, study, counts):
    with pytest.raises(RecipeError, match="2 recipes of one study are called 'tiny'"):
        study([recipe(), recipe()])
    assert not counts


@pytest.mark.parametrize(
    "name", ["models", "recipes", "report.html", "report.es.md", "results.json", "analyses.json"]
)
def test_an_unwritable_path_is_noticed_before_training(name, recipe, study, counts, tmp_path):
    blocked = tmp_path / "out" / name
    blocked.parent.mkdir()
    blocked.mkdir() if "." in name else blocked.write_text("in the way")
    with pytest.raises(SentirError, match=rf"{name}.* cannot be written"):
        study(recipe())
    assert not counts and not stages_there(tmp_path)


def stages_there(tmp_path):
    return list((tmp_path / "out").glob("stages/*"))


def test_a_full_disk_is_noticed_before_training(recipe, study, counts, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 10**6))
    with pytest.raises(SentirError, match=r"has 1 MB of free space, a study needs 67"):
        study(recipe())
    assert not counts


def test_a_report_that_cannot_be_rendered_is_noticed_before_training(
    recipe, use_corpus, counts, tmp_path, monkeypatch
):
    def without_a_template(*_arguments, **_keywords):
        raise FileNotFoundError("body.html")

    monkeypatch.setattr("sentir.report.saving.render_report", without_a_template)
    with pytest.raises(SentirError, match=r"report cannot be rendered \(body.html\)"):
        run.run_study([recipe()], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert not counts


def test_the_checks_leave_nothing_behind(recipe, study, tmp_path, monkeypatch):
    def stop(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(inputs, "check_pretrained_weights", stop)
    with pytest.raises(KeyboardInterrupt):
        study(recipe())
    assert not (tmp_path / "out").exists()


def test_a_failing_report_keeps_the_results_and_rerunning_writes_it(
    recipe, use_corpus, corpus, counts, tmp_path, monkeypatch
):
    out, mine = tmp_path / "out", recipe(tasks=["emotion"], candidates={"plain": {}})

    def fails(_report, _path):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(run, "save_report", fails)
        with pytest.raises(SentirError, match=r"results are in .*No space left.*same command again") as caught:
            run.run_study([mine], root=tmp_path, out=out, accept_grade=True)
    assert "\n" not in str(caught.value)
    results = json.loads((out / "results.json").read_text())
    assert {row["split"] for row in results} == {"dev", "test"} and (out / "analyses.json").is_file()
    assert Recipe.load(out / "recipes" / "tiny.toml") == mine and (out / "models" / "tiny-emotion").is_dir()
    assert counts["open"] == 1 and len(list_openings_by_fingerprint(corpus.test_fingerprint)) == 1
    counts.clear()
    run.run_study([mine], root=tmp_path, out=out, accept_grade=True)
    assert not counts and len(list_openings_by_fingerprint(corpus.test_fingerprint)) == 1
    assert json.loads((out / "results.json").read_text()) == results
    assert (out / "report.html").is_file() and stages(out, "test")


def test_two_corpora_that_differ_in_case_have_separate_models():
    names = {to_file_name(corpus, "emotion").casefold() for corpus in ("RAVDESS", "Ravdess", "ravdess")}
    assert len(names) == 3 and all(re.match("ravdess-emotion(~|$)", name) for name in names)
