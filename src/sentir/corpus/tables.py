"""Views of a corpus: by speaker, by label, by id, and as tables. Labels of test are in none of them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sentir.corpus.validation import SPLITS
from sentir.errors import CorpusError, LockedTestError, SentirError
from sentir.i18n import _

if TYPE_CHECKING:
    import pandas as pd
    from datasets import DatasetDict

    from sentir.corpus.utterances import Corpus, Utterance

_SHOWN = 4  # ids that an error message lists


def by_speaker(corpus: Corpus) -> Mapping[str | None, tuple[Utterance, ...]]:
    """Return the utterances by speaker, in corpus order; ``None`` stands for those whose speaker is not known."""
    groups: dict[str | None, list[Utterance]] = {}
    for u in corpus:
        groups.setdefault(u.speaker, []).append(u)
    return {speaker: tuple(group) for speaker, group in groups.items()}


def by_label(corpus: Corpus, task: str, split: str) -> Mapping[str, tuple[Utterance, ...]]:
    """Return the utterances of train or dev by label, for every label of the task, or step of its scale.

    An utterance with several labels stands under each of them, one with none under none.

    Raises:
        LockedTestError: for the test split.
        CorpusError: if there is no such task or split.
    """
    space = corpus.space(task)
    if split == "test":
        raise LockedTestError(
            _("The test labels of '{name}' are sealed; group train or dev by label.", name=corpus.name)
        )
    if split not in SPLITS:
        raise CorpusError(_("There is no split '{split}'; use train or dev.", split=split))
    groups: dict[str, list[Utterance]] = {name: [] for name in space.groups}
    for u in corpus.split(split):
        for name in space.group(u.labels.get(task, ())):
            groups[name].append(u)
    return {name: tuple(group) for name, group in groups.items()}


def find(corpus: Corpus, key: str) -> Utterance:
    """Return the utterance with this id, or the only one whose id ends in it (``dia0/utt0``); of test, blind.

    Raises:
        CorpusError: if there is none, with the nearest ids, or several, with the first of them.
    """
    if key in corpus.by_id:
        return corpus.by_id[key]
    found = [u for u in corpus if u.id.endswith(f"/{key}")]
    if len(found) > 1:
        raise CorpusError(
            _(
                "{n} ids of '{name}' end in '{id}': {found}; give one of them whole.",
                n=len(found),
                name=corpus.name,
                id=key,
                found=_listed([u.id for u in found]),
            )
        )
    if not found:
        raise CorpusError(_unknown(corpus, key))
    return found[0]


def _unknown(corpus: Corpus, key: str) -> str:
    depth = key.count("/") + 1
    ends = {"/".join(name.split("/")[-depth:]): name for name in corpus.by_id}
    near = [ends[end] for end in get_close_matches(key, ends, n=2, cutoff=0.5)]
    if not near:
        example = corpus.utterances[0].id if corpus.utterances else "–"
        return _(
            "There is no utterance '{id}' in '{name}'; its ids look like {example}.",
            id=key,
            name=corpus.name,
            example=example,
        )
    return _(
        "There is no utterance '{id}' in '{name}'; did you mean {near}?",
        id=key,
        name=corpus.name,
        near=_(" or ").join(near),
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def to_rows(corpus: Corpus) -> list[dict[str, Any]]:
    """Return one row per utterance: what it is, its labels by task, ``score.NAME`` and ``number.NAME``.

    A task of one label has its name, a task of several a list of names, a number the number; what is not known is
    ``None``.
    """
    scores = dict.fromkeys(name for u in corpus for name in u.scores)
    numbers = dict.fromkeys(name for u in corpus for name in u.numbers)
    return [_row(corpus, u, scores, numbers) for u in corpus]


def _row(corpus: Corpus, u: Utterance, scores: Mapping[str, None], numbers: Mapping[str, None]) -> dict[str, Any]:
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
    for task, space in corpus.spaces.items():
        labels = u.labels.get(task)
        row[task] = None if labels is None else list(labels) if space.multilabel else labels[0]
    row |= {f"score.{name}": u.scores.get(name) for name in scores}
    return row | {f"number.{name}": u.numbers.get(name) for name in numbers}


def to_frame(corpus: Corpus) -> pd.DataFrame:
    """Return `to_rows` as a frame, lists of labels joined by ``|``."""
    import pandas as pd

    frame = pd.DataFrame(to_rows(corpus))
    for task, space in corpus.spaces.items():
        if space.multilabel and len(frame):
            frame[task] = frame[task].map("|".join, na_action="ignore")
    return frame


def to_datasets(corpus: Corpus) -> DatasetDict:
    """Return `to_rows` as a Hugging Face ``DatasetDict``, a data set for each split that has utterances.

    Raises:
        SentirError: if the package ``datasets`` is not installed.
    """
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise SentirError(
            _("to_datasets() needs the package 'datasets'; install it with: pip install 'sentir[datasets]'")
        ) from error
    rows = to_rows(corpus)
    features = datasets.Features(_features(datasets, corpus, rows))
    return datasets.DatasetDict(
        {
            split: datasets.Dataset.from_list([row for row in rows if row["split"] == split], features=features)
            for split in SPLITS
            if any(row["split"] == split for row in rows)
        }
    )


def _features(datasets: Any, corpus: Corpus, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Name the type of every column, for one that is empty in a split would have another type there."""
    text = datasets.Value("string")
    types = {name: text for name in rows[0]} if rows else {}
    numbers = [name for name in types if name.startswith(("score.", "number."))]
    scales = [task for task, space in corpus.spaces.items() if space.kind == "regression"]
    types |= dict.fromkeys([*numbers, *scales, "start", "end"], datasets.Value("float64"))
    types |= {task: [text] for task, space in corpus.spaces.items() if space.multilabel}
    return types | {"turn": datasets.Value("int64")}
