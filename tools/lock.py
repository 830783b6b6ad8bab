"""Write ``requirements.lock``: each package of all extras and groups, by version and hash, for all systems.

It is resolved by uv within ``constraints.txt``. torch is not in it, as its builds for CPUs and GPUs have
different hashes, nor is what only its builds for GPUs need.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
_OLDEST_PYTHON = "3.11.5"  # for the packages that make the guide; Sentir itself needs 3.11
_LEFT_OUT = re.compile(r"(torch|torchvision|triton|cuda-.*|nvidia-.*)==")
_HEADER = (
    "# Written by `make lock` from pyproject.toml and constraints.txt; torch comes first, see the Makefile.\n"
)


def main() -> None:
    """Resolve, and write the file."""
    tree = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [f"--group={name}" for name in tree["dependency-groups"]]
    with tempfile.TemporaryDirectory() as folder:
        resolved = Path(folder) / "requirements.txt"
        command = [
            "-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras", *groups,
            "--constraint", "constraints.txt", "--universal", "--no-python-downloads",
            "--python-version", _OLDEST_PYTHON, "--generate-hashes", "--no-header", "--no-annotate",
            "--default-index", "https://pypi.org/simple", "--output-file", str(resolved),
        ]  # fmt: skip
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        entries = re.split(r"^(?=\S)", resolved.read_text(encoding="utf-8"), flags=re.MULTILINE)
    kept = [entry for entry in entries if not _LEFT_OUT.match(entry)]
    (ROOT / "requirements.lock").write_text(_HEADER + "".join(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
