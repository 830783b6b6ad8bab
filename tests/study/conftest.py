"""A study of the tiny corpus, run once and copied for every test, and counters of trainings and predictions."""

import shutil
from collections import Counter
from types import SimpleNamespace

import pytest
from tiny_corpora import tiny_recipe

from sentir.readers import READERS
from sentir.recognizer.recognizer import Recognizer
from sentir.study import run, stacking

CANDIDATES = {"plain": {}, "dialogue": {"model": {"context": "dialogue"}}, "slow": {"train": {"lr": 1e-9}}}


@pytest.fixture
def use_corpus(corpus, monkeypatch):
    """Make the reader ``tiny`` return a corpus, by default the tiny one."""

    def use(other=corpus):
        monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: other)

    use()
    return use


@pytest.fixture(scope="session")
def recipe(weights):
    """Build the recipe of a study; ``changes`` are nested overrides of its ``study`` section."""

    def build(**changes):
        study = {"tasks": ["emotion", "feelings"], "seeds": [0], "candidates": CANDIDATES} | changes
        return tiny_recipe(weights, data={"reader": "tiny"}, study=study)

    return build


@pytest.fixture(scope="session")
def first_run(corpus, recipe, tmp_path_factory):
    """One complete study with its report: its folder and the returned report."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_STATE_DIR", str(folder / "state"))
        patch.setenv("SENTIR_CACHE_DIR", str(folder / "cache"))
        patch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
        report = run.run_study([recipe()], root=folder, out=folder / "out", accept_grade=True)
    return SimpleNamespace(folder=folder, out=folder / "out", report=report)


@pytest.fixture
def done(first_run, use_corpus, recipe, tmp_path, monkeypatch):
    """A copy of the finished study, with its ledger and cache, to continue from."""
    shutil.copytree(first_run.folder, tmp_path / "copy")
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "copy" / "state"))
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "copy" / "cache"))
    return SimpleNamespace(out=tmp_path / "copy" / "out", report=first_run.report, recipe=recipe())


@pytest.fixture
def counts(monkeypatch):
    """How often a run trains, predicts and evaluates on test."""
    calls = Counter()

    def count(name, owner, attribute):
        function = getattr(owner, attribute)

        def counted(*args, **keywords):
            calls[name] += 1
            return function(*args, **keywords)

        monkeypatch.setattr(owner, attribute, counted)

    count("fit", stacking, "fit_recognizer")
    count("predict", Recognizer, "predict_utterances")
    count("open", run, "open_annotations")
    return calls


@pytest.fixture
def study(use_corpus, tmp_path, no_report):
    """Run a study without rendering its report."""

    def go(recipes, out=tmp_path / "out"):
        return run.run_study(
            recipes if isinstance(recipes, list) else [recipes], root=tmp_path, out=out, accept_grade=True
        )

    return go
