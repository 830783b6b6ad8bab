"""A tuning of the tiny corpus without trainings: dev scores are a function of the settings."""

import json
import multiprocessing
import os
import signal
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from sentir.study.attached_audio import AttachedAudio
from sentir.study.tuning import objective, saving, trials
from sentir.study.tuning.storage import JOURNAL_FILE

SPACE = {
    "train.lr": {"low": 1e-4, "high": 1e-1, "log": True},
    "model.hidden_size": {"choices": [4, 8, 16]},
    "train.epochs": {"low": 3, "high": 6},
}


def score_of(recipe):
    """A score between 0 and 1 that depends on the learning rate, best at 0.01."""
    lr = recipe.train.lr
    return min(lr / 0.01, 0.01 / lr)


@contextmanager
def trainings(score=score_of, before=lambda recipe: None):
    """Replace trainings by ``score``; yields the recipes and corpora that were trained."""
    seen = []

    def train(recipe, corpus, *, cross_predictor, on_epoch):
        seen.append((recipe, corpus))
        before(recipe)
        best = score(recipe)
        for epoch in range(1, recipe.train.epochs + 1):
            on_epoch({"epoch": float(epoch), "loss": 1.0, "score": best * epoch / recipe.train.epochs})
        return SimpleNamespace(facts={"dev_score": best}), None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objective, "train_recognizer", train)
        patch.setattr(trials, "POLL_SECONDS", 0.05)
        patch.setattr(trials, "_SHORT_POLL_SECONDS", 0.01)
        patch.setattr(saving, "render_tuning_page", lambda tuning: "")
        yield seen


def trial_settings(tuning):
    """The settings of every trial, in order."""
    return [tuple(sorted(trial.settings.items())) for trial in tuning.trials]


def journal(out):
    return [json.loads(line) for line in (out / JOURNAL_FILE).read_text().splitlines()]


def started(work):
    """Run a function in a forked process."""
    process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    process.start()
    return process


@contextmanager
def forked_pool(corpora, _processes, _checkpoints):
    """A `training_pool` of forked processes, in which `trainings` holds."""
    (corpus,) = corpora

    def submit(work, _name, recipe):
        process = started(lambda: work(AttachedAudio(corpus), recipe))

        def wait(timeout=None):
            process.join(timeout)
            if process.is_alive():
                raise TimeoutError
            assert process.exitcode == 0

        return wait

    yield submit


def die(_recipe=None):
    """Kill this process: ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)
