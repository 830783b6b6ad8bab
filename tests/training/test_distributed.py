"""Several processes train the same model as one, and each has all predictions."""

import json
import os
import runpy
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from accelerate.state import AcceleratorState
from safetensors.numpy import load_file
from tuning_parts import started

from sentir.errors import SentirError
from sentir.process_group import require_single_process
from sentir.readers import READERS
from sentir.training.batching import SplitBatchSampler, make_random_batch_sampler

SCRIPT = """
import json
import os
import sys
from pathlib import Path

from sentir import api
from sentir.process_group import is_distributed
from sentir.readers import READERS
from sentir.recognizer.torch_backend import TorchBackend
from sentir.recognizer.inference import predict_task
from tiny_corpora import tiny_corpus, tiny_recipe

weights, out, changes = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
corpus = tiny_corpus()
READERS._entries["tiny"] = lambda root, data: corpus
recipe = tiny_recipe(weights, data={"reader": "tiny"}, **changes)
recognizer, scores = api.train(recipe, root=out.parent, out=out)
found = recognizer.predict_utterances(corpus.dev)
facts = {"ids": found.ids, "probabilities": found.probabilities.tolist(), "scores": scores.to_row()["metrics"]}
facts["together"] = is_distributed()
Path(f"{out}.{os.environ.get('RANK', 0)}.json").write_text(json.dumps(facts, default=str))
"""
# 6 dialogues in batches of 5: in the last one the second process has none.
DIALOGUES = {
    "model": {"encoder": "finetune", "context": "dialogue"},
    "train": {"batch_size": 25, "class_weights": "sqrt"},
}
ALL = {"group_by_length": True, "micro_batches": 2, "ema_decay": 0.9, "rdrop": 1.0}
LENGTHS = {"model": {"encoder": "finetune"}, "train": ALL}


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def train_alone(script, monkeypatch, *arguments):
    """Run the script in this process."""
    monkeypatch.setattr(READERS, "_entries", dict(READERS._entries))
    monkeypatch.setattr(sys, "argv", [str(script), *map(str, arguments)])
    runpy.run_path(str(script))


def train_forked(script, monkeypatch, *arguments):
    """Run the script in two forked processes, which torchrun would start with these variables."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(probe.getsockname()[1]), "WORLD_SIZE": "2"}

    def work(rank):
        AcceleratorState._reset_state(reset_partial_state=True)
        os.environ |= address | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        train_alone(script, monkeypatch, *arguments)

    processes = [started(partial(work, rank)) for rank in range(2)]
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0]


def train_together(script, *arguments):
    """Run the script in two processes of torchrun."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "helpers"), "OMP_NUM_THREADS": "1"}
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [sys.executable, *launcher, *map(str, [script, *arguments])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changes", "launcher"),
    [
        pytest.param(DIALOGUES, "fork", id="dialogues"),
        pytest.param(LENGTHS, "torchrun", id="lengths", marks=pytest.mark.slow),
    ],
)
def test_two_processes_train_the_same_model_as_one(no_dropout, script, tmp_path, changes, launcher, monkeypatch):
    settings = json.dumps(changes)
    train_alone(script, monkeypatch, no_dropout, tmp_path / "alone", settings)
    if launcher == "torchrun":
        train_together(script, no_dropout, tmp_path / "two", settings)
    else:
        train_forked(script, monkeypatch, no_dropout, tmp_path / "two", settings)
    alone, first, second = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("alone.0", "two.0", "two.1")
    )
    assert first == second and first["together"] and not alone["together"]
    assert first["ids"] == alone["ids"] and len(set(first["ids"])) == 15
    assert np.allclose(first["probabilities"], alone["probabilities"], atol=1e-3)
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("alone", "two"))
    assert one.keys() == two.keys() and all(np.allclose(one[name], two[name], atol=1e-3) for name in one)


def draw_batches(monkeypatch, rank, world):
    monkeypatch.setenv("WORLD_SIZE", str(world))
    monkeypatch.setenv("RANK", str(rank))
    batches = make_random_batch_sampler(10, 4)
    batches.sampler.initial_seed = 7
    shares = SplitBatchSampler(batches)
    shares.set_epoch(3)
    assert len(shares) == 3
    return list(shares)


@pytest.mark.parametrize("world", [2, 3])
def test_the_shares_of_a_batch_are_that_batch(monkeypatch, world):
    alone = [sorted(batch) for batch in draw_batches(monkeypatch, 0, 1)]
    assert [len(batch) for batch in alone] == [4, 4, 2]
    shares = [draw_batches(monkeypatch, rank, world) for rank in range(world)]
    joined = [sorted(n for share in batch for n in share) for batch in zip(*shares, strict=True)]
    assert joined == alone and sorted(n for batch in joined for n in batch) == list(range(10))


def test_a_study_under_torchrun_is_refused(monkeypatch):
    require_single_process("study")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(
        SentirError, match="'sentir study' runs in one process; torchrun is only for 'sentir train'"
    ):
        require_single_process("study")
