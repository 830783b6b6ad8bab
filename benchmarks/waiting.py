"""What it saves that threads sleep while they wait: one training step beside a busy neighbor, and alone.

Prints ratios measured in this run, on this machine: seconds per step with OpenMP's default over seconds with
``OMP_WAIT_POLICY=PASSIVE``, which Sentir sets.
"""

import multiprocessing
import os
import subprocess
import sys

STEP = """
import time, torch, sentir.torchvision_operators
from sentir.models.emotion_model import EmotionModel
torch.manual_seed(0)
model = EmotionModel("mobilenetv3_small_050", 0, 7, pretrained=False).train()
batch = {"mel": torch.randn(32, 300, 64), "frames": torch.full((32,), 300), "has_sound": torch.ones(32) > 0}
def step():
    torch.nn.functional.cross_entropy(model(**batch), torch.zeros(32, dtype=torch.long)).backward()
for n in range(8):
    if n == 2:
        start = time.perf_counter()
    step()
print((time.perf_counter() - start) / 6)
"""


def seconds_per_step(policy: str) -> float:
    environment = os.environ | {"OMP_WAIT_POLICY": policy}
    run = subprocess.run(
        [sys.executable, "-c", STEP], env=environment, capture_output=True, text=True, check=True
    )
    return float(run.stdout)


def busy() -> None:
    while True:
        pass


def report(where: str) -> None:
    spinning, sleeping = (seconds_per_step(policy) for policy in ("ACTIVE", "PASSIVE"))
    print(f"{where}: {spinning:.3f} s a step spinning, {sleeping:.3f} sleeping: {spinning / sleeping:.1f} times")


def main() -> None:
    report("alone")
    neighbors = [multiprocessing.Process(target=busy, daemon=True) for _core in range(os.cpu_count() or 1)]
    for neighbor in neighbors:
        neighbor.start()
    report("beside a busy neighbor on every core")
    for neighbor in neighbors:
        neighbor.terminate()


if __name__ == "__main__":
    main()
