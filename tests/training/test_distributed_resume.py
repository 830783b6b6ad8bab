"""A distributed training that was killed is resumed, by as many processes or by another number."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

pytestmark = pytest.mark.slow
SCRIPT = """
import os
import signal
import sys
from pathlib import Path

from sentir import api
from sentir.process_group import is_distributed, rank
from sentir.progress import show_progress
from sentir.readers import READERS
from sentir.training import checkpoints
from sentir.training.callbacks import Throughput
from tiny_corpora import tiny_corpus, tiny_recipe

weights, out, last_step, processes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
checkpoints.MIN_INTERVAL_SECONDS, checkpoints.MAX_TIME_SHARE = 0.0, 1e9  # a checkpoint after each step
on_step_end, steps = Throughput.on_step_end, []


def count_or_die(self, *arguments, **keywords):
    steps.append(0)
    if len(steps) == last_step and rank() == processes - 1:
        os.kill(os.getpid(), signal.SIGKILL)
    on_step_end(self, *arguments, **keywords)


Throughput.on_step_end = count_or_die
READERS._entries["tiny"] = lambda root, data: tiny_corpus()
settings = {"epochs": 3, "patience": 3, "group_by_length": True, "micro_batches": 2, "ema_decay": 0.9}
recipe = tiny_recipe(weights, data={"reader": "tiny"}, model={"encoder": "finetune"}, train=settings)
with show_progress():
    api.train(recipe, root=out.parent, out=out)
assert is_distributed() == (processes > 1)
Path(f"{out}.{rank()}").write_text(str(len(steps)))
"""
LAUNCHERS = {
    "torchrun": ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node"),
    "accelerate": ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes"),
}


@pytest.fixture(scope="module")
def train(no_dropout, tmp_path_factory):
    """Train in a number of processes, of which the last one is killed at a step, if one is given."""
    script = tmp_path_factory.mktemp("script") / "script.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": f"{Path(__file__).parents[1] / 'helpers'}", "OMP_NUM_THREADS": "1"}
    if ours := os.environ.get("PYTHONPATH"):
        environment["PYTHONPATH"] += os.pathsep + ours

    def run(out, processes, *, killed_at=0, launcher="torchrun"):
        launch = (*LAUNCHERS[launcher], processes) if processes > 1 else ()
        command = [sys.executable, *launch, script, no_dropout, out, killed_at, processes]
        return subprocess.run([*map(str, command)], env=environment, capture_output=True, text=True)

    return run


@pytest.fixture(scope="module")
def whole(train, tmp_path_factory):
    """The weights of a training that was not killed, and its steps."""
    out = tmp_path_factory.mktemp("whole") / "model"
    done = train(out, 1)
    assert done.returncode == 0, done.stderr
    return load_file(out / "model.safetensors"), int(out.with_name("model.0").read_text())


@pytest.mark.parametrize(
    ("before", "after", "launcher"),
    [(2, 2, "torchrun"), (2, 1, "torchrun"), (1, 2, "torchrun"), (2, 2, "accelerate")],
)
def test_a_killed_training_is_resumed_with_any_number_of_processes(
    before, after, launcher, train, whole, tmp_path
):
    weights, steps = whole
    killed = train(tmp_path / "model", before, killed_at=steps * 2 // 3, launcher=launcher)
    assert killed.returncode != 0 and not (tmp_path / "model.0").exists()
    assert [*tmp_path.glob("model/checkpoints/*/checkpoint-*/sentir.json")], killed.stderr
    resumed = train(tmp_path / "model", after, launcher=launcher)
    assert resumed.returncode == 0, resumed.stderr
    assert "Resuming an interrupted training from step" in resumed.stderr
    counts = [int((tmp_path / f"model.{rank}").read_text()) for rank in range(after)]
    assert len({*counts}) == 1 and 0 < counts[0] <= steps - steps * 2 // 3 + 1, "only the rest was trained"
    found = load_file(tmp_path / "model" / "model.safetensors")
    assert found.keys() == weights.keys()
    assert all(np.allclose(found[name], weights[name], atol=1e-3) for name in weights)
    assert not (tmp_path / "model" / "checkpoints").exists()
    assert "find_unused_parameters" not in resumed.stderr + killed.stderr
