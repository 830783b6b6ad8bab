"""Texts and clips that repeat within a split, and those that occur with different labels.

Texts are compared after `casefold_text`; punctuation is kept, for "What?" and "What!" may well have different
labels. Texts of different splits are compared more broadly, see `sentir.audit.text_overlap`. Clips are compared
by their fingerprints.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sentir.audit.results import AuditRow, AuditTable, Finding, fraction, graded_finding
from sentir.audit.tables import LabelsById
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import SPLITS, Utterance
from sentir.i18n import _, gettext_noop

ContentKeys = Mapping[str, Mapping[str, str]]  # texts, clips → utterance id → key that equal contents share
_CONTRADICTION_MESSAGES = {
    "texts": gettext_noop("Texts that occur with different labels of '{task}': {n}, in {utterances} utterances."),
    "clips": gettext_noop("Clips that occur with different labels of '{task}': {n}, in {utterances} utterances."),
}


def check_repeats(corpus: Corpus, contents: ContentKeys) -> tuple[AuditTable, list[Finding]]:
    """Count utterances whose text or clip occurs earlier in their split; repeated clips are findings."""
    columns = {"kind": _("repeated"), "split": _("split"), "utterances": _("utterances"), "share": _("share")}
    rows: list[AuditRow] = []
    findings = []
    for kind, keys in contents.items():
        for split in SPLITS:
            utterances = corpus.split(split)
            own_keys = [keys[u.id] for u in utterances if u.id in keys]
            n = len(own_keys) - len(set(own_keys))
            share = fraction(n, len(utterances))
            rows.append({"kind": kind, "split": split, "utterances": n, "share": share})
            if kind == "clips" and n:
                message = _("Duplicate clips within {split}: {n}.", n=n, split=split)
                pairs = [
                    f"{first} = {u.id}"
                    for u in utterances
                    if (first := keys.get(u.id, u.id)) != u.id and corpus.by_id[first].split == split
                ]
                findings.append(
                    graded_finding(f"clips_duplicated_in_{split}", "warning", message, n, share, pairs,
                                   graded_as="duplicate_clips")
                )  # fmt: skip
    return AuditTable("repeats", _("Repeated within a split"), columns, tuple(rows)), findings


def check_contradictions(
    corpus: Corpus, contents: ContentKeys, labels_of: LabelsById
) -> tuple[AuditTable, list[Finding]]:
    """Count texts and clips that occur with different labels.

    Examples are from train and dev only, so that no test label is revealed.
    """
    columns = {
        "task": _("task"),
        "kind": _("same"),
        "contents": _("contents"),
        "utterances": _("utterances"),
        "share": _("share"),
    }
    rows: list[AuditRow] = []
    findings = []
    for task, space in corpus.label_spaces.items():
        for kind, keys in contents.items():
            contradictory = _find_contradictory_ids(corpus.utterances, keys, space, labels_of)
            n, utterances = len(contradictory), sum(map(len, contradictory))
            share = fraction(utterances, len(corpus))
            rows.append({"task": task, "kind": kind, "contents": n, "utterances": utterances, "share": share})
            if n:
                message = _(_CONTRADICTION_MESSAGES[kind], n=n, task=task, utterances=utterances)
                without_test = _find_contradictory_ids((*corpus.train, *corpus.dev), keys, space, labels_of)
                examples = [" = ".join(ids[:2]) for ids in without_test]
                findings.append(graded_finding(f"contradictory_{kind}", "warning", message, n, share, examples))
    return AuditTable("contradictions", _("Same content, different labels"), columns, tuple(rows)), findings


def _find_contradictory_ids(
    utterances: Sequence[Utterance], keys: Mapping[str, str], space: LabelSpace, labels_of: LabelsById
) -> list[list[str]]:
    """Return the ids of each content with different labels, or with numbers nearest to different steps.

    The first two ids of each content contradict each other.
    """
    groups: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    for u in utterances:
        if u.id in keys and space.task in labels_of[u.id]:
            groups[keys[u.id]][u.id] = frozenset(space.categorize(labels_of[u.id][space.task]))
    contradictory = []
    for (first, first_labels), *rest in (list(labels.items()) for labels in groups.values()):
        if any(labels != first_labels for _id, labels in rest):
            ordered = sorted(rest, key=lambda item: item[1] == first_labels)
            contradictory.append([first, *(key for key, _labels in ordered)])
    return contradictory
