"""A setting changed in the text of a recipe, whose comments and order stay."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.recipe.toml import merge_settings


def replace_table_seed(text: str, seed: int) -> str:
    """Return the text of a recipe with another ``data.table.seed``, and nothing else changed.

    Raises:
        RecipeError: if it is written in a way that cannot be changed line by line, such as an inline table.
    """
    wanted = merge_settings(tomllib.loads(text), {"data": {"table": {"seed": seed}}})
    for changed in _candidate_edits(text, seed):
        try:
            if tomllib.loads(changed) == wanted:
                return changed
        except tomllib.TOMLDecodeError:
            continue
    raise RecipeError(
        _("The recipe names its columns in a way that cannot be changed by a program; write 'seed = {seed}' in a "
          "section [data.table] of its own.", seed=seed)
    )  # fmt: skip


def _candidate_edits(text: str, seed: int) -> Iterator[str]:
    """Yield the text with the seed replaced, or written below the head of a section, where that may be right."""
    for found in re.finditer(r"(?m)^(\s*(?:(?:data\.)?table\.)?seed\s*=\s*)-?[\d_]+", text):
        yield f"{text[: found.start()]}{found[1]}{seed}{text[found.end() :]}"
    for section, key in (("data.table", "seed"), ("data", "table.seed")):
        pattern = r"\s*\.\s*".join(section.split("."))
        for found in re.finditer(rf"(?m)^\s*\[\s*{pattern}\s*\][^\r\n]*(\r?\n|\Z)", text):
            end = found[1] or "\n"
            yield f"{text[: found.end()]}{'' if found[1] else end}{key} = {seed}{end}{text[found.end() :]}"
