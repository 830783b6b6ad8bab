"""What it saves that threads spin a little and then sleep while they wait for one another.

Times a training step alone on the machine, and beside others. Prints ratios measured in this run: seconds per
step with threads that spin, and with threads that sleep at once, over seconds with what Sentir sets.
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
batch = {"mel": torch.randn(32, 300, 64), "mel_lengths": torch.full((32,), 300), "has_audio": torch.ones(32) > 0}
def step():
    torch.nn.functional.cross_entropy(model(**batch), torch.zeros(32, dtype=torch.long)).backward()
for n in range(8):
    if n == 2:
        start = time.perf_counter()
    step()
print((time.perf_counter() - start) / 6)
"""


POLICIES = {
    "spinning": {"OMP_WAIT_POLICY": "ACTIVE"},
    "sleeping": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"},
    "Sentir's": {},
}


def seconds_per_step(way: str) -> float:
    environment = {name: value for name, value in os.environ.items() if "OMP_" not in name} | POLICIES[way]
    run = subprocess.run(
        [sys.executable, "-c", STEP], env=environment, capture_output=True, text=True, check=True
    )
    return float(run.stdout)


def spin_forever() -> None:
    while True:
        pass


def report(where: str) -> None:
    by_turns = [[seconds_per_step(way) for way in POLICIES] for _turn in range(3)]
    spinning, sleeping, ours = (min(times) for times in zip(*by_turns, strict=True))
    print(
        f"{where}: {ours:.3f} s a step; spinning {spinning / ours:.1f}, sleeping {sleeping / ours:.1f} times that"
    )


def main() -> None:
    report("alone")
    neighbors = [
        multiprocessing.Process(target=spin_forever, daemon=True) for _core in range(os.cpu_count() or 1)
    ]
    for neighbor in neighbors:
        neighbor.start()
    report("beside a busy neighbor on every core")
    for neighbor in neighbors:
        neighbor.terminate()


if __name__ == "__main__":
    main()
