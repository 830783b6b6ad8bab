"""GoEmotions: comments on Reddit with any of 27 emotions, or neutral.

Format, official split and counts: https://github.com/google-research/google-research/tree/master/goemotions;
``train.tsv``, ``dev.tsv`` and ``test.tsv`` have no header, and emotions are numbered in the order of
``emotions.txt``. Names are masked as [NAME], and texts with quotation marks are quoted as in CSV. Only those
labels on which two raters agree are in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.label_spaces import MultiLabelSpace
from sentir.corpus.utterances import Issue, Utterance
from sentir.files.corpus_tables import skip_row
from sentir.files.text_encoding import read_text
from sentir.i18n import _
from sentir.readers.counts import check_counts
from sentir.readers.texts.files import find_files
from sentir.recipe import DataSettings

PUBLISHED_COUNTS = {"train": 43_410, "dev": 5426, "test": 5427}
FILES = {split: f"{split}.tsv" for split in PUBLISHED_COUNTS}
_EMOTIONS = (
    "admiration",
    "amusement",
    "anger",
    "annoyance",
    "approval",
    "caring",
    "confusion",
    "curiosity",
    "desire",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "excitement",
    "fear",
    "gratitude",
    "grief",
    "joy",
    "love",
    "nervousness",
    "optimism",
    "pride",
    "realization",
    "relief",
    "remorse",
    "sadness",
    "surprise",
    "neutral",
)


def read(root: Path, data: DataSettings) -> Corpus:
    """Read the three tables; the task ``emotion`` is multi-label.

    Args:
        root: folder at or above the tables.
        data: the recipe's section; there is no audio.

    Raises:
        CorpusError: if a table is missing.
    """
    issues: list[Issue] = []
    paths = find_files(root, list(FILES.values()))
    utterances = [u for split, path in zip(FILES, paths, strict=True) for u in _read_split(path, split, issues)]
    issues += check_counts(utterances, PUBLISHED_COUNTS, "{}.tsv")
    return Corpus.build("goemotions", utterances, [MultiLabelSpace("emotion", _EMOTIONS)], issues=issues)


def _read_split(path: Path, split: str, issues: list[Issue]) -> Iterator[Utterance]:
    known: set[str] = set()
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if is_blank(line):
            continue
        cell, _tab, rest = line.rstrip("\r").partition("\t")
        text = _unquote(cell)
        numbers, _tab, comment = rest.partition("\t")
        where = _("{file}, line {line}", file=path.name, line=number)
        codes = numbers.split(",")
        if is_blank(text) or not all(code.isdecimal() and int(code) < len(_EMOTIONS) for code in codes):
            skip_row(issues, where, _("it is not a text and numbers of emotions"))
        elif is_blank(comment) or comment in known:
            skip_row(issues, where, _("its id '{id}' is missing or not unique", id=comment))
        else:
            known.add(comment)
            key = f"goemotions/{split}/{comment}"
            labels = tuple(sorted(_EMOTIONS[int(code)] for code in codes))
            yield Utterance(id=key, split=split, dialogue=key, text=text, labels={"emotion": labels})


def _unquote(cell: str) -> str:
    """Return the text of a cell; texts with quotation marks are quoted, and their marks doubled, as in CSV."""
    inner = cell[1:-1]
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if is_quoted else cell
