"""What a corpus repeats: texts and sounds, speakers and episodes, within and between splits, and contradictions.

Repeats and contradictions compare texts after `normalize`: case folded, white space collapsed; punctuation is
kept, for "What?" and "What!" may well have different labels. What splits share is compared more widely, see
`sentir.audit.text_overlap`. Sounds are compared by their fingerprints.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from sentir.audit.counts import LabelsById
from sentir.audit.results import AuditRow, AuditTable
from sentir.audit.text_overlap import SPLIT_PAIRS, TextOverlap
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import SPLITS, Utterance
from sentir.i18n import _

ContentKeys = Mapping[str, Mapping[str, str]]  # texts, sounds → utterance id → what it has in common with others
_UNKNOWN_CELLS = {"utterances": None, "share": None}
GROUP_PREFIX = "group:"  # comes before the name of a group of the corpus' own, which may be called as anything is


def casefold_text(text: str | None) -> str:
    """Return a text as it is compared: case folded, white space collapsed; empty if there is none."""
    return " ".join((text or "").casefold().split())


def casefold_texts(corpus: Corpus) -> dict[str, str]:
    """Return id → text as it is compared, of the utterances that have one."""
    return {u.id: text for u in corpus if (text := casefold_text(u.text))}


def count_repeats(corpus: Corpus, contents: ContentKeys) -> AuditTable:
    """Count utterances whose text or sound came earlier in their split."""
    columns = {"kind": _("repeated"), "split": _("split"), "utterances": _("utterances"), "share": _("share")}
    rows: list[AuditRow] = []
    for what, content in contents.items():
        for split in SPLITS:
            utterances = corpus.split(split)
            found = [content[u.id] for u in utterances if u.id in content]
            n = len(found) - len(set(found))
            rows.append({"kind": what, "split": split, "utterances": n, "share": _fraction(n, len(utterances))})
    return AuditTable("repeats", _("Repeated within a split"), columns, tuple(rows))


def _fraction(part: int, total: int) -> float:
    return round(part / total, 4) if total else 0.0


def count_leaks(corpus: Corpus, contents: ContentKeys, overlaps: Sequence[TextOverlap]) -> AuditTable:
    """Count utterances whose dialogue, speaker, group, text or sound lies in another split as well.

    Dialogues are always 0: `Corpus.build` refuses others. Unknown is ``None``: splits without named speakers.
    """
    columns = {
        "kind": _("shared"),
        "split": _("of"),
        "found_in": _("also in"),
        "utterances": _("utterances"),
        "share": _("share"),
    }
    rows = [
        _make_leak_row(what, names, corpus.split(split), split, corpus.split(other), other)
        for what, names in collect_group_names(corpus, contents).items()
        for split, other in SPLIT_PAIRS
    ]
    if any(one.is_comparable for one in overlaps):
        rows += [
            _make_text_row("texts", one, len(one.identical), len(corpus.split(one.split))) for one in overlaps
        ]
        rows += [
            _make_text_row("duplicates", one, len(one.duplicates), len(corpus.split(one.split)))
            for one in overlaps
        ]
    return AuditTable("leaks", _("Shared between splits"), columns, tuple(rows))


def _make_text_row(what: str, overlap: TextOverlap, n: int, total: int) -> AuditRow:
    row: dict[str, str | int | float | None] = {"kind": what, "split": overlap.split, "found_in": overlap.other}
    return row | ({"utterances": n, "share": _fraction(n, total)} if overlap.is_comparable else _UNKNOWN_CELLS)


def collect_group_names(corpus: Corpus, contents: ContentKeys) -> dict[str, Mapping[str, str]]:
    """Return everything but texts that two splits may share: kind → utterance id → name."""
    dialogues = {u.id: u.dialogue for u in corpus if u.dialogue}
    speakers = {u.id: u.speaker for u in corpus if u.speaker is not None}
    groups = {f"{GROUP_PREFIX}{kind}": names for kind, names in corpus.groups.items() if names != speakers}
    sounds = {"clips": contents["clips"]} if "clips" in contents else {}
    return {"dialogues": dialogues, "speakers": speakers, **groups, **sounds}


def _make_leak_row(
    what: str,
    names: Mapping[str, str],
    utterances: Sequence[Utterance],
    split: str,
    others: Sequence[Utterance],
    other: str,
) -> AuditRow:
    row: dict[str, str | int | float | None] = {"kind": what, "split": split, "found_in": other}
    if not any(u.id in names for u in utterances) or not any(u.id in names for u in others):
        return row | _UNKNOWN_CELLS
    n = len(find_seen_ids(names, utterances, others))
    return row | {"utterances": n, "share": _fraction(n, len(utterances))}


def find_seen_ids(
    names: Mapping[str, str], utterances: Sequence[Utterance], others: Sequence[Utterance]
) -> list[str]:
    """Return the ids of the utterances whose name one of the others has."""
    known: Collection[str] = {names[u.id] for u in others if u.id in names}
    return [u.id for u in utterances if names.get(u.id) in known]


def find_contradictions(
    corpus: Corpus, contents: ContentKeys, labels_of: LabelsById
) -> tuple[AuditTable, dict[tuple[str, str], tuple[str, ...]]]:
    """Count texts and sounds that carry different labels in different places.

    Returns:
        The table, and for each task and kind of content up to five utterances that contradict one another within
        train and dev, so that they say nothing of a test label.
    """
    columns = {
        "task": _("task"),
        "kind": _("same"),
        "contents": _("contents"),
        "utterances": _("utterances"),
        "share": _("share"),
    }
    rows: list[AuditRow] = []
    examples: dict[tuple[str, str], tuple[str, ...]] = {}
    for task, space in corpus.label_spaces.items():
        for what, content in contents.items():
            everywhere = _find_contradictory_ids(corpus.utterances, content, space, labels_of)
            n = sum(map(len, everywhere))
            counted = {"contents": len(everywhere), "utterances": n, "share": _fraction(n, len(corpus))}
            rows.append({"task": task, "kind": what, **counted})
            open_ones = _find_contradictory_ids((*corpus.train, *corpus.dev), content, space, labels_of)
            examples[task, what] = tuple(" = ".join(ids[:2]) for ids in open_ones[:5])
    return AuditTable("contradictions", _("Same content, different labels"), columns, tuple(rows)), examples


def _find_contradictory_ids(
    utterances: Sequence[Utterance], content: Mapping[str, str], space: LabelSpace, labels_of: LabelsById
) -> list[list[str]]:
    """Return the ids of each content with different labels, or numbers nearest to different steps.

    Two of the first ids of each contradict one another.
    """
    ids: dict[str, list[str]] = defaultdict(list)
    for u in utterances:
        if u.id in content and space.task in labels_of[u.id]:
            ids[content[u.id]].append(u.id)
    repeated = (keys for keys in ids.values() if len(keys) > 1)
    groups = ({key: frozenset(space.categorize(labels_of[key][space.task])) for key in keys} for keys in repeated)
    return [_put_contradiction_first(found) for found in groups if len(set(found.values())) > 1]


def _put_contradiction_first(found: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the ids, the first two with different labels."""
    first, *rest = found
    return [first, *sorted(rest, key=lambda key: found[key] == found[first])]


def count_groups_by_split(names: Mapping[str, str], corpus: Corpus) -> dict[str, Counter[str]]:
    """Return name of a group → split → utterances."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for u in corpus:
        if u.id in names:
            counts[names[u.id]][u.split] += 1
    return counts
