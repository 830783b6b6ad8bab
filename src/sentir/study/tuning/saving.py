"""The files of a tuning, written atomically, since several processes may write them."""

from __future__ import annotations

from pathlib import Path

from sentir.io import write_text
from sentir.recipe import dump_toml, format_toml_comment, relativize_paths
from sentir.report.tuning_page import render_tuning_page, tuning_sentences
from sentir.report.tuning_result import TuningResult
from sentir.safe_text import json_dumps

BEST_RECIPE_FILE, PAGE_FILE = "best.toml", "tuning.html"


def save_tuning(tuning: TuningResult, folder: Path, *, fingerprint: str) -> None:
    """Write the best recipe, the search recipe, all trials, and the HTML page.

    Args:
        tuning: the result of the tuning.
        folder: folder of the run.
        fingerprint: fingerprint of the corpus.
    """
    comment = "".join(map(format_toml_comment, (*tuning_sentences(tuning), f"{tuning.corpus} {fingerprint}")))
    best, search = (
        relativize_paths(recipe.to_dict(), folder) for recipe in (tuning.best_recipe, tuning.search_recipe)
    )
    plain = {key: value for key, value in best.items() if key not in ("study", "tune")}
    write_text(folder / BEST_RECIPE_FILE, comment + dump_toml(plain) + "\n")
    write_text(folder / "recipe.toml", dump_toml(search) + "\n")
    write_text(folder / "tuning.json", json_dumps(tuning.to_dict()) + "\n")
    write_text(folder / PAGE_FILE, render_tuning_page(tuning))
