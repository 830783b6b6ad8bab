"""Findings about what splits share, and about contradictory labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sentir.audit.counts import LabelsById
from sentir.audit.grading import compute_grade
from sentir.audit.leaks import GROUP_PREFIX, ContentKeys, collect_group_names, find_seen_ids
from sentir.audit.results import AuditTable, Finding
from sentir.audit.text_overlap import TextOverlap
from sentir.corpus.corpus import Corpus
from sentir.i18n import _, gettext_noop, localize_numbers

_MAX_EXAMPLES = 5
_CONTRADICTION_MESSAGES = {
    "texts": gettext_noop("Texts that occur with different labels of '{task}': {n}, in {utterances} utterances."),
    "clips": gettext_noop("Clips that occur with different labels of '{task}': {n}, in {utterances} utterances."),
}


def check_leaks(corpus: Corpus, leaks: AuditTable, contents: ContentKeys) -> list[Finding]:
    """Find what dev and test share with train, except texts; examples are from train, to remove them there."""
    none_shared = _("No dialogue is in two splits; such a corpus would be rejected.")
    findings = [Finding("dialogues_in_two_splits", "note", none_shared, 0)]
    names = collect_group_names(corpus, contents)
    for row in leaks.rows:
        kind, split, count, share = str(row["kind"]), str(row["split"]), row["utterances"], row["share"]
        if not (isinstance(count, int) and isinstance(share, float) and count) or row["found_in"] != "train":
            continue
        if kind in ("texts", "duplicates"):
            continue
        examples: tuple[str, ...] = ()
        if kind == "clips":
            examples = tuple(find_seen_ids(names[kind], corpus.train, corpus.split(split))[:_MAX_EXAMPLES])
        message = _leak_message(kind, split, count, share)
        finding_kind = "group" if kind.startswith(GROUP_PREFIX) else kind
        grade = compute_grade(finding_kind, share)
        findings.append(
            Finding(f"{finding_kind}_of_{split}_in_train", "warning", message, count, examples, grade)
        )
    return findings


def _leak_message(kind: str, split: str, n: int, share: float) -> str:
    values = {"split": split, "n": n, "share": localize_numbers(f"{share * 100:.1f}")}
    if kind == "speakers":
        return _("Of the {split} utterances, {n} ({share} %) are of speakers who are also in train.", **values)
    if kind == "clips":
        return _(
            "Of the {split} utterances, {n} ({share} %) have a clip that is also in train, under another name.",
            **values,
        )
    group = kind.removeprefix(GROUP_PREFIX)
    return _(
        "Of the {split} utterances, {n} ({share} %) share their '{group}' with train.", group=group, **values
    )


def check_text_overlap(corpus: Corpus, overlaps: Sequence[TextOverlap], labels_of: LabelsById) -> list[Finding]:
    """Find duplicates between splits, graded by their share; common phrases are noted and no leak."""
    return [
        finding
        for one in overlaps
        for finding in (*_duplicate_findings(corpus, one, labels_of), *_common_text_findings(corpus, one))
    ]


def _duplicate_findings(corpus: Corpus, overlap: TextOverlap, labels_of: LabelsById) -> list[Finding]:
    """Return the finding on duplicates; examples are from the other split, where they can be removed."""
    if not overlap.duplicates:
        return []
    n, share = len(overlap.duplicates), len(overlap.duplicates) / len(corpus.split(overlap.split))
    message = _(
        "Of the {split} utterances, {n} ({share} %) are exact or near duplicates of a text in {other}, too long "
        "and too rare for chance; {others} of them have another label there.",
        split=overlap.split,
        n=n,
        share=localize_numbers(f"{share * 100:.1f}"),
        other=overlap.other,
        others=sum(_labels_differ(corpus, labels_of, *pair) for pair in overlap.duplicates.items()),
    )
    grade = compute_grade("duplicates", share)
    examples = tuple(dict.fromkeys(overlap.duplicates.values()))[:_MAX_EXAMPLES]
    severity = "note" if grade == "A" else "warning"
    return [Finding(f"duplicates_of_{overlap.split}_in_{overlap.other}", severity, message, n, examples, grade)]


def _labels_differ(corpus: Corpus, labels_of: LabelsById, one: str, other: str) -> bool:
    """Return whether two utterances have different labels of a common task; numbers are not compared."""
    return any(
        frozenset(labels_of[one][task]) != frozenset(labels_of[other][task])
        for task, space in corpus.label_spaces.items()
        if space.classes and task in labels_of[one] and task in labels_of[other]
    )


def _common_text_findings(corpus: Corpus, overlap: TextOverlap) -> list[Finding]:
    if not overlap.common:
        return []
    message = _(
        "Of the {split} utterances, {n} ({share} %) repeat a short or frequent text of {other}; these are not "
        "counted as duplicates.",
        split=overlap.split,
        n=len(overlap.common),
        share=localize_numbers(f"{len(overlap.common) / len(corpus.split(overlap.split)) * 100:.1f}"),
        other=overlap.other,
    )
    return [Finding(f"common_texts_of_{overlap.split}_in_{overlap.other}", "note", message, len(overlap.common))]


def check_contradictions(table: AuditTable, examples: Mapping[tuple[str, str], tuple[str, ...]]) -> list[Finding]:
    """Find texts and clips that occur with different labels."""
    findings = []
    for row in table.rows:
        task, kind, n, share = str(row["task"]), str(row["kind"]), row["contents"], row["share"]
        if not (isinstance(n, int) and isinstance(share, float) and n > 0):
            continue
        template, finding_kind = _CONTRADICTION_MESSAGES[kind], f"contradictory_{kind}"
        message = _(template, n=n, task=task, utterances=row["utterances"])
        grade = compute_grade(finding_kind, share)
        findings.append(Finding(finding_kind, "warning", message, n, examples[task, kind], grade))
    return findings
