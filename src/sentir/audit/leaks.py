"""What splits share: dialogues, speakers, groups, clips and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sentir.audit.repeats import ContentKeys
from sentir.audit.results import AuditRow, AuditTable, Finding, fraction, graded_finding
from sentir.audit.tables import LabelsById
from sentir.audit.text_overlap import SPLIT_PAIRS, TextOverlap
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Utterance
from sentir.i18n import _, localize_numbers

GROUP_PREFIX = "group:"  # before the name of a group of the corpus, which may have any name


def check_leaks(
    corpus: Corpus, contents: ContentKeys, overlaps: Sequence[TextOverlap]
) -> tuple[AuditTable, list[Finding]]:
    """Count utterances whose dialogue, speaker, group, text or clip is also in another split.

    Dialogues are always 0: `Corpus.build` rejects others. Splits without named speakers have ``None`` (unknown).

    Returns:
        The table, and findings on what dev and test share with train, except texts; their examples are from
        train, where they can be removed.
    """
    columns = {
        "kind": _("shared"),
        "split": _("of"),
        "found_in": _("also in"),
        "utterances": _("utterances"),
        "share": _("share"),
    }
    rows: list[AuditRow] = []
    findings = [
        Finding(
            "dialogues_in_two_splits",
            "note",
            _("No dialogue is in two splits; such a corpus would be rejected."),
            0,
        )
    ]

    def add_row(kind: str, split: str, other: str, n: int | None) -> float:
        share = None if n is None else fraction(n, len(corpus.split(split)))
        rows.append({"kind": kind, "split": split, "found_in": other, "utterances": n, "share": share})
        return share or 0.0

    for kind, names in _collect_names(corpus, contents).items():
        for split, other in SPLIT_PAIRS:
            own, others = ([u for u in corpus.split(one) if u.id in names] for one in (split, other))
            n = len(_find_shared(names, own, others)) if own and others else None
            share = add_row(kind, split, other, n)
            if n and other == "train":
                examples = _find_shared(names, others, own) if kind == "clips" else ()
                graded_as = "group" if kind.startswith(GROUP_PREFIX) else kind
                findings.append(
                    graded_finding(f"{graded_as}_of_{split}_in_train", "warning",
                                   _describe_leak(kind, split, n, share), n, share, examples, graded_as=graded_as)
                )  # fmt: skip
    if any(one.is_comparable for one in overlaps):
        for kind in ("texts", "duplicates"):
            for one in overlaps:
                shared = one.identical if kind == "texts" else one.duplicates
                add_row(kind, one.split, one.other, len(shared) if one.is_comparable else None)
    return AuditTable("leaks", _("Shared between splits"), columns, tuple(rows)), findings


def _collect_names(corpus: Corpus, contents: ContentKeys) -> dict[str, Mapping[str, str]]:
    """Return what two splits may share, except texts: kind → utterance id → name."""
    dialogues = {u.id: u.dialogue for u in corpus if u.dialogue}
    speakers = {u.id: u.speaker for u in corpus if u.speaker is not None}
    groups = {f"{GROUP_PREFIX}{kind}": names for kind, names in corpus.groups.items() if names != speakers}
    clips = {"clips": contents["clips"]} if "clips" in contents else {}
    return {"dialogues": dialogues, "speakers": speakers, **groups, **clips}


def _find_shared(
    names: Mapping[str, str], utterances: Sequence[Utterance], others: Sequence[Utterance]
) -> list[str]:
    """Return the ids of the utterances whose name occurs among the others."""
    other_names = {names[u.id] for u in others}
    return [u.id for u in utterances if names[u.id] in other_names]


def _describe_leak(kind: str, split: str, n: int, share: float) -> str:
    values = {"split": split, "n": n, "share": localize_numbers(f"{share * 100:.1f}")}
    if kind == "speakers":
        return _("Of the {split} utterances, {n} ({share}%) are of speakers who are also in train.", **values)
    if kind == "clips":
        return _(
            "Of the {split} utterances, {n} ({share}%) have a clip that is also in train, under another name.",
            **values,
        )
    group = kind.removeprefix(GROUP_PREFIX)
    return _("Of the {split} utterances, {n} ({share}%) share their '{group}' with train.", group=group, **values)


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
        "Of the {split} utterances, {n} ({share}%) are exact or near duplicates of a text in {other}, too long "
        "and too rare for chance; {others} of them have another label there.",
        split=overlap.split,
        n=n,
        share=localize_numbers(f"{share * 100:.1f}"),
        other=overlap.other,
        others=sum(_labels_differ(corpus, labels_of, *pair) for pair in overlap.duplicates.items()),
    )
    kind, examples = (
        f"duplicates_of_{overlap.split}_in_{overlap.other}",
        [*dict.fromkeys(overlap.duplicates.values())],
    )
    finding = graded_finding(kind, "warning", message, n, share, examples, graded_as="duplicates")
    return [replace(finding, severity="note") if finding.grade == "A" else finding]


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
        "Of the {split} utterances, {n} ({share}%) repeat a short or frequent text of {other}; these are not "
        "counted as duplicates.",
        split=overlap.split,
        n=len(overlap.common),
        share=localize_numbers(f"{len(overlap.common) / len(corpus.split(overlap.split)) * 100:.1f}"),
        other=overlap.other,
    )
    return [Finding(f"common_texts_of_{overlap.split}_in_{overlap.other}", "note", message, len(overlap.common))]
