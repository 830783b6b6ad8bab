"""The audit itself: the tables of a corpus, and the sentences that a person should read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sentir.audit.audio_checks import check_audio, check_speech_rate
from sentir.audit.audio_scan import AudioScan
from sentir.audit.audio_tables import compute_histograms, count_clips, count_source_formats, summarize_levels
from sentir.audit.counts import (
    count_labels,
    count_scored_utterances,
    count_splits,
    summarize_durations,
    summarize_word_counts,
)
from sentir.audit.grading import compute_grade
from sentir.audit.label_checks import check_labels
from sentir.audit.label_runs import find_label_runs
from sentir.audit.leak_checks import check_contradictions, check_leaks, check_text_overlap
from sentir.audit.leaking_columns import LeakingColumn, find_leaking_columns
from sentir.audit.leaks import casefold_texts, count_leaks, count_repeats, find_contradictions
from sentir.audit.results import SEVERITIES, AuditReport, Finding
from sentir.audit.text_overlap import TextOverlap, find_text_overlaps
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.language_detection import ENGLISH, detect_language, language_name
from sentir.corpus.leakage import LEAKAGE_THRESHOLD
from sentir.corpus.utterances import Issue, Labels
from sentir.i18n import _
from sentir.recipe import DEFAULT_CLEANING

_MAX_EXAMPLES = 5
_MAX_LISTED_ISSUES = 3  # issues of a kind that are told one by one


@dataclass(frozen=True, slots=True)
class Leakage:
    """What is computed of a corpus once, whatever language it is told in.

    Attributes:
        text_overlaps: what every two splits share.
        leaking_columns: columns that tell a label.
    """

    text_overlaps: tuple[TextOverlap, ...]
    leaking_columns: tuple[LeakingColumn, ...]


def measure_leakage(corpus: Corpus, cleaning: Sequence[str] = DEFAULT_CLEANING) -> Leakage:
    """Compare the texts of the splits, and the columns with the labels.

    Args:
        corpus: any.
        cleaning: names of the steps that the texts of a model go through; they are compared after them too.
    """
    tellers = (teller for task in corpus.label_spaces for teller in find_leaking_columns(corpus, task))
    return Leakage(find_text_overlaps(corpus, cleaning), tuple(tellers))


def audit(
    corpus: Corpus,
    audio_scan: AudioScan | None = None,
    *,
    leakage: Leakage | None = None,
    other_findings: Sequence[Finding] = (),
) -> AuditReport:
    """Count what a corpus holds and list its defects and leaks, in sentences of the current language.

    The test labels are read for three purposes alone, label counts, contradictions and the hashes of what is
    scored, and a finding says so; it is no opening of the test split. Examples of contradictions are taken from
    train and dev only.

    Args:
        corpus: the corpus.
        audio_scan: its clips, if they are to be judged; see `sentir.audit.audio_scan.hear_corpus`.
        leakage: of it, if that was done before, or for another cleaning than the usual one.
        other_findings: what else is known of it, such as test splits of others that it holds.
    """
    labels_of: dict[str, Labels] = {u.id: u.labels for u in corpus.utterances}
    labels_of |= corpus.sealed._reveal()[0]
    heard = audio_scan.duplicate_of if audio_scan else {}
    contents = {what: of for what, of in (("texts", casefold_texts(corpus)), ("clips", heard)) if of}
    leakage = leakage or measure_leakage(corpus)
    leaks, repeats = count_leaks(corpus, contents, leakage.text_overlaps), count_repeats(corpus, contents)
    contradictions, examples = find_contradictions(corpus, contents, labels_of)
    tables = (
        count_splits(corpus, labels_of),
        count_labels(corpus, labels_of),
        summarize_word_counts(corpus),
        summarize_durations(corpus),
        *([count_clips(corpus, audio_scan), summarize_levels(corpus, audio_scan)] if audio_scan else []),
        *([count_source_formats(corpus, audio_scan)] if audio_scan else []),
        repeats,
        leaks,
        contradictions,
        count_scored_utterances(corpus, labels_of),
    )
    filled = tuple(t for t in tables if not t.rows or any(any(list(row.values())[1:]) for row in t.rows))
    findings = [
        *_issue_findings(corpus),
        *_text_findings(corpus),
        *_language_findings(corpus),
        *check_labels(corpus, labels_of),
        *_column_findings(leakage.leaking_columns),
        *find_label_runs(corpus),
        *check_leaks(corpus, leaks, contents),
        *check_text_overlap(corpus, leakage.text_overlaps, labels_of),
        *check_contradictions(contradictions, examples),
        *check_speech_rate(corpus, audio_scan),
        *(check_audio(corpus, audio_scan, repeats) if audio_scan else []),
        *_corpus_findings(corpus),
        *other_findings,
    ]
    findings = [replace(one, severity="problem") if one.grade in "DE" else one for one in findings]
    findings.sort(key=lambda finding: (SEVERITIES.index(finding.severity), -ord(finding.grade)))
    name, found = corpus.name, compute_histograms(corpus, audio_scan)
    return AuditReport(name, corpus.synthetic, corpus.fingerprint, filled, tuple(findings), found)


def _issue_findings(corpus: Corpus) -> list[Finding]:
    """Group what the reader found by kind; few are told one by one."""
    groups: dict[tuple[str, str], list[Issue]] = defaultdict(list)
    for issue in corpus.issues:
        groups[issue.kind, issue.severity].append(issue)
    findings = []
    for (kind, severity), issues in groups.items():
        message = " ".join(issue.message for issue in issues[:_MAX_LISTED_ISSUES])
        if len(issues) > _MAX_LISTED_ISSUES:
            message = _("{n} times, the first: {message}", n=len(issues), message=issues[0].message)
        places = tuple(issue.where for issue in issues[:_MAX_EXAMPLES])
        cost = {"problem": "unusable", "warning": "reader_warning"}.get(severity)
        grade = compute_grade(cost, len(issues) / max(1, len(corpus))) if cost else "A"
        findings.append(Finding(kind, severity, message, len(issues), places, grade))
    return findings


def _text_findings(corpus: Corpus) -> list[Finding]:
    silent = [u.id for u in corpus.utterances if is_blank(u.text)]
    if not silent:
        return []
    if len(silent) == len(corpus):
        return [Finding("text_missing", "note", _("No utterance has a text."), len(silent))]
    message = _("Utterances without a text: {n}.", n=len(silent))
    grade = compute_grade("text_missing", len(silent) / len(corpus))
    return [Finding("text_missing", "warning", message, len(silent), tuple(silent[:_MAX_EXAMPLES]), grade)]


def _language_findings(corpus: Corpus) -> list[Finding]:
    language = detect_language([u.text for u in corpus])
    if language in (None, ENGLISH):
        return []
    message = _(
        "The texts are in {language}, by their script or their most frequent words. Most text encoders know "
        "English alone; choose a multilingual one, such as model.backbone = 'multilingual-minilm'.",
        language=language_name(str(language)),
    )
    return [Finding("language", "note", message, len(corpus))]


def _column_findings(leaking_columns: Sequence[LeakingColumn]) -> list[Finding]:
    findings = []
    for teller in leaking_columns:
        kind, severity = (
            ("leaks_label", "problem")
            if teller.score >= LEAKAGE_THRESHOLD
            else ("possible_label_leak", "warning")
        )
        grade = compute_grade(kind, teller.score)
        findings.append(Finding(kind, severity, teller.describe(), 1, (teller.column,), grade))
    return findings


def _corpus_findings(corpus: Corpus) -> list[Finding]:
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
