"""The command ``sentir tune``: a table, a report, a recipe to train, and one sentence for every error."""

import json
import re

import pytest
from running import sentir
from tiny_corpora import tiny_recipe, write_table

from sentir.recipe import dump_toml

SPACE = '[tune.space]\n"train.lr" = { low = 1e-3, high = 1e-1, log = true }\n'


@pytest.fixture
def folder(corpus, weights, tmp_path):
    """A table, and a recipe of it with a search space."""
    labels = {u.id: u.labels["emotion"][0] for u in corpus if u.labels} | {u.id: "joy" for u in corpus.test}
    write_table(corpus, tmp_path / "talk.csv", labels)
    table = {"file": "talk.csv", "text": "text", "dialogue": "dialogue", "split": "split", "label": "label"}
    recipe = tiny_recipe(weights, data={"table": table, "task": "emotion"}, train={"epochs": 1})
    tree = {key: value for key, value in recipe.to_dict().items() if key not in ("tune", "study")}
    (tmp_path / "mine.toml").write_text(dump_toml(tree) + "\n" + SPACE)
    return tmp_path


def tune(folder, *more):
    return sentir("tune", folder / "mine.toml", "--root", folder, "--out", folder / "run", "--trials", 2, *more)


def test_tune_prints_the_best_trials_and_the_command_that_trains_the_best(folder):
    done = tune(folder)
    assert done.returncode == 0, done.stderr
    assert "2 trials: 2 complete, 0 pruned, 0 failed." in done.stdout
    assert "its score is optimistic" in " ".join(done.stdout.split())
    command = re.search(r"sentir (train .*)$", done.stdout, re.M)[1].split()
    trained = sentir(*command[:-1], folder / "model")
    assert trained.returncode == 0, trained.stderr
    best = json.loads((folder / "run" / "tuning.json").read_text())["best_trial"]
    facts = json.loads((folder / "model" / "sentir.json").read_text())["facts"]
    assert facts["dev_score"] == best["score"]


def test_tune_again_prints_the_same_as_json_without_training(folder):
    first = json.loads(tune(folder, "--json").stdout)
    again = json.loads(tune(folder, "--json").stdout)
    assert again | {"created": ""} == first | {"created": ""} and len(first["trials"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", 'tune.space={"train.lrr"={low=1.0, high=2.0}}'], "no setting 'train.lrr'; did you mean 'lr'?"),
        (["--set", "tune.trails=3"], "there is no setting 'tune.trails'; did you mean 'trials'?"),
        (["--set", "tune.folds=99"], "'folds' = 99 needs as many dialogues in train"),
        (["--storage", "nowhere"], "The storage nowhere cannot be used"),
    ],
)
def test_errors_are_one_sentence(arguments, message, folder):
    done = tune(folder, *arguments)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not (folder / "run" / "best.toml").exists()
