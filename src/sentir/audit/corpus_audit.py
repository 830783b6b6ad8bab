"""The audit of a corpus: its tables and findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sentir.audit.audio_checks import check_audio, check_speech_rate
from sentir.audit.audio_scan import AudioScan
from sentir.audit.label_checks import check_labels, find_label_runs
from sentir.audit.leaking_columns import LeakingColumn, find_leaking_columns
from sentir.audit.leaks import check_leaks, check_text_overlap
from sentir.audit.repeats import check_contradictions, check_repeats
from sentir.audit.results import SEVERITIES, AuditReport, Finding, graded_finding
from sentir.audit.tables import (
    compute_histograms,
    count_clips,
    count_labels,
    count_scored_utterances,
    count_source_formats,
    count_splits,
    summarize_durations,
    summarize_levels,
    summarize_word_counts,
)
from sentir.audit.text_overlap import TextOverlap, find_text_overlaps
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.language_detection import ENGLISH, detect_language, language_name
from sentir.corpus.leakage import LEAKAGE_THRESHOLD
from sentir.corpus.text_similarity import casefold_text
from sentir.corpus.utterances import Issue, Labels
from sentir.i18n import _
from sentir.recipe import DEFAULT_CLEANING

_MAX_LISTED_ISSUES = 3  # of a kind; of more, only the first is quoted


@dataclass(frozen=True, slots=True)
class Leakage:
    """The leaks of a corpus, computed once for all languages.

    Attributes:
        text_overlaps: texts that each two splits share.
        leaking_columns: numeric columns that leak a label.
    """

    text_overlaps: tuple[TextOverlap, ...]
    leaking_columns: tuple[LeakingColumn, ...]


def measure_leakage(corpus: Corpus, cleaning: Sequence[str] = DEFAULT_CLEANING) -> Leakage:
    """Compare the texts of the splits, and the columns with the labels.

    Args:
        corpus: any.
        cleaning: names of the cleaning steps of a model; texts are compared with and without them.
    """
    columns = (column for task in corpus.label_spaces for column in find_leaking_columns(corpus, task))
    return Leakage(find_text_overlaps(corpus, cleaning), tuple(columns))


def audit(
    corpus: Corpus,
    audio_scan: AudioScan | None = None,
    *,
    leakage: Leakage | None = None,
    other_findings: Sequence[Finding] = (),
) -> AuditReport:
    """Count the contents of a corpus and list its defects and leaks, in the current language.

    The test labels are used only for label counts, contradictions and the hashes of scored utterances, and a
    finding says so; this is no evaluation on test. Examples of contradictions are from train and dev only.

    Args:
        corpus: the corpus.
        audio_scan: of its clips, to audit them too; see `sentir.audit.audio_scan.scan_audio`.
        leakage: if it was measured before, or with other cleaning steps than the default ones.
        other_findings: to include, such as test splits of other corpora in this one.
    """
    labels_of: dict[str, Labels] = {u.id: u.labels for u in corpus.utterances}
    labels_of |= corpus.sealed._reveal()[0]
    clips = audio_scan.duplicate_of if audio_scan else {}
    texts = {u.id: text for u in corpus if (text := casefold_text(u.text))}
    contents = {kind: keys for kind, keys in (("texts", texts), ("clips", clips)) if keys}
    leakage = leakage or measure_leakage(corpus)
    leaks, leak_findings = check_leaks(corpus, contents, leakage.text_overlaps)
    repeats, repeat_findings = check_repeats(corpus, contents)
    contradictions, contradiction_findings = check_contradictions(corpus, contents, labels_of)
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
    nonempty = tuple(t for t in tables if not t.rows or any(any(list(row.values())[1:]) for row in t.rows))
    findings = [
        *_issue_findings(corpus),
        *_text_findings(corpus),
        *_language_findings(corpus),
        *check_labels(corpus, labels_of),
        *_column_findings(leakage.leaking_columns),
        *find_label_runs(corpus),
        *leak_findings,
        *check_text_overlap(corpus, leakage.text_overlaps, labels_of),
        *contradiction_findings,
        *check_speech_rate(corpus, audio_scan),
        *(check_audio(corpus, audio_scan) if audio_scan else []),
        *repeat_findings,
        *_corpus_findings(corpus),
        *other_findings,
    ]
    findings = [replace(one, severity="problem") if one.grade in "DE" else one for one in findings]
    findings.sort(key=lambda finding: (SEVERITIES.index(finding.severity), -ord(finding.grade)))
    histograms = compute_histograms(corpus, audio_scan)
    return AuditReport(corpus.name, corpus.synthetic, corpus.fingerprint, nonempty, tuple(findings), histograms)


def _issue_findings(corpus: Corpus) -> list[Finding]:
    """Group the issues of the reader by kind; a few of a kind are quoted in full."""
    groups: dict[tuple[str, str], list[Issue]] = defaultdict(list)
    for issue in corpus.issues:
        groups[issue.kind, issue.severity].append(issue)
    findings = []
    for (kind, severity), issues in groups.items():
        message = " ".join(issue.message for issue in issues[:_MAX_LISTED_ISSUES])
        if len(issues) > _MAX_LISTED_ISSUES:
            message = _("{n} times, for example: {message}", n=len(issues), message=issues[0].message)
        n, examples, graded_as = len(issues), [issue.where for issue in issues], f"reader_{severity}"
        share = n / max(1, len(corpus))
        findings.append(graded_finding(kind, severity, message, n, share, examples, graded_as=graded_as))
    return findings


def _text_findings(corpus: Corpus) -> list[Finding]:
    without_text = [u.id for u in corpus.utterances if is_blank(u.text)]
    if not (n := len(without_text)):
        return []
    if n == len(corpus):
        return [Finding("text_missing", "note", _("No utterance has a text."), n)]
    message = _("Utterances without a text: {n}.", n=n)
    return [graded_finding("text_missing", "warning", message, n, n / len(corpus), without_text)]


def _language_findings(corpus: Corpus) -> list[Finding]:
    language = detect_language([u.text for u in corpus])
    if language in (None, ENGLISH):
        return []
    message = _(
        "The texts are in {language}, judging by their script or most frequent words. Most text encoders are "
        "English only; use a multilingual one, such as model.backbone = 'mmbert-small'.",
        language=language_name(str(language)),
    )
    return [Finding("language", "note", message, len(corpus))]


def _column_findings(leaking_columns: Sequence[LeakingColumn]) -> list[Finding]:
    findings = []
    for column in leaking_columns:
        kind, severity = "possible_label_leak", "warning"
        if column.score >= LEAKAGE_THRESHOLD:
            kind, severity = "leaks_label", "problem"
        findings.append(graded_finding(kind, severity, column.describe(), 1, column.score, [column.column]))
    return findings


def _corpus_findings(corpus: Corpus) -> list[Finding]:
    findings = []
    if corpus.test:
        message = _(
            "The labels of {n} test utterances were used for counts, contradictions and hashes only; "
            "this does not count as an evaluation on test.",
            n=len(corpus.test),
        )
        findings.append(Finding("test_labels_counted", "note", message, len(corpus.test)))
    if corpus.synthetic:
        message = _("This corpus is synthetic: its sentences are generated, not spoken by people.")
        findings.append(Finding("synthetic", "note", message, len(corpus)))
    return findings
