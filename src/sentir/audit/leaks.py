"""Repeated texts, clips, speakers and groups, within and between splits, and contradictory labels.

Repeats and contradictions compare texts after `casefold_text`; punctuation is kept, for "What?" and "What!" may
well have different labels. Texts of different splits are compared more broadly, see `sentir.audit.text_overlap`.
Clips are compared by their fingerprints.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from sentir.audit.counts import LabelsById
from sentir.audit.results import AuditRow, AuditTable
from sentir.audit.text_overlap import SPLIT_PAIRS, TextOverlap
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.text_similarity import casefold_text
from sentir.corpus.utterances import SPLITS, Utterance
from sentir.i18n import _

ContentKeys = Mapping[str, Mapping[str, str]]  # texts, clips → utterance id → key that equal contents share
_UNKNOWN_CELLS = {"utterances": None, "share": None}
GROUP_PREFIX = "group:"  # before the name of a group of the corpus, which may have any name


def casefold_texts(corpus: Corpus) -> dict[str, str]:
    """Return id → text as `casefold_text` returns it, of the utterances that have one."""
    return {u.id: text for u in corpus if (text := casefold_text(u.text))}


def count_repeats(corpus: Corpus, contents: ContentKeys) -> AuditTable:
    """Count utterances whose text or clip occurs earlier in their split."""
    columns = {"kind": _("repeated"), "split": _("split"), "utterances": _("utterances"), "share": _("share")}
    rows: list[AuditRow] = []
    for kind, keys in contents.items():
        for split in SPLITS:
            utterances = corpus.split(split)
            own_keys = [keys[u.id] for u in utterances if u.id in keys]
            n = len(own_keys) - len(set(own_keys))
            rows.append({"kind": kind, "split": split, "utterances": n, "share": _fraction(n, len(utterances))})
    return AuditTable("repeats", _("Repeated within a split"), columns, tuple(rows))


def _fraction(part: int, total: int) -> float:
    return round(part / total, 4) if total else 0.0


def count_leaks(corpus: Corpus, contents: ContentKeys, overlaps: Sequence[TextOverlap]) -> AuditTable:
    """Count utterances whose dialogue, speaker, group, text or clip is also in another split.

    Dialogues are always 0: `Corpus.build` rejects others. Splits without named speakers have ``None`` (unknown).
    """
    columns = {
        "kind": _("shared"),
        "split": _("of"),
        "found_in": _("also in"),
        "utterances": _("utterances"),
        "share": _("share"),
    }
    rows = [
        _make_leak_row(kind, names, corpus.split(split), split, corpus.split(other), other)
        for kind, names in collect_group_names(corpus, contents).items()
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


def _make_text_row(kind: str, overlap: TextOverlap, n: int, total: int) -> AuditRow:
    row: dict[str, str | int | float | None] = {"kind": kind, "split": overlap.split, "found_in": overlap.other}
    return row | ({"utterances": n, "share": _fraction(n, total)} if overlap.is_comparable else _UNKNOWN_CELLS)


def collect_group_names(corpus: Corpus, contents: ContentKeys) -> dict[str, Mapping[str, str]]:
    """Return what two splits may share, except texts: kind → utterance id → name."""
    dialogues = {u.id: u.dialogue for u in corpus if u.dialogue}
    speakers = {u.id: u.speaker for u in corpus if u.speaker is not None}
    groups = {f"{GROUP_PREFIX}{kind}": names for kind, names in corpus.groups.items() if names != speakers}
    clips = {"clips": contents["clips"]} if "clips" in contents else {}
    return {"dialogues": dialogues, "speakers": speakers, **groups, **clips}


def _make_leak_row(
    kind: str,
    names: Mapping[str, str],
    utterances: Sequence[Utterance],
    split: str,
    others: Sequence[Utterance],
    other: str,
) -> AuditRow:
    row: dict[str, str | int | float | None] = {"kind": kind, "split": split, "found_in": other}
    if not any(u.id in names for u in utterances) or not any(u.id in names for u in others):
        return row | _UNKNOWN_CELLS
    n = len(find_seen_ids(names, utterances, others))
    return row | {"utterances": n, "share": _fraction(n, len(utterances))}


def find_seen_ids(
    names: Mapping[str, str], utterances: Sequence[Utterance], others: Sequence[Utterance]
) -> list[str]:
    """Return the ids of the utterances whose name occurs among the others."""
    other_names: Collection[str] = {names[u.id] for u in others if u.id in names}
    return [u.id for u in utterances if names.get(u.id) in other_names]


def find_contradictions(
    corpus: Corpus, contents: ContentKeys, labels_of: LabelsById
) -> tuple[AuditTable, dict[tuple[str, str], tuple[str, ...]]]:
    """Count texts and clips that occur with different labels.

    Returns:
        The table, and for each task and kind of content up to five pairs of contradictory utterances of train and
        dev, so that no test label is revealed.
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
        for kind, keys in contents.items():
            contradictory = _find_contradictory_ids(corpus.utterances, keys, space, labels_of)
            n = sum(map(len, contradictory))
            counts = {"contents": len(contradictory), "utterances": n, "share": _fraction(n, len(corpus))}
            rows.append({"task": task, "kind": kind, **counts})
            without_test = _find_contradictory_ids((*corpus.train, *corpus.dev), keys, space, labels_of)
            examples[task, kind] = tuple(" = ".join(ids[:2]) for ids in without_test[:5])
    return AuditTable("contradictions", _("Same content, different labels"), columns, tuple(rows)), examples


def _find_contradictory_ids(
    utterances: Sequence[Utterance], keys: Mapping[str, str], space: LabelSpace, labels_of: LabelsById
) -> list[list[str]]:
    """Return the ids of each content with different labels, or with numbers nearest to different steps.

    The first two ids of each content contradict each other.
    """
    ids_by_key: dict[str, list[str]] = defaultdict(list)
    for u in utterances:
        if u.id in keys and space.task in labels_of[u.id]:
            ids_by_key[keys[u.id]].append(u.id)
    repeated = (ids for ids in ids_by_key.values() if len(ids) > 1)
    groups = ({id_: frozenset(space.categorize(labels_of[id_][space.task])) for id_ in ids} for ids in repeated)
    return [_put_contradiction_first(labels) for labels in groups if len(set(labels.values())) > 1]


def _put_contradiction_first(labels: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the ids, the first two with different labels."""
    first, *rest = labels
    return [first, *sorted(rest, key=lambda utterance_id: labels[utterance_id] == labels[first])]


def count_groups_by_split(names: Mapping[str, str], corpus: Corpus) -> dict[str, Counter[str]]:
    """Return name of a group → split → number of utterances."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for u in corpus:
        if u.id in names:
            counts[names[u.id]][u.split] += 1
    return counts
