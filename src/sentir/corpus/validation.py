"""Validation of a corpus when it is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import SPLITS, Utterance
from sentir.errors import CorpusError
from sentir.i18n import _

UTTERANCE_COLUMNS = ("id", "split", "dialogue", "turn", "speaker", "text", "path", "start", "end")
"""Columns of the fields of an utterance in tables; every task has a further column."""


def validate(name: str, rows: Sequence[Utterance], spaces: Mapping[str, LabelSpace]) -> None:
    """Check that ids are unique, no dialogue is in two splits, and every label is in its label space.

    Raises:
        CorpusError: naming the corpus and the id, dialogue, split, task or label concerned.
    """
    for task in spaces:
        if task in UTTERANCE_COLUMNS or task.startswith(("score.", "feature.")):
            raise CorpusError(
                _("In the corpus '{name}' the task '{task}' has the name of another column; rename it.",
                  name=name, task=task)
            )  # fmt: skip
    duplicates = [key for key, count in Counter(u.id for u in rows).items() if count > 1]
    if duplicates:
        raise CorpusError(
            _(
                "In the corpus '{name}' the id '{id}' occurs {n} times; ids must be unique.",
                name=name,
                id=duplicates[0],
                n=sum(u.id == duplicates[0] for u in rows),
            )
        )
    split_of: dict[str, str] = {}
    for u in rows:
        if u.split not in SPLITS:
            raise CorpusError(
                _("'{id}' has the split '{split}'; use train, dev or test.", id=u.id, split=u.split)
            )
        if u.dialogue and split_of.setdefault(u.dialogue, u.split) != u.split:
            raise CorpusError(
                _(
                    "In the corpus '{name}' the dialogue '{dialogue}' is in both {one} and {other}; "
                    "a dialogue must be in a single split.",
                    name=name,
                    dialogue=u.dialogue,
                    one=split_of[u.dialogue],
                    other=u.split,
                )
            )
        for task, labels in u.labels.items():
            spaces[task].encode([labels])
