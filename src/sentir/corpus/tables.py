"""A corpus as rows, a pandas data frame or Hugging Face datasets, without the labels of test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sentir.corpus.utterances import SPLITS
from sentir.optional_dependencies import require_extra

if TYPE_CHECKING:
    import pandas as pd
    from datasets import DatasetDict

    from sentir.corpus.corpus import Corpus
    from sentir.corpus.utterances import Utterance


def to_rows(corpus: Corpus) -> list[dict[str, Any]]:
    """Return one row per utterance: its fields, its labels by task, ``score.NAME`` and ``feature.NAME``.

    Labels are a name in a single-label task, a list of names in a multi-label task, and a number in a regression
    task; unknown values are ``None``.
    """
    scores = dict.fromkeys(name for u in corpus for name in u.scores)
    features = dict.fromkeys(name for u in corpus for name in u.numeric_features)
    return [_utterance_row(corpus, u, scores, features) for u in corpus]


def _utterance_row(
    corpus: Corpus, u: Utterance, scores: Mapping[str, None], features: Mapping[str, None]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": u.id,
        "split": u.split,
        "dialogue": u.dialogue,
        "turn": u.turn,
        "speaker": u.speaker,
        "text": u.text,
        "path": None if u.clip is None else str(u.clip.path),
        "start": None if u.clip is None else u.clip.start,
        "end": None if u.clip is None else u.clip.end,
    }
    for task, space in corpus.label_spaces.items():
        labels = u.labels.get(task)
        row[task] = None if labels is None else space.to_cell(labels)
    row |= {f"score.{name}": u.scores.get(name) for name in scores}
    return row | {f"feature.{name}": u.numeric_features.get(name) for name in features}


def to_frame(corpus: Corpus) -> pd.DataFrame:
    """Return `to_rows` as a data frame, with lists of labels joined by ``|``.

    Raises:
        MissingDependencyError: if pandas is not installed.
    """
    require_extra("pandas", "to_frame()")
    import pandas as pd

    frame = pd.DataFrame(to_rows(corpus))
    for task, space in corpus.label_spaces.items():
        if space.cell_type is list and len(frame):
            frame[task] = frame[task].map("|".join, na_action="ignore")
    return frame


def to_datasets(corpus: Corpus) -> DatasetDict:
    """Return `to_rows` as a Hugging Face ``DatasetDict`` with a dataset for each split that has utterances.

    Raises:
        MissingDependencyError: if the package ``datasets`` is not installed.
    """
    require_extra("datasets", "to_datasets()")
    import datasets

    rows = to_rows(corpus)
    features = datasets.Features(_column_types(datasets, corpus, rows))
    return datasets.DatasetDict(
        {
            split: datasets.Dataset.from_list([row for row in rows if row["split"] == split], features=features)
            for split in SPLITS
            if any(row["split"] == split for row in rows)
        }
    )


def _column_types(datasets: Any, corpus: Corpus, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the type of every column, since a column that is empty in a split would have another type there."""
    string, number = datasets.Value("string"), datasets.Value("float64")
    types = {name: string for name in rows[0]} if rows else {}
    numeric = [name for name in types if name.startswith(("score.", "feature."))]
    types |= dict.fromkeys([*numeric, "start", "end"], number)
    by_cell = {str: string, list: [string], float: number}
    types |= {task: by_cell[space.cell_type] for task, space in corpus.label_spaces.items()}
    return types | {"turn": datasets.Value("int64")}
