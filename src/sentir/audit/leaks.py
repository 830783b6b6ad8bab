"""What a corpus repeats: texts within and between splits, speakers, and contradictory labels.

Texts are compared after `normalize`: case folded, white space collapsed. So 331 of MELD's 2,610 test texts
stand in its train split too (as they do compared to the letter; without punctuation it would be 400).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sentir.audit.counts import LabelsOf
from sentir.audit.values import Row, Table
from sentir.corpus.types import SPLITS, Corpus, Utterance
from sentir.i18n import _


def normalize(text: str | None) -> str:
    """Return a text as it is compared: case folded, white space collapsed; empty if there is none."""
    return " ".join((text or "").casefold().split())


def _texts(utterances: Sequence[Utterance]) -> list[str]:
    return [text for u in utterances if (text := normalize(u.text))]


def count_repeats(corpus: Corpus) -> Table:
    """Count utterances whose text came earlier in their split, or stands in a split before theirs."""
    columns = {
        "split": _("split"),
        "found_in": _("text also in"),
        "utterances": _("utterances"),
        "share": _("share"),
    }
    texts = {split: _texts(corpus.split(split)) for split in SPLITS}
    rows: list[Row] = []
    for n, split in enumerate(SPLITS):
        within = len(texts[split]) - len(set(texts[split]))
        rows.append(_repeat_row(split, split, within, len(corpus.split(split))))
        for other in SPLITS[:n]:
            known = set(texts[other])
            between = sum(text in known for text in texts[split])
            rows.append(_repeat_row(split, other, between, len(corpus.split(split))))
    return Table("repeats", _("Repeated texts"), columns, tuple(rows))


def _repeat_row(split: str, found_in: str, utterances: int, total: int) -> Row:
    return {"split": split, "found_in": found_in, "utterances": utterances, "share": _share(utterances, total)}


def _share(part: int, total: int) -> float:
    return round(part / total, 4) if total else 0.0


def count_leaks(corpus: Corpus) -> Table:
    """Count test utterances whose dialogue, speaker or text is in train as well.

    Dialogues are always 0: `Corpus.build` refuses others. Speakers are ``None`` where test names none.
    """
    columns = {
        "what": _("shared with train"),
        "utterances": _("test utterances"),
        "share": _("share"),
    }
    train, test = corpus.train, corpus.test
    speakers = [u.speaker for u in test if u.speaker is not None]
    rows = (
        _leak_row("dialogues", [u.dialogue for u in test], {u.dialogue for u in train}, len(test)),
        _leak_row("speakers", speakers, {u.speaker for u in train}, len(test))
        if speakers
        else {"what": "speakers", "utterances": None, "share": None},
        _leak_row("texts", _texts(test), set(_texts(train)), len(test)),
    )
    return Table("leaks", _("What test shares with train"), columns, rows)


def _leak_row(what: str, of_test: Sequence[str], of_train: Collection[str | None], total: int) -> Row:
    utterances = sum(value in of_train for value in of_test)
    return {"what": what, "utterances": utterances, "share": _share(utterances, total)}


def find_contradictions(corpus: Corpus, labels_of: LabelsOf) -> tuple[Table, dict[str, tuple[str, ...]]]:
    """Count texts that carry different labels in different places.

    Returns:
        The table, and for each task up to five utterances of such texts; these contradict one another within
        train and dev, so that they say nothing of a test label.
    """
    columns = {"task": _("task"), "texts": _("texts"), "utterances": _("utterances")}
    rows: list[Row] = []
    examples: dict[str, tuple[str, ...]] = {}
    for task in corpus.spaces:
        everywhere = _contradictory(corpus.utterances, task, labels_of)
        rows.append(
            {"task": task, "texts": len(everywhere), "utterances": sum(len(ids) for ids in everywhere.values())}
        )
        open_ones = _contradictory((*corpus.train, *corpus.dev), task, labels_of)
        examples[task] = tuple(ids[0] for ids in list(open_ones.values())[:5])
    return Table("contradictions", _("Same text, different labels"), columns, tuple(rows)), examples


def _contradictory(utterances: Sequence[Utterance], task: str, labels_of: LabelsOf) -> dict[str, list[str]]:
    """Return text → ids for each text with different labels of ``task``."""
    seen: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    for u in utterances:
        text = normalize(u.text)
        if text and task in labels_of[u.id]:
            seen[text][u.id] = frozenset(labels_of[u.id][task])
    return {text: list(labels) for text, labels in seen.items() if len(set(labels.values())) > 1}
