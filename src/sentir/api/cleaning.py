"""The verb that previews text cleaning."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.api.recipes import resolve_data
from sentir.corpus.cleaning_report import CleaningReport, trace_cleaning
from sentir.paths import PathLike
from sentir.readers import read_corpus


def preview_cleaning(
    corpus: PathLike, *, root: PathLike | None = None, steps: Sequence[str] | None = None, examples: int = 3
) -> CleaningReport:
    """Report how cleaning changes the texts of a corpus, step by step; the corpus itself is not changed.

    Args:
        corpus: a reader's name or a recipe.
        root: folder of the corpus.
        steps: names of steps, ``default`` or ``thesis``; by default those of the recipe.
        examples: maximum number of texts that are shown.

    Raises:
        UnknownNameError: if there is no such step.
        SentirError: if the corpus cannot be read.
    """
    data = resolve_data(corpus, root=root).model_copy(update={"audio": False})
    return trace_cleaning(read_corpus(data, root), data.cleaning if steps is None else steps, examples=examples)
