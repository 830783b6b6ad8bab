"""Runs the benchmarks that need no corpus, each in a process of its own, and writes one table.

Their ratios are measured in this run, contenders by turns. Names on the command line select some of them, whose
table is printed only. The other scripts in this folder take a corpus, and say so with ``--help``.
"""

import subprocess
import sys
from pathlib import Path

from ratios import HEADER, describe_machine

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
SCRIPTS = (
    "predict_text", "predict_audio", "cold_start", "training_speed", "precision", "thread_waiting",
    "embedding_cache", "mel_speed", "preparation_workers", "interval_speed",
)  # fmt: skip


RATIOS = (
    "Contenders run by turns; each ratio is the first one's time over the second's, the median of all rounds. "
    "Times are CPU times on one core, and wall times for threads and workers."
)


def run(script: str) -> tuple[list[str], bool]:
    """Run a script; print and return the lines of its table, and return whether it succeeded."""
    lines = []
    command = [sys.executable, FOLDER / f"{script}.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            if line.startswith("| ") and line.strip() not in HEADER:
                lines.append(line.strip())
                print(lines[-1], flush=True)
    return lines, process.returncode == 0


def main() -> None:
    scripts = sys.argv[1:] or SCRIPTS
    print(HEADER, flush=True)
    ran = {script: run(script) for script in scripts}
    if scripts is SCRIPTS:
        table = "\n".join(line for lines, _succeeded in ran.values() for line in lines)
        text = f"# Benchmarks\n\n`make bench` on {describe_machine()}. {RATIOS}\n\n{HEADER}\n{table}\n"
        RESULTS.write_text(text, encoding="utf-8")
    if failed := [script for script, (_lines, succeeded) in ran.items() if not succeeded]:
        sys.exit(f"Failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
