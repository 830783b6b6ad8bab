"""What it saves that waiting threads spin for a moment and then sleep, and that one processor is left to others.

Wall times of a training step on an idle and on a busy machine: with a thread per processor that spins, sleeps at
once, or spins for a moment as the command line sets it, against the number of threads of a training.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sentir.bench.timing import Row, alternate, print_rows

STEP = """
import os, time, torch, sentir.torchvision_operators
from contextlib import nullcontext
from sentir.models.emotion_model import EmotionModel
torch.manual_seed(0)
model = EmotionModel("mobilenetv3_small_050", 0, 7, pretrained=False).train()
batch = {"mel": torch.randn(32, 300, 64), "mel_lengths": torch.full((32,), 300), "has_audio": torch.ones(32) > 0}
def step():
    torch.nn.functional.cross_entropy(model(**batch), torch.zeros(32, dtype=torch.long)).backward()
from sentir.training.hardware import limit_threads
with limit_threads() if "LIMIT" in os.environ else nullcontext():
    for n in range(8):
        if n == 2:
            start = time.perf_counter()
        step()
print((time.perf_counter() - start) / 6)
"""


POLICIES = {
    "spinning": {"OMP_WAIT_POLICY": "ACTIVE"},
    "sleeping": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"},
    "briefly spinning": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"},  # as the command line sets them
    "a training's": {"LIMIT": "1"},
}


def seconds_per_step(policy: str) -> float:
    environment = {name: value for name, value in os.environ.items() if "OMP_" not in name} | POLICIES[policy]
    run = subprocess.run(
        [sys.executable, "-c", STEP], env=environment, capture_output=True, text=True, check=True
    )
    return float(run.stdout)


def spin_forever() -> None:
    while True:
        pass


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy inside the block."""
    processes = [
        multiprocessing.Process(target=spin_forever, daemon=True) for _core in range(os.cpu_count() or 1)
    ]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()


def compare_policies(where: str) -> Iterator[Row]:
    works = {policy: partial(seconds_per_step, policy) for policy in POLICIES}
    times = alternate(works, 3, warm_up=False, timer=lambda work: work())
    *others, ours = POLICIES
    for policy in others:
        yield times.row(f"training step, {where}", policy, ours)


def rows() -> Iterator[Row]:
    yield from compare_policies("idle machine")
    with busy_cores():
        yield from compare_policies("a busy process on every core")


if __name__ == "__main__":
    print_rows(rows())
