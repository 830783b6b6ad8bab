"""Editing of a recipe's text that preserves comments and order."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.recipe.toml import merge_settings


def replace_table_seed(text: str, seed: int) -> str:
    """Return the text of a recipe with ``data.table.seed`` set to ``seed``.

    Raises:
        RecipeError: if it cannot be changed line by line, as in an inline table.
    """
    expected = merge_settings(tomllib.loads(text), {"data": {"table": {"seed": seed}}})
    for edited in _candidate_edits(text, seed):
        try:
            if tomllib.loads(edited) == expected:
                return edited
        except tomllib.TOMLDecodeError:
            continue
    raise RecipeError(
        _("The seed of this recipe cannot be changed automatically; write 'seed = {seed}' in a section "
          "[data.table].", seed=seed)
    )  # fmt: skip


def _candidate_edits(text: str, seed: int) -> Iterator[str]:
    """Yield the text with each ``seed`` replaced, or with one inserted below each section header that may fit."""
    for match in re.finditer(r"(?m)^(\s*(?:(?:data\.)?table\.)?seed\s*=\s*)-?[\d_]+", text):
        yield f"{text[: match.start()]}{match[1]}{seed}{text[match.end() :]}"
    for section, key in (("data.table", "seed"), ("data", "table.seed")):
        pattern = r"\s*\.\s*".join(section.split("."))
        for match in re.finditer(rf"(?m)^\s*\[\s*{pattern}\s*\][^\r\n]*(\r?\n|\Z)", text):
            newline = match[1] or "\n"
            start = text[: match.end()] + ("" if match[1] else newline)
            yield f"{start}{key} = {seed}{newline}{text[match.end() :]}"
