"""The verb that discards the random test split of a table and draws another one, which is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sentir.api.recipes import load_recipe
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import SPLITS
from sentir.errors import LockedTestError, RecipeError
from sentir.evaluation.locked.ledger import list_openings
from sentir.evaluation.locked.redraws import list_redraws, record_redraw
from sentir.i18n import _
from sentir.io import atomic_write, write_errors
from sentir.paths import PathLike
from sentir.readers import read_corpus
from sentir.readers.table.reader import find_table_seed
from sentir.recipe import Recipe, TableSettings
from sentir.recipe.editing import replace_table_seed


@dataclass(frozen=True, slots=True)
class RedrawResult:
    """The result of a redraw.

    Attributes:
        recipe: its file.
        seeds: the old and the new ``data.table.seed``.
        splits: the new number of utterances in train, dev and test.
        num_test_openings: how often the discarded test split was evaluated on.
        redraws: number of redraws so far, including this one.
    """

    recipe: Path
    seeds: tuple[int, int]
    splits: dict[str, int]
    num_test_openings: int
    redraws: int


def redraw_corpus(recipe: PathLike, *, reason: str, root: PathLike | None = None) -> RedrawResult:
    """Discard the random test split of a recipe's table, and draw another one.

    The redraw is recorded next to the ledger, and every report on the corpus shows it. The recipe's
    ``data.table.seed`` becomes the next seed whose splits have about the requested sizes.

    Args:
        recipe: its file; only the seed is changed.
        reason: why, for the record.
        root: folder of the table, by default that of the recipe.

    Raises:
        LockedTestError: if there is no reason, or the record cannot be written; the recipe is then unchanged.
        RecipeError: if the recipe has no random test split, or its text cannot be changed.
        SentirError: if the table cannot be read or the recipe cannot be written.
    """
    path = Path(recipe)
    if not reason.strip():
        raise LockedTestError(_('Discarding a test split needs a reason; give one with --reason "…".'))
    loaded = load_recipe(path)
    _require_random_split(loaded, path)
    before = read_corpus(loaded.data, root)
    seeds, after = _draw_next_split(loaded, root, before)
    text = replace_table_seed(path.read_bytes().decode("utf-8-sig"), seeds[1])
    num_test_openings = len(list_openings(before))
    with write_errors(path), atomic_write(path) as draft:
        draft.write_bytes(text.encode())
        record_redraw(before, after, seeds=seeds, reason=reason)
    sizes = {split: len(after.split(split)) for split in SPLITS}
    return RedrawResult(path, seeds, sizes, num_test_openings, len(list_redraws(after)))


def _draw_next_split(recipe: Recipe, root: PathLike | None, before: Corpus) -> tuple[tuple[int, int], Corpus]:
    table, folder = recipe.data.table, Path(root) if root is not None else recipe.data.root
    assert table is not None and folder is not None
    seed: int | None = table.seed
    for _attempt in range(100):
        seed = find_table_seed(folder, recipe.data, (seed or 0) + 1)
        if seed is None:
            break
        after = read_corpus(recipe.override({"data": {"table": {"seed": seed}}}).data, root)
        if after.test_fingerprint != before.test_fingerprint:
            return (table.seed, seed), after
    raise RecipeError(_("No other test split can be drawn: the table has too few groups."))


def _require_random_split(recipe: Recipe, path: Path) -> None:
    table = recipe.data.table
    if recipe.data.reader != "table" or table is None or recipe.data.folds or not _has_random_test_split(table):
        raise RecipeError(
            _("{path} has no random test split: its corpus or table defines test, or has none.", path=path)
        )  # fmt: skip


def _has_random_test_split(table: TableSettings) -> bool:
    given = table.split or table.splits.dev or isinstance(table.file, Mapping)
    return not given and table.fractions[2] > 0
