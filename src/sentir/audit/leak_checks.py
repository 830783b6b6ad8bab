"""What a person should know about what splits share, and about contradictions, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sentir.audit.counts import LabelsOf
from sentir.audit.grading import grade_of
from sentir.audit.leaks import GROUP, Contents, seen_elsewhere, shared_names
from sentir.audit.results import Finding, Table
from sentir.audit.text_overlap import SharedTexts
from sentir.corpus.corpus import Corpus
from sentir.i18n import _, localized, mark

_EXAMPLES = 5
_CONTRADICTORY = {
    "texts": mark(
        "Texts with different labels of '{task}' in different places: {n}, in {utterances} utterances."
    ),
    "sounds": mark(
        "Clips with different labels of '{task}' under different names: {n}, in {utterances} utterances."
    ),
}


def check_leaks(corpus: Corpus, leaks: Table, contents: Contents) -> list[Finding]:
    """Tell what dev and test share with train, texts aside; examples are of train, which may be left out."""
    none_shared = _("No dialogue lies in two splits; a corpus that had one would be refused.")
    findings = [Finding("dialogues_in_two_splits", "note", none_shared, 0)]
    names = shared_names(corpus, contents)
    for row in leaks.rows:
        what, split, count, share = str(row["what"]), str(row["split"]), row["utterances"], row["share"]
        if not (isinstance(count, int) and isinstance(share, float) and count) or row["found_in"] != "train":
            continue
        if what in ("texts", "copies"):
            continue
        kind = "group" if what.startswith(GROUP) else what
        places: tuple[str, ...] = ()
        if what == "sounds":
            places = tuple(seen_elsewhere(names[what], corpus.train, corpus.split(split))[:_EXAMPLES])
        message = _leak_sentence(what, split, count, share)
        grade = grade_of(kind, share)
        findings.append(Finding(f"{kind}_of_{split}_in_train", "warning", message, count, places, grade))
    return findings


def _leak_sentence(what: str, split: str, n: int, share: float) -> str:
    values = {"split": split, "n": n, "share": localized(f"{share * 100:.1f}")}
    if what == "speakers":
        return _("Of the {split} utterances, {n} ({share} %) are of speakers who are also in train.", **values)
    if what == "sounds":
        return _(
            "Of the {split} utterances, {n} ({share} %) have a clip that is also in train, under another name.",
            **values,
        )
    group = what.removeprefix(GROUP)
    return _("Of the {split} utterances, {n} ({share} %) share their '{what}' with train.", what=group, **values)


def check_texts(corpus: Corpus, texts: Sequence[SharedTexts], labels_of: LabelsOf) -> list[Finding]:
    """Tell of copies, by their share of a split; and of what anybody says, which is no leak."""
    return [finding for one in texts for finding in (*_copies(corpus, one, labels_of), *_common(corpus, one))]


def _copies(corpus: Corpus, texts: SharedTexts, labels_of: LabelsOf) -> list[Finding]:
    """Tell of copies; examples are those of the other split, which may be left out."""
    if not texts.copies:
        return []
    n, share = len(texts.copies), len(texts.copies) / len(corpus.split(texts.split))
    message = _(
        "Of the {split} utterances, {n} ({share} %) are exact or near copies of a text of {other}, too long and "
        "too rare to be so by chance; {others} of them have another label there.",
        split=texts.split,
        n=n,
        share=localized(f"{share * 100:.1f}"),
        other=texts.other,
        others=sum(_differ(corpus, labels_of, *pair) for pair in texts.copies.items()),
    )
    grade = grade_of("copies", share)
    places = tuple(dict.fromkeys(texts.copies.values()))[:_EXAMPLES]
    severity = "note" if grade == "A" else "warning"
    return [Finding(f"copies_of_{texts.split}_in_{texts.other}", severity, message, n, places, grade)]


def _differ(corpus: Corpus, labels_of: LabelsOf, one: str, other: str) -> bool:
    """Tell whether two utterances have different labels of a task that both have; numbers are never compared."""
    return any(
        frozenset(labels_of[one][task]) != frozenset(labels_of[other][task])
        for task, space in corpus.spaces.items()
        if space.kind != "regression" and task in labels_of[one] and task in labels_of[other]
    )


def _common(corpus: Corpus, texts: SharedTexts) -> list[Finding]:
    if not texts.common:
        return []
    message = _(
        "Of the {split} utterances, {n} ({share} %) repeat a text of {other} that is short or frequent; these "
        "are not counted as copies.",
        split=texts.split,
        n=len(texts.common),
        share=localized(f"{len(texts.common) / len(corpus.split(texts.split)) * 100:.1f}"),
        other=texts.other,
    )
    return [Finding(f"common_texts_of_{texts.split}_in_{texts.other}", "note", message, len(texts.common))]


def check_contradictions(table: Table, examples: Mapping[tuple[str, str], tuple[str, ...]]) -> list[Finding]:
    """Tell of texts and sounds with different labels."""
    findings = []
    for row in table.rows:
        task, what, n, share = str(row["task"]), str(row["what"]), row["contents"], row["share"]
        if not (isinstance(n, int) and isinstance(share, float) and n > 0):
            continue
        sentence = _CONTRADICTORY[what]
        message = _(sentence, n=n, task=task, utterances=row["utterances"])
        kind = f"contradictory_{what}"
        findings.append(Finding(kind, "warning", message, n, examples[task, what], grade_of(kind, share)))
    return findings
