"""Several processes train the same model as one, and each has all predictions."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from sentir.errors import SentirError
from sentir.process_group import require_single_process
from sentir.training.batching import SplitBatchSampler, make_random_batch_sampler

SCRIPT = """
import json
import os
import sys
from pathlib import Path

from sentir import api
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
Path(f"{out}.{os.environ.get('RANK', 0)}.json").write_text(json.dumps(facts, default=str))
"""
# 6 dialogues in batches of 5: in the last one the second process has none.
DIALOGUES = {
    "model": {"encoder": "finetune", "context": "dialogue"},
    "train": {"batch_size": 25, "class_weights": "sqrt"},
}
ALL = {"group_by_length": True, "micro_batches": 2, "ema_decay": 0.9, "rdrop": 1.0}
LENGTHS = {"model": {"encoder": "finetune"}, "train": ALL}


@pytest.fixture(scope="module")
def no_dropout(weights, tmp_path_factory):
    """A tiny encoder without dropout."""
    folder = shutil.copytree(weights, tmp_path_factory.mktemp("no_dropout") / "encoder")
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def start(out, weights, changes, processes):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "helpers"), "OMP_NUM_THREADS": "1"}
    script = out.parent / "script.py"
    script.write_text(SCRIPT)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    arguments = [*(launcher if processes > 1 else []), script, weights, out, json.dumps(changes)]
    done = subprocess.run([sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(Path(f"{out}.{n}.json").read_text()) for n in range(processes)]


@pytest.mark.parametrize("changes", [DIALOGUES, pytest.param(LENGTHS, marks=pytest.mark.slow)])
def test_two_processes_train_the_same_model_as_one(no_dropout, tmp_path, changes):
    (alone,) = start(tmp_path / "alone", no_dropout, changes, 1)
    first, second = start(tmp_path / "two", no_dropout, changes, 2)
    assert first == second
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
