"""The audit itself: the tables of a corpus, and the sentences that a person should read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sentir.audit.columns import find_tellers
from sentir.audit.counts import count_labels, count_scored, count_splits, measure_durations, measure_words
from sentir.audit.grading import grade_of
from sentir.audit.hearing import Hearing
from sentir.audit.leaks import (
    Contents,
    count_leaks,
    count_repeats,
    find_contradictions,
    seen_elsewhere,
    shared_names,
    texts_of,
)
from sentir.audit.runs import find_runs
from sentir.audit.sound_checks import check_sound, check_speed
from sentir.audit.sounds import count_clips, count_sources, histograms, measure_levels
from sentir.audit.values import SEVERITIES, Audit, Finding, Table
from sentir.corpus.telling import TELLS
from sentir.corpus.types import SPLITS, Corpus, Issue, Labels
from sentir.i18n import _

_EXAMPLES = 5
_TOLD = 3  # issues of a kind that are told one by one
_RARE = 10  # train utterances below which nothing can be learned of a label


def audit(corpus: Corpus, hearing: Hearing | None = None, *, known: Sequence[Finding] = ()) -> Audit:
    """Count what a corpus holds and list its defects and leaks, in sentences of the current language.

    The test labels are read for three purposes alone, label counts, contradictions and the hashes of what is
    scored, and a finding says so; it is no opening of the test split. Examples of contradictions are taken from
    train and dev only.

    Args:
        corpus: the corpus.
        hearing: its clips, if they are to be judged; see `sentir.audit.hearing.hear_corpus`.
        known: what else is known of it, such as test splits of others that it holds.
    """
    labels_of: dict[str, Labels] = {u.id: u.labels for u in corpus.utterances}
    labels_of |= corpus.sealed._reveal()[0]
    heard = hearing.copies if hearing else {}
    contents = {what: of for what, of in (("texts", texts_of(corpus)), ("sounds", heard)) if of}
    labels, leaks = count_labels(corpus, labels_of), count_leaks(corpus, contents)
    repeats = count_repeats(corpus, contents)
    contradictions, examples = find_contradictions(corpus, contents, labels_of)
    tables = (
        count_splits(corpus, labels_of),
        labels,
        measure_words(corpus),
        measure_durations(corpus),
        *([count_clips(corpus, hearing), measure_levels(corpus, hearing)] if hearing else []),
        *([count_sources(corpus, hearing)] if hearing else []),
        repeats,
        leaks,
        contradictions,
        count_scored(corpus, labels_of),
    )
    filled = tuple(t for t in tables if not t.rows or any(any(list(row.values())[1:]) for row in t.rows))
    findings = [
        *_about_issues(corpus),
        *_about_texts(corpus),
        *_about_labels(corpus, labels),
        *_about_columns(corpus),
        *find_runs(corpus),
        *_about_leaks(corpus, leaks, contents),
        *_about_contradictions(contradictions, examples),
        *check_speed(corpus, hearing),
        *(check_sound(corpus, hearing, repeats) if hearing else []),
        *_about_corpus(corpus),
        *known,
    ]
    findings.sort(key=lambda finding: (SEVERITIES.index(finding.severity), -ord(finding.grade)))
    name, found = corpus.name, histograms(corpus, hearing)
    return Audit(name, corpus.synthetic, corpus.fingerprint, filled, tuple(findings), found)


def _about_issues(corpus: Corpus) -> list[Finding]:
    """Group what the reader found by kind; few are told one by one."""
    groups: dict[tuple[str, str], list[Issue]] = defaultdict(list)
    for issue in corpus.issues:
        groups[issue.kind, issue.severity].append(issue)
    findings = []
    for (kind, severity), issues in groups.items():
        message = " ".join(issue.message for issue in issues[:_TOLD])
        if len(issues) > _TOLD:
            message = _("{n} times, the first: {message}", n=len(issues), message=issues[0].message)
        places = tuple(issue.where for issue in issues[:_EXAMPLES])
        cost = {"problem": "lost", "warning": "warned"}.get(severity)
        grade = grade_of(cost, len(issues) / max(1, len(corpus))) if cost else "A"
        findings.append(Finding(kind, severity, message, len(issues), places, grade))
    return findings


def _about_texts(corpus: Corpus) -> list[Finding]:
    silent = [u.id for u in corpus.utterances if not (u.text or "").strip()]
    if not silent:
        return []
    if len(silent) == len(corpus):
        return [Finding("text_missing", "note", _("No utterance has a text."), len(silent))]
    message = _("Utterances without a text: {n}.", n=len(silent))
    grade = grade_of("text_missing", len(silent) / len(corpus))
    return [Finding("text_missing", "warning", message, len(silent), tuple(silent[:_EXAMPLES]), grade)]


def _about_labels(corpus: Corpus, labels: Table) -> list[Finding]:
    findings = []
    for split in SPLITS:
        if not corpus.split(split):
            message = _("There are no {split} utterances.", split=split)
            findings.append(Finding("split_missing", "warning", message, 1, (), grade_of("split_missing", 1)))
    for task, space in corpus.spaces.items():
        counts = {str(row["label"]): row["train"] for row in labels.rows if row["task"] == task}
        rare = [name for name in space.names if space.kind != "regression" and _few(counts[name])]
        if rare and corpus.train:
            message = _(
                "Of '{task}', these labels occur less than {n} times in train, too few to learn them: {labels}.",
                task=task,
                labels=", ".join(f"{name} ({counts[name]})" for name in rare),
                n=_RARE,
            )
            grade = grade_of("labels_missing", 1)
            findings.append(Finding("label_rare", "warning", message, len(rare), (), grade))
        unlabeled = [u.id for u in (*corpus.train, *corpus.dev) if task not in u.labels]
        if unlabeled:
            message = _(
                "Utterances of train and dev without a label of '{task}': {n}.", n=len(unlabeled), task=task
            )
            grade = grade_of("unlabeled", len(unlabeled) / (len(corpus.train) + len(corpus.dev)))
            places = tuple(unlabeled[:_EXAMPLES])
            findings.append(Finding("unlabeled", "warning", message, len(unlabeled), places, grade))
    return findings


def _few(count: object) -> bool:
    return isinstance(count, int) and count < _RARE


def _about_columns(corpus: Corpus) -> list[Finding]:
    findings = []
    for task in corpus.spaces:
        for teller in find_tellers(corpus, task):
            kind, severity = (
                ("tells_label", "problem") if teller.score >= TELLS else ("suspect_column", "warning")
            )
            findings.append(
                Finding(kind, severity, teller.sentence(), 1, (teller.column,), grade_of(kind, teller.score))
            )
    return findings


def _about_leaks(corpus: Corpus, leaks: Table, contents: Contents) -> list[Finding]:
    """Tell what dev and test share with train; examples are those of train, which may be left out."""
    none_shared = _("No dialogue lies in two splits; a corpus that had one would be refused.")
    findings = [Finding("dialogues_in_two_splits", "note", none_shared, 0)]
    names = shared_names(corpus, contents)
    for row in leaks.rows:
        what, split, count, share = str(row["what"]), str(row["split"]), row["utterances"], row["share"]
        if not (isinstance(count, int) and isinstance(share, float) and count) or row["found_in"] != "train":
            continue
        message = _leak_sentence(what).format(n=count, share=f"{share * 100:.1f}", split=split)
        places: tuple[str, ...] = ()
        if what in contents:
            places = tuple(seen_elsewhere(names[what], corpus.train, corpus.split(split))[:_EXAMPLES])
        grade = grade_of(what if what in ("speakers", *contents) else "group", share)
        findings.append(Finding(f"{what}_of_{split}_in_train", "warning", message, count, places, grade))
    return findings


def _leak_sentence(what: str) -> str:
    sentences = {
        "speakers": _("Of the {split} utterances, {n} ({share} %) are of speakers who are also in train."),
        "texts": _("Of the {split} utterances, {n} ({share} %) repeat a text of train."),
        "sounds": _(
            "Of the {split} utterances, {n} ({share} %) have a clip that is also in train, under another name."
        ),
    }
    other = _("Of the {split} utterances, {n} ({share} %) share their '{what}' with train.")
    return sentences.get(what) or other.replace("{what}", what.replace("{", "{{").replace("}", "}}"))


def _about_contradictions(table: Table, examples: Mapping[tuple[str, str], tuple[str, ...]]) -> list[Finding]:
    findings = []
    for row in table.rows:
        task, what, n, share = str(row["task"]), str(row["what"]), row["contents"], row["share"]
        if not (isinstance(n, int) and isinstance(share, float) and n > 0):
            continue
        sentence = {
            "texts": _(
                "Texts with different labels of '{task}' in different places: {n}, in {utterances} utterances."
            ),
            "sounds": _(
                "Clips with different labels of '{task}' under different names: {n}, in {utterances} utterances."
            ),
        }[what]
        kind = f"contradictory_{what}"
        message = sentence.format(n=n, task=task, utterances=row["utterances"])
        findings.append(Finding(kind, "warning", message, n, examples[task, what], grade_of(kind, share)))
    return findings


def _about_corpus(corpus: Corpus) -> list[Finding]:
    findings = []
    if corpus.test:
        message = _(
            "The labels of {n} test utterances were read for counts, contradictions and hashes only; "
            "this is no opening of the test split.",
            n=len(corpus.test),
        )
        findings.append(Finding("test_labels_counted", "note", message, len(corpus.test)))
    if corpus.synthetic:
        message = _("This corpus is synthetic: its sentences are generated, no person said them.")
        findings.append(Finding("synthetic", "note", message, len(corpus)))
    return findings
