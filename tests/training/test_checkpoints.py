"""A killed training is resumed with the same weights, bit for bit, and only from its own checkpoints."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_corpora import spoken_recipe, tiny_recipe

from sentir import api
from sentir.errors import SentirError
from sentir.progress import show_progress
from sentir.readers import READERS
from sentir.training import checkpoints
from sentir.training.callbacks import Throughput
from sentir.training.checkpoints import CheckpointManager, checkpoint_to, training_folder
from sentir.training.fitting import fit

pytestmark = pytest.mark.usefixtures("one_store")
TRAIN = {
    "epochs": 3,
    "patience": 3,
    "ema_decay": 0.9,
    "sampling": "balanced",
    "augment": {"masks": 1, "gain_db": 3.0, "shift_seconds": 0.1, "speed": 0.1},
}
MULTIMODAL = {"kind": "multimodal", "encoder": "finetune", "context": "dialogue", "dropout": 0.2}
SETUPS = {
    "audio": lambda weights: spoken_recipe(weights, model={"dropout": 0.2}, train=TRAIN),
    "text": lambda weights: tiny_recipe(
        weights,
        model={"encoder": "finetune", "dropout": 0.2},
        train={"epochs": 3, "micro_batches": 2, "group_by_length": True, "freeze_epochs": 1, "layer_decay": 0.5},
    ),
    "multimodal": lambda weights: spoken_recipe(weights, model=MULTIMODAL, train={"epochs": 2, "batch_size": 10}),
}


@pytest.fixture(autouse=True)
def checkpoint_each_step(monkeypatch):
    """Save a checkpoint after each step."""
    monkeypatch.setattr(checkpoints, "MIN_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "MAX_TIME_SHARE", 1e9)


class Killed(BaseException):
    """An exception that Sentir does not catch."""


def kill_after(step, monkeypatch):
    """Kill the training after ``step`` steps of this process."""
    steps, on_step_end = [], Throughput.on_step_end

    def count_or_die(self, *arguments, **keywords):
        steps.append(0)
        if len(steps) == step:
            raise Killed
        on_step_end(self, *arguments, **keywords)

    monkeypatch.setattr(Throughput, "on_step_end", count_or_die)
    return steps


def same(one, other):
    first, second = one.model.state_dict(), other.model.state_dict()
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def whole(spoken, weights, sounds):
    """Each set-up trained without interruption, and its number of steps."""
    fitted = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
        for name, recipe in SETUPS.items():
            with pytest.MonkeyPatch.context() as counting:
                steps = kill_after(0, counting)
                fitted[name] = fit(recipe(weights), spoken), len(steps)
    return fitted


@pytest.mark.parametrize(("setup", "share"), [("audio", 0.2), ("audio", 0.9), ("text", 0.5), ("multimodal", 0.5)])
def test_a_resumed_training_gives_the_same_result(setup, share, whole, spoken, weights, tmp_path, monkeypatch):
    recipe, (expected, steps) = SETUPS[setup](weights), whole[setup]
    with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
        kill_after(max(2, round(share * steps)), patch)
        fit(recipe, spoken)
    assert list(tmp_path.glob("*/checkpoint-*/sentir.json"))
    with monkeypatch.context() as patch, checkpoint_to(tmp_path):
        rest = kill_after(0, patch)
        found = fit(recipe, spoken)
    assert 0 < len(rest) < steps, "it was resumed, not restarted"
    assert same(found, expected) and found.training == expected.training
    assert not tmp_path.exists()


def pretend_one_more_thread(monkeypatch):
    """Let torch report one thread more than it has, and return how many it has: a real one would spin."""
    threads = torch.get_num_threads()
    reported = [threads + 1]
    monkeypatch.setattr(torch, "get_num_threads", lambda: reported[-1])
    monkeypatch.setattr(torch, "set_num_threads", reported.append)
    return threads


def test_resuming_with_other_threads_is_warned_of(corpus, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the number of torch is taken as it is
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    recipe = tiny_recipe(weights, model={"encoder": "finetune"}, train={"min_steps": 12})
    with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
        kill_after(2, patch)
        fit(recipe, corpus)
    threads = pretend_one_more_thread(monkeypatch)
    with show_progress(), checkpoint_to(tmp_path):
        found = fit(recipe, corpus)
    assert f"Number of threads: {threads} before, {threads + 1} now" in capsys.readouterr().err
    assert found.training.throughput["threads"] == threads + 1


def test_repeating_a_training_with_other_threads_is_warned_of(corpus, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the number of torch is taken as it is
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
    warnings = []
    monkeypatch.setattr("sentir.logs.logger.warning", warnings.append)
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, model={"encoder": "finetune"})
    api.train(recipe, root=tmp_path, out=tmp_path / "model")
    api.train(recipe, root=tmp_path, out=tmp_path / "model")
    assert not warnings
    threads = pretend_one_more_thread(monkeypatch)
    api.train(recipe.override({"train": {"seed": 1}}), root=tmp_path, out=tmp_path / "other")
    assert not warnings, "another training may have any number"
    api.train(recipe, root=tmp_path, out=tmp_path / "model")
    assert len(warnings) == 1 and f"{threads} before, {threads + 1} now" in warnings[0]


def test_a_training_killed_in_each_epoch_gives_the_same_result(whole, spoken, weights, tmp_path, monkeypatch):
    recipe, (expected, steps) = SETUPS["audio"](weights), whole["audio"]
    per_epoch = steps // 3
    for _time in range(2):
        with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
            kill_after(per_epoch + 1, patch)
            fit(recipe, spoken)
    with checkpoint_to(tmp_path):
        assert same(fit(recipe, spoken), expected)


def test_an_incomplete_checkpoint_is_not_used(whole, spoken, weights, tmp_path, monkeypatch):
    recipe, (expected, steps) = SETUPS["audio"](weights), whole["audio"]
    finalized, finalize = [], CheckpointManager.finalize

    def count_or_die(self, *arguments):
        finalized.append(0)
        if len(finalized) == steps // 2:
            raise Killed
        finalize(self, *arguments)

    with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
        patch.setattr(CheckpointManager, "finalize", count_or_die)
        fit(recipe, spoken)
    assert len(list(tmp_path.glob("*/checkpoint-*"))) == 3
    assert len(list(tmp_path.glob("*/checkpoint-*/sentir.json"))) == 2
    with checkpoint_to(tmp_path):
        assert same(fit(recipe, spoken), expected)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_shapes(path):
    save_file({"head.weight": torch.zeros(2, 2)}, path)


def of_another_training(checkpoint):
    facts = json.loads((checkpoint / "sentir.json").read_text())
    (checkpoint / "sentir.json").write_text(json.dumps(facts | {"training": "0123456789abcdef"}))


DAMAGES = {
    "weights truncated": lambda c: truncate(c / "model.safetensors"),
    "weights empty": lambda c: (c / "model.safetensors").write_bytes(b""),
    "weights garbage": lambda c: (c / "model.safetensors").write_bytes(os.urandom(1000)),
    "weights of zeros": lambda c: (c / "model.safetensors").write_bytes(
        bytes((c / "model.safetensors").stat().st_size)
    ),
    "weights of another shape": lambda c: other_shapes(c / "model.safetensors"),
    "no weights": lambda c: (c / "model.safetensors").unlink(),
    "optimizer truncated": lambda c: truncate(c / "optimizer.pt"),
    "no EMA": lambda c: (c / "ema.safetensors").unlink(),
    "trainer state garbage": lambda c: (c / "trainer_state.json").write_text("{"),
    "manifest not a table": lambda c: (c / "sentir.json").write_text("[1]"),
    "manifest empty": lambda c: (c / "sentir.json").write_text(""),
    "of another training": of_another_training,
}


@pytest.fixture(scope="module")
def interrupted(spoken, weights, sounds, tmp_path_factory, whole):
    """The folder of a training that was killed."""
    folder = tmp_path_factory.mktemp("interrupted") / "checkpoints"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed), checkpoint_to(folder):
        patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
        patch.setattr(checkpoints, "MIN_INTERVAL_SECONDS", 0.0)
        patch.setattr(checkpoints, "MAX_TIME_SHARE", 1e9)
        kill_after(whole["audio"][1] // 2, patch)
        fit(SETUPS["audio"](weights), spoken)
    return folder


@pytest.mark.parametrize("damage", DAMAGES)
def test_if_the_last_checkpoint_is_damaged_the_one_before_is_used(
    damage, interrupted, whole, spoken, weights, tmp_path, monkeypatch
):
    expected, steps = whole["audio"]
    shutil.copytree(interrupted, tmp_path / "copy")
    last = max(tmp_path.glob("copy/*/checkpoint-*"), key=lambda path: int(path.name[11:]))
    DAMAGES[damage](last)
    messages = []
    monkeypatch.setattr("sentir.logs.logger.info", messages.append)
    with checkpoint_to(tmp_path / "copy"):
        rest = kill_after(0, monkeypatch)
        found = fit(SETUPS["audio"](weights), spoken)
    (message,) = [one for one in messages if "damaged" in one]
    assert f"The checkpoint of step {last.name[11:]} is damaged" in message and "before it is used" in message
    assert len(rest) == steps - int(last.name[11:]) + 1
    assert same(found, expected) and found.training == expected.training


def test_if_no_checkpoint_is_valid_the_training_starts_from_scratch(
    interrupted, whole, spoken, weights, tmp_path, monkeypatch
):
    expected, steps = whole["audio"]
    shutil.copytree(interrupted, tmp_path / "copy")
    for checkpoint in tmp_path.glob("copy/*/checkpoint-*"):
        truncate(checkpoint / "model.safetensors")
    messages = []
    monkeypatch.setattr("sentir.logs.logger.info", messages.append)
    with checkpoint_to(tmp_path / "copy"):
        rest = kill_after(0, monkeypatch)
        found = fit(SETUPS["audio"](weights), spoken)
    first, second = [one for one in messages if "damaged" in one]
    assert "one before it is used" in first and "starts from scratch" in second and len(rest) == steps
    assert same(found, expected)


def test_missing_best_weights_are_an_error(corpus, weights, monkeypatch):
    load_best = CheckpointManager.load_best

    def delete_and_load(self, model, index):
        for path in self.folder.glob("best-*"):
            path.unlink()
        load_best(self, model, index)

    monkeypatch.setattr(CheckpointManager, "load_best", delete_and_load)
    with pytest.raises(SentirError, match="best weights of the training"):
        fit(tiny_recipe(weights), corpus)


@pytest.mark.parametrize(
    "change", [{"train": {"lr": 0.02}}, {"train": {"seed": 1}}, {"data": {"min_train_words": 4}}]
)
def test_a_checkpoint_of_another_recipe_is_not_used(change, corpus, weights, tmp_path, monkeypatch):
    recipe = tiny_recipe(weights)
    with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
        kill_after(3, patch)
        fit(recipe, corpus)
    other = recipe.override(change)
    with checkpoint_to(tmp_path / "elsewhere"):
        expected = fit(other, corpus)
    with checkpoint_to(tmp_path):
        found = fit(other, corpus)
    assert same(found, expected) and found.training == expected.training


def test_checkpoints_have_no_pickles_and_load_with_weights_only(spoken, weights, tmp_path, monkeypatch):
    from transformers.trainer_pt_utils import safe_globals

    with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
        kill_after(3, patch)
        fit(SETUPS["audio"](weights), spoken)
    checkpoint, _earlier = tmp_path.glob("*/checkpoint-*")
    names = {path.name for path in checkpoint.iterdir()}
    assert {"model.safetensors", "ema.safetensors", "optimizer.pt", "sentir.json"} <= names
    assert "training_args.bin" not in names
    for path in [*checkpoint.glob("*.pt"), *checkpoint.glob("*.pth")]:
        with safe_globals():
            assert torch.load(path, weights_only=True)


def test_there_are_no_checkpoints_without_a_folder(corpus, weights, monkeypatch):
    monkeypatch.setattr(CheckpointManager, "finalize", lambda *_arguments: pytest.fail("a checkpoint was saved"))
    fit(tiny_recipe(weights), corpus)


def test_checkpoints_are_saved_when_they_are_cheap(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "MIN_INTERVAL_SECONDS", 60.0)
    monkeypatch.setattr(checkpoints, "MAX_TIME_SHARE", 0.02)
    now = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    manager, due = CheckpointManager(tmp_path, True), []
    with manager.timed_save():
        now[0] = 5.0
    for now[0] in (64.0, 254.9, 255.1):
        due.append(manager.is_due())
    assert due == [False, False, True]
    assert not CheckpointManager(tmp_path, False).is_due()


def test_a_training_of_another_process_is_not_touched(tmp_path):
    name = "0123456789abcdef"
    with checkpoint_to(tmp_path), training_folder(name) as own:
        (own / "checkpoint-1").mkdir()
        with checkpoint_to(tmp_path), training_folder(name) as other:
            assert other.parent != tmp_path
        assert (own / "checkpoint-1").is_dir()
    assert not tmp_path.exists()


def test_other_files_are_kept(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "notes.txt").write_text("keep")
    with checkpoint_to(tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "notes.txt"}


def test_a_full_disk_is_an_error(corpus, weights, tmp_path, monkeypatch):
    def full(*_arguments, **_keywords):
        raise OSError(28, "No space left on device")

    message = r"checkpoints .* cannot be written to .*No space"
    monkeypatch.setattr(CheckpointManager, "finalize", full)
    with pytest.raises(SentirError, match=message), checkpoint_to(tmp_path):
        fit(tiny_recipe(weights), corpus)


def test_train_resumes_automatically_and_keeps_only_the_model(corpus, weights, tmp_path, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
    root, recipe = tmp_path, tiny_recipe(weights, data={"reader": "tiny"}, train={"epochs": 3})
    api.train(recipe, root=root, out=tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(6, patch)
        api.train(recipe, root=root, out=tmp_path / "killed")
    assert (tmp_path / "killed/checkpoints").is_dir()
    with monkeypatch.context() as patch:
        rest = kill_after(0, patch)
        api.train(recipe, root=root, out=tmp_path / "killed")
    assert len(rest) == 12 - 5 and not (tmp_path / "killed/checkpoints").exists()
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.usefixtures("no_report")
def test_a_study_resumes_in_the_middle_of_a_training(corpus, weights, tmp_path, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, study={"seeds": [0, 1], "baselines": ["majority"]})
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(8 + 6, patch)
        api.run_study([recipe], root=tmp_path, out=tmp_path, accept_grade=True)
    with monkeypatch.context() as patch:
        rest = kill_after(0, patch)
        api.run_study([recipe], root=tmp_path, out=tmp_path, accept_grade=True)
    assert len(rest) == 16 - 13 and not (tmp_path / "checkpoints").exists()


SCRIPT = """
import sys
from pathlib import Path

from sentir import api
from sentir.readers import READERS
from sentir.training import checkpoints
from tiny_corpora import spoken_corpus, spoken_recipe

folder, weights, out, train = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), {train}
checkpoints.MIN_INTERVAL_SECONDS, checkpoints.MAX_TIME_SHARE = 0.0, 1e9
READERS._entries["tiny"] = lambda root, data: spoken_corpus(folder)
recipe = spoken_recipe(weights, data={{"reader": "tiny"}}, model={{"dropout": 0.2}}, train=train)
api.train(recipe, root=folder.parent, out=out)
"""


@pytest.mark.slow
def test_killed_by_a_signal_within_an_epoch_it_gives_the_same_weights(weights, tmp_path):
    train = TRAIN | {"epochs": 6, "patience": 6}
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "helpers"), "OMP_NUM_THREADS": "1"}

    def start(out):
        arguments = [tmp_path / "spoken", weights, tmp_path / out]
        script = SCRIPT.format(train=train)
        return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], env=environment)

    assert start("whole").wait() == 0
    process, last_step = start("killed"), 8
    while process.poll() is None:
        steps = [int(p.name[11:]) for p in (tmp_path / "killed").glob("checkpoints/*/checkpoint-*")]
        if max(steps, default=0) >= last_step:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    assert process.wait() == -signal.SIGKILL
    assert start("killed").wait() == 0
    whole, killed = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "killed"))
    assert whole == killed
