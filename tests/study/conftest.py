"""A study of the tiny corpus, run once and copied for every test, and counters of what a run does."""

import shutil
from collections import Counter
from types import SimpleNamespace

import pytest
from tiny_corpora import tiny_recipe

from sentir.readers import READERS
from sentir.recognizer.recognizer import Recognizer
from sentir.study import run

CANDIDATES = {"plain": {}, "dialogue": {"model": {"context": "dialogue"}}, "slow": {"train": {"lr": 1e-9}}}


@pytest.fixture
def reads(corpus, monkeypatch):
    """Make the reader ``tiny`` give a corpus, the tiny one unless told otherwise."""

    def give(other=corpus):
        monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: other)

    give()
    return give


@pytest.fixture(scope="session")
def recipe(weights):
    """Build the recipe of a study; ``changes`` are nested overrides of its ``study`` section."""

    def build(**changes):
        study = {"tasks": ["emotion", "feelings"], "seeds": [0], "candidates": CANDIDATES} | changes
        return tiny_recipe(weights, data={"reader": "tiny"}, study=study)

    return build


@pytest.fixture(scope="session")
def first_run(corpus, recipe, tmp_path_factory):
    """One whole study, report and all: its folder, its state, and what it returned."""
    place = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_STATE_DIR", str(place / "state"))
        patch.setenv("SENTIR_CACHE_DIR", str(place / "cache"))
        patch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
        report = run.run_study([recipe()], root=place, out=place / "out", accept_grade=True)
    return SimpleNamespace(place=place, out=place / "out", report=report)


@pytest.fixture
def done(first_run, reads, recipe, tmp_path, monkeypatch):
    """A copy of the finished study, with its ledger and cache, to go on from."""
    shutil.copytree(first_run.place, tmp_path / "copy")
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "copy" / "state"))
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "copy" / "cache"))
    return SimpleNamespace(out=tmp_path / "copy" / "out", report=first_run.report, recipe=recipe())


@pytest.fixture
def counts(monkeypatch):
    """How often a run trains, predicts and opens test."""
    found = Counter()
    fit, predict, open_test = Recognizer.fit.__func__, Recognizer.predict_utterances, run.open_test

    def counting(name, function):
        def counted(*args, **keywords):
            found[name] += 1
            return function(*args, **keywords)

        return counted

    monkeypatch.setattr(Recognizer, "fit", classmethod(counting("fit", fit)))
    monkeypatch.setattr(Recognizer, "predict_utterances", counting("predict", predict))
    monkeypatch.setattr(run, "open_test", counting("open", open_test))
    return found


@pytest.fixture
def study(reads, tmp_path, monkeypatch):
    """Run a study without drawing its report."""
    monkeypatch.setattr(run, "save_report", lambda report, path: None)

    def go(recipes, out=tmp_path / "out"):
        return run.run_study(
            recipes if isinstance(recipes, list) else [recipes], root=tmp_path, out=out, accept_grade=True
        )

    return go
