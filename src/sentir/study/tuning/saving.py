"""What a tuning leaves in its folder, each file whole or not at all, for several processes may write it."""

from __future__ import annotations

import json
from pathlib import Path

from sentir.io import write_text
from sentir.recipe import toml_text
from sentir.report.tuning import render_tuning, sentences
from sentir.report.tuning_content import Tuning

BEST, PAGE = "best.toml", "tuning.html"


def save_tuning(tuning: Tuning, folder: Path, *, fingerprint: str) -> None:
    """Write the best recipe, the tuned one, all trials, and the page that shows them.

    Args:
        tuning: what was tried.
        folder: of the run.
        fingerprint: of the corpus.
    """
    comment = "".join(f"# {line}\n" for line in (*sentences(tuning), f"{tuning.corpus} {fingerprint}"))
    plain = {key: value for key, value in tuning.recipe.tree().items() if key not in ("study", "tune")}
    write_text(folder / BEST, comment + toml_text(plain) + "\n")
    write_text(folder / "recipe.toml", toml_text(tuning.tuned.tree()) + "\n")
    write_text(folder / "tuning.json", json.dumps(tuning.to_dict(), indent=1, ensure_ascii=False) + "\n")
    write_text(folder / PAGE, render_tuning(tuning))
