"""What a tuning leaves in its folder, each file whole or not at all, for several processes may write it."""

from __future__ import annotations

from pathlib import Path

from sentir.io import write_text
from sentir.recipe import to_folder, toml_comment, toml_text
from sentir.report.tuning_page import render_tuning, sentences
from sentir.report.tuning_result import Tuning
from sentir.safe_text import json_text

BEST, PAGE = "best.toml", "tuning.html"


def save_tuning(tuning: Tuning, folder: Path, *, fingerprint: str) -> None:
    """Write the best recipe, the tuned one, all trials, and the page that shows them.

    Args:
        tuning: what was tried.
        folder: of the run.
        fingerprint: of the corpus.
    """
    comment = "".join(map(toml_comment, (*sentences(tuning), f"{tuning.corpus} {fingerprint}")))
    best, tuned = (to_folder(recipe.tree(), folder) for recipe in (tuning.recipe, tuning.tuned))
    plain = {key: value for key, value in best.items() if key not in ("study", "tune")}
    write_text(folder / BEST, comment + toml_text(plain) + "\n")
    write_text(folder / "recipe.toml", toml_text(tuned) + "\n")
    write_text(folder / "tuning.json", json_text(tuning.to_dict()) + "\n")
    write_text(folder / PAGE, render_tuning(tuning))
