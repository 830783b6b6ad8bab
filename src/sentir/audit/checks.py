"""The audit itself: the tables of a corpus, and the sentences that a person should read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sentir.audit.counts import count_labels, count_splits, measure_durations, measure_words
from sentir.audit.leaks import count_leaks, count_repeats, find_contradictions
from sentir.audit.values import Audit, Finding, Table
from sentir.corpus.types import Corpus, Issue, Labels
from sentir.i18n import _

_SEVERITIES = ("problem", "warning", "note")
_EXAMPLES = 5


def audit(corpus: Corpus) -> Audit:
    """Count what a corpus holds and list its defects and leaks, in sentences of the current language.

    The test labels are read for two purposes alone, label counts and contradictions, and a finding says so; it
    is no opening of the test split. Examples of contradictions are taken from train and dev only.
    """
    labels_of: dict[str, Labels] = {u.id: u.labels for u in corpus.utterances}
    labels_of |= corpus.sealed._reveal()[0]
    contradictions, examples = find_contradictions(corpus, labels_of)
    leaks = count_leaks(corpus)
    findings = [
        *_about_issues(corpus),
        *_about_texts(corpus),
        *_about_leaks(leaks),
        *_about_contradictions(contradictions, examples),
        *_about_corpus(corpus),
    ]
    tables = (
        count_splits(corpus, labels_of),
        count_labels(corpus, labels_of),
        measure_words(corpus),
        measure_durations(corpus),
        count_repeats(corpus),
        leaks,
        contradictions,
    )
    findings.sort(key=lambda finding: _SEVERITIES.index(finding.severity))
    return Audit(corpus.name, corpus.synthetic, corpus.fingerprint, tables, tuple(findings))


def _about_issues(corpus: Corpus) -> list[Finding]:
    """Group what the reader found by kind."""
    groups: dict[tuple[str, str], list[Issue]] = defaultdict(list)
    for issue in corpus.issues:
        groups[issue.kind, issue.severity].append(issue)
    findings = []
    for (kind, severity), issues in groups.items():
        message = issues[0].message
        if len(issues) > 1:
            message = _("{n} times, the first: {message}", n=len(issues), message=message)
        places = tuple(issue.where for issue in issues[:_EXAMPLES])
        findings.append(Finding(kind, severity, message, len(issues), places))
    return findings


def _about_texts(corpus: Corpus) -> list[Finding]:
    silent = [u.id for u in corpus.utterances if not (u.text or "").strip()]
    if not silent:
        return []
    message = _("{n} utterances have no text.", n=len(silent))
    return [Finding("text_missing", "warning", message, len(silent), tuple(silent[:_EXAMPLES]))]


def _about_leaks(leaks: Table) -> list[Finding]:
    by_what = {row["what"]: row for row in leaks.rows}
    sentences = {
        "speakers": _("{share} % of the test utterances are of speakers who are also in train."),
        "texts": _("{n} test utterances ({share} %) repeat a text of train."),
    }
    none_shared = _("No dialogue lies in two splits; a corpus that had one would be refused.")
    findings = [Finding("dialogues_in_two_splits", "note", none_shared, 0)]
    for what, sentence in sentences.items():
        count, share = by_what[what]["utterances"], by_what[what]["share"]
        if isinstance(count, int) and isinstance(share, float) and count > 0:
            message = sentence.format(n=count, share=f"{share * 100:.1f}")
            findings.append(Finding(f"{what}_of_test_in_train", "warning", message, count))
    return findings


def _about_contradictions(table: Table, examples: Mapping[str, tuple[str, ...]]) -> list[Finding]:
    findings = []
    for row in table.rows:
        task, texts = str(row["task"]), row["texts"]
        if isinstance(texts, int) and texts > 0:
            message = _(
                "{texts} texts carry different labels of '{task}' in different places ({n} utterances).",
                texts=texts,
                task=task,
                n=row["utterances"],
            )
            findings.append(Finding("contradictory_labels", "warning", message, texts, examples[task]))
    return findings


def _about_corpus(corpus: Corpus) -> list[Finding]:
    findings = []
    if corpus.test:
        message = _(
            "The labels of {n} test utterances were read for counts and contradictions only; "
            "this is no opening of the test split.",
            n=len(corpus.test),
        )
        findings.append(Finding("test_labels_counted", "note", message, len(corpus.test)))
    if corpus.synthetic:
        message = _("This corpus is synthetic: its sentences are generated, no person said them.")
        findings.append(Finding("synthetic", "note", message, len(corpus)))
    return findings
