"""Write the parity table of exported networks: the largest difference to torch of each kind, tiny and random.

python tools/export_parity.py docs/decisions/export-parity.md
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from sentir import torchvision_operators  # noqa: F401, I001  (before transformers)
import numpy as np
import onnxruntime
import torch
from export_cases import CASES, Case, build, export, torch_outputs

COLUMNS = ("text", "audio", "fusion", "context", "encoder", "logits", "vectors")
INTRODUCTION = """# Parity of exported networks

Largest absolute difference between torch and the exported float32 graphs, over nine utterances of four dialogues
with missing modalities, in tiny randomly initialized networks of every kind: each pair of a backbone, a fusion
and a context occurs. Logits may differ by 1e-4 at most. Made by `python tools/export_parity.py`, with torch
{torch} and onnxruntime {onnxruntime}.
"""


def measure(case: Case, folder: Path) -> tuple[float, float]:
    """Return the largest differences of logits and of vectors before the head."""
    built = build(case, folder)
    backend = export(built)
    ours = backend.logits(built.batch), backend.vectors(built.batch)
    return tuple(float(np.abs(a - b).max()) for a, b in zip(torch_outputs(built), ours, strict=True))


def row(case: Case, folder: Path) -> str:
    """Return the line of a case."""
    logits, vectors = measure(case, folder)
    fusion = case.fusion if case.text and case.audio else "–"
    encoder = "frozen" if case.frozen else "fine-tuned"
    cells = (case.text or "–", case.audio or "–", fusion, case.context_name, encoder)
    return f"| {' | '.join(cells)} | {logits:.0e} | {vectors:.0e} |"


def main() -> None:
    """Measure all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    lines = [
        INTRODUCTION.format(torch=torch.__version__, onnxruntime=onnxruntime.__version__),
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * (len(COLUMNS) - 2)}--:|--:|",
    ]
    with TemporaryDirectory() as folder:
        for n, case in enumerate(CASES, start=1):
            lines.append(row(case, Path(folder)))
            print(f"{n}/{len(CASES)}", lines[-1], flush=True)
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
