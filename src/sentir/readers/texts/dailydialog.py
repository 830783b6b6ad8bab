"""DailyDialog: everyday dialogues written for learners of English, with six emotions or none.

Layout, as in ``ijcnlp_dailydialog.zip`` and its readme: ``dialogues_<split>.txt`` has a dialogue per line, its
turns ended by ``__eou__``, and ``dialogues_emotion_<split>.txt`` a number per turn. Counts: Li et al. 2017,
https://arxiv.org/abs/1710.03957 (dialogues). Many dialogues are in train and in test too:
https://arxiv.org/abs/2201.06219; the audit lists them. Papers leave "no emotion" out of the micro-average F1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Issue, Utterance
from sentir.files.corpus_tables import skip_row
from sentir.files.text_encoding import read_text
from sentir.i18n import _
from sentir.readers.counts import check_counts
from sentir.readers.texts.files import find_files
from sentir.recipe import DataSettings

PUBLISHED_DIALOGUES = {"train": 11_118, "dev": 1000, "test": 1000}
FILES = {
    split: (f"dialogues_{name}.txt", f"dialogues_emotion_{name}.txt")
    for split, name in {"train": "train", "dev": "validation", "test": "test"}.items()
}
_LABELS = {
    "0": "neutral",
    "1": "anger",
    "2": "disgust",
    "3": "fear",
    "4": "joy",
    "5": "sadness",
    "6": "surprise",
}
_END_OF_TURN = "__eou__"


def read(root: Path, data: DataSettings) -> Corpus:
    """Read the texts and emotions of the three splits.

    Args:
        root: folder at or above the files, or the archive with them.
        data: the recipe's section; there is no audio.

    Raises:
        CorpusError: if a file is missing, or an archive cannot be unpacked.
    """
    issues: list[Issue] = []
    paths = iter(find_files(root, [name for names in FILES.values() for name in names]))
    utterances = [u for split in FILES for u in _read_split(next(paths), next(paths), split, issues)]
    space = SingleLabelSpace("emotion", tuple(sorted(_LABELS.values())))
    first_turns = [u for u in utterances if u.turn == 0]
    issues += check_counts(first_turns, PUBLISHED_DIALOGUES, "dialogues_{}.txt")
    return Corpus.build("dailydialog", utterances, [space], issues=issues)


def _read_split(texts: Path, emotions: Path, split: str, issues: list[Issue]) -> Iterator[Utterance]:
    lines, codes = _read_lines(texts), _read_lines(emotions)
    if len(lines) != len(codes):
        message = _("{file} has {n} lines and {other} {m}; the rest is left out.",
                    file=texts.name, n=len(lines), other=emotions.name, m=len(codes))  # fmt: skip
        issues.append(Issue("row_skipped", "problem", message, texts.name))
    for number, (line, code) in enumerate(zip(lines, codes, strict=False), start=1):
        turns = [turn.strip() for turn in line.split(_END_OF_TURN)]
        turns, labels = turns[: -1 if is_blank(turns[-1]) else None], code.split()
        where = _("{file}, line {line}", file=texts.name, line=number)
        if len(turns) != len(labels):
            skip_row(issues, where, _("it has {n} turns and {m} emotions", n=len(turns), m=len(labels)))
            continue
        dialogue = f"dailydialog/{split}/dialogue{number}"
        for turn, (text, label) in enumerate(zip(turns, labels, strict=True)):
            if is_blank(text) or label not in _LABELS:
                skip_row(issues, where, _("a turn has no text, or the emotion '{label}'", label=label))
                continue
            yield Utterance(
                id=f"{dialogue}/turn{turn}",
                split=split,
                dialogue=dialogue,
                turn=turn,
                text=text,
                labels={"emotion": (_LABELS[label],)},
            )


def _read_lines(path: Path) -> list[str]:
    """Return the lines of a file; other line breaks of Unicode are part of a text."""
    return read_text(path).removesuffix("\n").split("\n")
