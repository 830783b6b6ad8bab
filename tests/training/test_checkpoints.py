"""A killed training goes on exactly: same weights bit for bit, same curve, and only from its own checkpoints."""

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
HARD = {
    "epochs": 3,
    "patience": 3,
    "ema_decay": 0.9,
    "sampling": "balanced",
    "augment": {"masks": 1, "gain_db": 3.0, "shift_seconds": 0.1, "speed": 0.1},
}
BOTH = {"kind": "multimodal", "encoder": "finetune", "context": "dialogue", "dropout": 0.2}
SETUPS = {
    "audio": lambda weights: spoken_recipe(weights, model={"dropout": 0.2}, train=HARD),
    "text": lambda weights: tiny_recipe(
        weights,
        model={"encoder": "finetune", "dropout": 0.2},
        train={"epochs": 3, "micro_batches": 2, "group_by_length": True, "freeze_epochs": 1, "layer_decay": 0.5},
    ),
    "both": lambda weights: spoken_recipe(weights, model=BOTH, train={"epochs": 2, "batch_size": 10}),
}


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Make a checkpoint after every step."""
    monkeypatch.setattr(checkpoints, "MIN_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "MAX_TIME_SHARE", 1e9)


class Killed(BaseException):
    """What no code of ours catches."""


def kill_after(step, monkeypatch):
    """Kill the training that runs at the end of its ``step``-th step of this process."""
    steps, on_step_end = [], Throughput.on_step_end

    def dying(self, *arguments, **keywords):
        steps.append(0)
        if len(steps) == step:
            raise Killed
        on_step_end(self, *arguments, **keywords)

    monkeypatch.setattr(Throughput, "on_step_end", dying)
    return steps


def same(one, other):
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    assert ours.keys() == theirs.keys()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.fixture(scope="module")
def whole(spoken, weights, sounds):
    """Each set-up trained in one go, and in how many steps."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
        for name, recipe in SETUPS.items():
            with pytest.MonkeyPatch.context() as counting:
                steps = kill_after(0, counting)
                found[name] = fit(recipe(weights), spoken), len(steps)
    return found


@pytest.mark.parametrize(("setup", "share"), [("audio", 0.2), ("audio", 0.9), ("text", 0.5), ("both", 0.5)])
def test_a_killed_training_ends_as_one_that_was_not(setup, share, whole, spoken, weights, tmp_path, monkeypatch):
    recipe, (expected, steps) = SETUPS[setup](weights), whole[setup]
    with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
        kill_after(max(2, round(share * steps)), patch)
        fit(recipe, spoken)
    assert list(tmp_path.glob("*/checkpoint-*/sentir.json"))
    with monkeypatch.context() as patch, checkpoint_to(tmp_path):
        rest = kill_after(0, patch)
        found = fit(recipe, spoken)
    assert 0 < len(rest) < steps, "it went on and did not begin again"
    assert same(found, expected) and found.training == expected.training
    assert not tmp_path.exists()


def test_a_training_that_goes_on_with_other_threads_says_so(corpus, weights, tmp_path, monkeypatch, capsys):
    recipe = tiny_recipe(weights, model={"encoder": "finetune"}, train={"min_steps": 12})
    with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
        kill_after(2, patch)
        fit(recipe, corpus)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        with show_progress(), checkpoint_to(tmp_path):
            found = fit(recipe, corpus)
    finally:
        torch.set_num_threads(threads)
    assert f"Number of threads: {threads} before, {threads + 1} now" in capsys.readouterr().err
    assert found.training.throughput["threads"] == threads + 1


def test_a_training_that_is_repeated_with_other_threads_says_so(corpus, weights, tmp_path, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
    said = []
    monkeypatch.setattr("sentir.logs.logger.warning", said.append)
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, model={"encoder": "finetune"})
    api.train(recipe, root=tmp_path, out=tmp_path / "model")
    api.train(recipe, root=tmp_path, out=tmp_path / "model")
    assert not said
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        api.train(recipe.override({"train": {"seed": 1}}), root=tmp_path, out=tmp_path / "other")
        assert not said, "another training may have as many as it likes"
        api.train(recipe, root=tmp_path, out=tmp_path / "model")
    finally:
        torch.set_num_threads(threads)
    assert len(said) == 1 and f"{threads} before, {threads + 1} now" in said[0]


def test_killed_again_and_again_after_every_epoch_it_ends_the_same(whole, spoken, weights, tmp_path, monkeypatch):
    recipe, (expected, steps) = SETUPS["audio"](weights), whole["audio"]
    per_epoch = steps // 3
    for _time in range(2):
        with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
            kill_after(per_epoch + 1, patch)
            fit(recipe, spoken)
    with checkpoint_to(tmp_path):
        assert same(fit(recipe, spoken), expected)


def test_killed_while_a_checkpoint_is_written_it_takes_the_one_before(
    whole, spoken, weights, tmp_path, monkeypatch
):
    recipe, (expected, steps) = SETUPS["audio"](weights), whole["audio"]
    finished, finish = [], CheckpointManager.finalize

    def dying(self, *arguments):
        finished.append(0)
        if len(finished) == steps // 2:
            raise Killed
        finish(self, *arguments)

    with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
        patch.setattr(CheckpointManager, "finalize", dying)
        fit(recipe, spoken)
    assert len(list(tmp_path.glob("*/checkpoint-*"))) == 3
    assert len(list(tmp_path.glob("*/checkpoint-*/sentir.json"))) == 2
    with checkpoint_to(tmp_path):
        assert same(fit(recipe, spoken), expected)


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_shapes(path):
    save_file({"head.weight": torch.zeros(2, 2)}, path)


def of_another_training(checkpoint):
    facts = json.loads((checkpoint / "sentir.json").read_text())
    (checkpoint / "sentir.json").write_text(json.dumps(facts | {"training": "0123456789abcdef"}))


DAMAGES = {
    "weights cut short": lambda c: cut_short(c / "model.safetensors"),
    "weights empty": lambda c: (c / "model.safetensors").write_bytes(b""),
    "weights garbage": lambda c: (c / "model.safetensors").write_bytes(os.urandom(1000)),
    "weights of zeros": lambda c: (c / "model.safetensors").write_bytes(
        bytes((c / "model.safetensors").stat().st_size)
    ),
    "weights of another shape": lambda c: other_shapes(c / "model.safetensors"),
    "no weights": lambda c: (c / "model.safetensors").unlink(),
    "optimizer cut short": lambda c: cut_short(c / "optimizer.pt"),
    "no average": lambda c: (c / "ema.safetensors").unlink(),
    "engine's state garbage": lambda c: (c / "trainer_state.json").write_text("{"),
    "facts of another kind": lambda c: (c / "sentir.json").write_text("[1]"),
    "facts empty": lambda c: (c / "sentir.json").write_text(""),
    "of another training": of_another_training,
}


@pytest.fixture(scope="module")
def interrupted(spoken, weights, sounds, tmp_path_factory, whole):
    """The folder of a training that was killed in the middle."""
    folder = tmp_path_factory.mktemp("interrupted") / "checkpoints"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed), checkpoint_to(folder):
        patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
        patch.setattr(checkpoints, "MIN_INTERVAL_SECONDS", 0.0)
        patch.setattr(checkpoints, "MAX_TIME_SHARE", 1e9)
        kill_after(whole["audio"][1] // 2, patch)
        fit(SETUPS["audio"](weights), spoken)
    return folder


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_the_last_checkpoint_is_damaged_the_one_before_is_taken(
    damage, interrupted, whole, spoken, weights, tmp_path, monkeypatch
):
    expected, steps = whole["audio"]
    shutil.copytree(interrupted, tmp_path / "kept")
    last = max(tmp_path.glob("kept/*/checkpoint-*"), key=lambda path: int(path.name[11:]))
    DAMAGES[damage](last)
    said = []
    monkeypatch.setattr("sentir.logs.logger.info", said.append)
    with checkpoint_to(tmp_path / "kept"):
        rest = kill_after(0, monkeypatch)
        found = fit(SETUPS["audio"](weights), spoken)
    (line,) = said
    assert f"The checkpoint of step {last.name[11:]} is damaged" in line and "one before it is taken" in line
    assert len(rest) == steps - int(last.name[11:]) + 1
    assert same(found, expected) and found.training == expected.training


def test_where_no_checkpoint_is_whole_the_training_begins_anew(
    interrupted, whole, spoken, weights, tmp_path, monkeypatch
):
    expected, steps = whole["audio"]
    shutil.copytree(interrupted, tmp_path / "kept")
    for checkpoint in tmp_path.glob("kept/*/checkpoint-*"):
        cut_short(checkpoint / "model.safetensors")
    said = []
    monkeypatch.setattr("sentir.logs.logger.info", said.append)
    with checkpoint_to(tmp_path / "kept"):
        rest = kill_after(0, monkeypatch)
        found = fit(SETUPS["audio"](weights), spoken)
    assert len(rest) == steps and "one before it is taken" in said[0] and "begins anew" in said[1]
    assert same(found, expected)


def test_best_weights_that_are_gone_at_the_end_are_a_sentence(corpus, weights, monkeypatch):
    load_best = CheckpointManager.load_best

    def swept(self, model, index):
        for path in self.folder.glob("best-*"):
            path.unlink()
        load_best(self, model, index)

    monkeypatch.setattr(CheckpointManager, "load_best", swept)
    with pytest.raises(SentirError, match="best weights of the training"):
        fit(tiny_recipe(weights), corpus)


@pytest.mark.parametrize(
    "change", [{"train": {"lr": 0.02}}, {"train": {"seed": 1}}, {"data": {"min_train_words": 4}}]
)
def test_a_checkpoint_of_another_recipe_is_not_taken(change, corpus, weights, tmp_path, monkeypatch):
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


def test_checkpoints_hold_no_pickle_and_load_as_weights_only(spoken, weights, tmp_path, monkeypatch):
    from transformers.trainer_pt_utils import safe_globals

    with monkeypatch.context() as patch, pytest.raises(Killed), checkpoint_to(tmp_path):
        kill_after(3, patch)
        fit(SETUPS["audio"](weights), spoken)
    checkpoint, _before = tmp_path.glob("*/checkpoint-*")
    names = {path.name for path in checkpoint.iterdir()}
    assert {"model.safetensors", "ema.safetensors", "optimizer.pt", "sentir.json"} <= names
    assert "training_args.bin" not in names
    for path in [*checkpoint.glob("*.pt"), *checkpoint.glob("*.pth")]:
        with safe_globals():
            assert torch.load(path, weights_only=True)


def test_without_a_folder_to_keep_them_in_there_are_no_checkpoints(corpus, weights, monkeypatch):
    monkeypatch.setattr(CheckpointManager, "finalize", lambda *_arguments: pytest.fail("a checkpoint was made"))
    fit(tiny_recipe(weights), corpus)


def test_checkpoints_wait_until_they_cost_little(tmp_path, monkeypatch):
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


def test_what_another_process_is_training_is_left_alone(tmp_path):
    name = "0123456789abcdef"
    with checkpoint_to(tmp_path), training_folder(name) as mine:
        (mine / "checkpoint-1").mkdir()
        with checkpoint_to(tmp_path), training_folder(name) as other:
            assert other.parent != tmp_path
        assert (mine / "checkpoint-1").is_dir()
    assert not tmp_path.exists()


def test_files_that_are_not_ours_stay(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "notes.txt").write_text("keep")
    with checkpoint_to(tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "notes.txt"}


def test_a_folder_without_room_is_one_sentence(corpus, weights, tmp_path, monkeypatch):
    def full(*_arguments, **_keywords):
        raise OSError(28, "No space left on device")

    words = r"checkpoints .* cannot be written to .*No space"
    monkeypatch.setattr(CheckpointManager, "finalize", full)
    with pytest.raises(SentirError, match=words), checkpoint_to(tmp_path):
        fit(tiny_recipe(weights), corpus)


def test_train_goes_on_by_itself_and_leaves_only_the_model(corpus, weights, tmp_path, monkeypatch):
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


def test_a_study_goes_on_in_the_middle_of_a_training(corpus, weights, tmp_path, monkeypatch):
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

folder, weights, out, hard = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), {hard}
checkpoints.MIN_INTERVAL_SECONDS, checkpoints.MAX_TIME_SHARE = 0.0, 1e9
READERS._entries["tiny"] = lambda root, data: spoken_corpus(folder)
recipe = spoken_recipe(weights, data={{"reader": "tiny"}}, model={{"dropout": 0.2}}, train=hard)
api.train(recipe, root=folder.parent, out=out)
"""


@pytest.mark.slow
def test_killed_by_the_system_in_mid_epoch_it_ends_bit_for_bit_the_same(weights, tmp_path):
    hard = HARD | {"epochs": 6, "patience": 6}
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "helpers"), "OMP_NUM_THREADS": "1"}

    def start(out):
        arguments = [tmp_path / "spoken", weights, tmp_path / out]
        script = SCRIPT.format(hard=hard)
        return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], env=environment)

    assert start("whole").wait() == 0
    process, wanted = start("killed"), 8
    while process.poll() is None:
        steps = [int(p.name[11:]) for p in (tmp_path / "killed").glob("checkpoints/*/checkpoint-*")]
        if max(steps, default=0) >= wanted:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    assert process.wait() == -signal.SIGKILL
    assert start("killed").wait() == 0
    whole, killed = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "killed"))
    assert whole == killed
