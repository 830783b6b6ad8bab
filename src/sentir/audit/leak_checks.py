"""What a person should know about what splits share, and about contradictions, in sentences."""

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
    "texts": gettext_noop(
        "Texts with different labels of '{task}' in different places: {n}, in {utterances} utterances."
    ),
    "clips": gettext_noop(
        "Clips with different labels of '{task}' under different names: {n}, in {utterances} utterances."
    ),
}


def check_leaks(corpus: Corpus, leaks: AuditTable, contents: ContentKeys) -> list[Finding]:
    """Tell what dev and test share with train, texts aside; examples are of train, which may be left out."""
    none_shared = _("No dialogue lies in two splits; a corpus that had one would be refused.")
    findings = [Finding("dialogues_in_two_splits", "note", none_shared, 0)]
    names = collect_group_names(corpus, contents)
    for row in leaks.rows:
        what, split, count, share = str(row["kind"]), str(row["split"]), row["utterances"], row["share"]
        if not (isinstance(count, int) and isinstance(share, float) and count) or row["found_in"] != "train":
            continue
        if what in ("texts", "duplicates"):
            continue
        kind = "group" if what.startswith(GROUP_PREFIX) else what
        places: tuple[str, ...] = ()
        if what == "clips":
            places = tuple(find_seen_ids(names[what], corpus.train, corpus.split(split))[:_MAX_EXAMPLES])
        message = _leak_message(what, split, count, share)
        grade = compute_grade(kind, share)
        findings.append(Finding(f"{kind}_of_{split}_in_train", "warning", message, count, places, grade))
    return findings


def _leak_message(what: str, split: str, n: int, share: float) -> str:
    values = {"split": split, "n": n, "share": localize_numbers(f"{share * 100:.1f}")}
    if what == "speakers":
        return _("Of the {split} utterances, {n} ({share} %) are of speakers who are also in train.", **values)
    if what == "clips":
        return _(
            "Of the {split} utterances, {n} ({share} %) have a clip that is also in train, under another name.",
            **values,
        )
    group = what.removeprefix(GROUP_PREFIX)
    return _("Of the {split} utterances, {n} ({share} %) share their '{what}' with train.", what=group, **values)


def check_text_overlap(corpus: Corpus, overlaps: Sequence[TextOverlap], labels_of: LabelsById) -> list[Finding]:
    """Tell of copies, by their share of a split; and of what anybody says, which is no leak."""
    return [
        finding
        for one in overlaps
        for finding in (*_duplicate_findings(corpus, one, labels_of), *_common_text_findings(corpus, one))
    ]


def _duplicate_findings(corpus: Corpus, overlap: TextOverlap, labels_of: LabelsById) -> list[Finding]:
    """Tell of copies; examples are those of the other split, which may be left out."""
    if not overlap.duplicates:
        return []
    n, share = len(overlap.duplicates), len(overlap.duplicates) / len(corpus.split(overlap.split))
    message = _(
        "Of the {split} utterances, {n} ({share} %) are exact or near copies of a text of {other}, too long and "
        "too rare to be so by chance; {others} of them have another label there.",
        split=overlap.split,
        n=n,
        share=localize_numbers(f"{share * 100:.1f}"),
        other=overlap.other,
        others=sum(_labels_differ(corpus, labels_of, *pair) for pair in overlap.duplicates.items()),
    )
    grade = compute_grade("duplicates", share)
    places = tuple(dict.fromkeys(overlap.duplicates.values()))[:_MAX_EXAMPLES]
    severity = "note" if grade == "A" else "warning"
    return [Finding(f"duplicates_of_{overlap.split}_in_{overlap.other}", severity, message, n, places, grade)]


def _labels_differ(corpus: Corpus, labels_of: LabelsById, one: str, other: str) -> bool:
    """Tell whether two utterances have different labels of a task that both have; numbers are never compared."""
    return any(
        frozenset(labels_of[one][task]) != frozenset(labels_of[other][task])
        for task, space in corpus.label_spaces.items()
        if space.kind != "regression" and task in labels_of[one] and task in labels_of[other]
    )


def _common_text_findings(corpus: Corpus, overlap: TextOverlap) -> list[Finding]:
    if not overlap.common:
        return []
    message = _(
        "Of the {split} utterances, {n} ({share} %) repeat a text of {other} that is short or frequent; these "
        "are not counted as copies.",
        split=overlap.split,
        n=len(overlap.common),
        share=localize_numbers(f"{len(overlap.common) / len(corpus.split(overlap.split)) * 100:.1f}"),
        other=overlap.other,
    )
    return [Finding(f"common_texts_of_{overlap.split}_in_{overlap.other}", "note", message, len(overlap.common))]


def check_contradictions(table: AuditTable, examples: Mapping[tuple[str, str], tuple[str, ...]]) -> list[Finding]:
    """Tell of texts and sounds with different labels."""
    findings = []
    for row in table.rows:
        task, what, n, share = str(row["task"]), str(row["kind"]), row["contents"], row["share"]
        if not (isinstance(n, int) and isinstance(share, float) and n > 0):
            continue
        sentence = _CONTRADICTION_MESSAGES[what]
        message = _(sentence, n=n, task=task, utterances=row["utterances"])
        kind = f"contradictory_{what}"
        findings.append(Finding(kind, "warning", message, n, examples[task, what], compute_grade(kind, share)))
    return findings
