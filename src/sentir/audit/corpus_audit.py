"""The audit itself: the tables of a corpus, and the sentences that a person should read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sentir.audit.audio_checks import check_sound, check_speed
from sentir.audit.audio_findings import count_clips, count_sources, histograms, measure_levels
from sentir.audit.audio_scan import Hearing
from sentir.audit.counts import count_labels, count_scored, count_splits, measure_durations, measure_words
from sentir.audit.grading import grade_of
from sentir.audit.label_checks import check_labels
from sentir.audit.label_runs import find_runs
from sentir.audit.leak_checks import check_contradictions, check_leaks, check_texts
from sentir.audit.leaking_columns import Teller, find_tellers
from sentir.audit.leaks import count_leaks, count_repeats, find_contradictions, texts_of
from sentir.audit.results import SEVERITIES, Audit, Finding
from sentir.audit.text_overlap import SharedTexts, shared_texts
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.language_detection import ENGLISH, language_name, language_of
from sentir.corpus.leakage import TELLS
from sentir.corpus.utterances import Issue, Labels
from sentir.i18n import _
from sentir.recipe import DEFAULT_CLEANING

_EXAMPLES = 5
_TOLD = 3  # issues of a kind that are told one by one


@dataclass(frozen=True, slots=True)
class Measured:
    """What is computed of a corpus once, whatever language it is told in.

    Attributes:
        texts: what every two splits share.
        tellers: columns that tell a label.
    """

    texts: tuple[SharedTexts, ...]
    tellers: tuple[Teller, ...]


def measure(corpus: Corpus, cleaning: Sequence[str] = DEFAULT_CLEANING) -> Measured:
    """Compare the texts of the splits, and the columns with the labels.

    Args:
        corpus: any.
        cleaning: names of the steps that the texts of a model go through; they are compared after them too.
    """
    tellers = (teller for task in corpus.spaces for teller in find_tellers(corpus, task))
    return Measured(shared_texts(corpus, cleaning), tuple(tellers))


def audit(
    corpus: Corpus,
    hearing: Hearing | None = None,
    *,
    measured: Measured | None = None,
    known: Sequence[Finding] = (),
) -> Audit:
    """Count what a corpus holds and list its defects and leaks, in sentences of the current language.

    The test labels are read for three purposes alone, label counts, contradictions and the hashes of what is
    scored, and a finding says so; it is no opening of the test split. Examples of contradictions are taken from
    train and dev only.

    Args:
        corpus: the corpus.
        hearing: its clips, if they are to be judged; see `sentir.audit.audio_scan.hear_corpus`.
        measured: of it, if that was done before, or for another cleaning than the usual one.
        known: what else is known of it, such as test splits of others that it holds.
    """
    labels_of: dict[str, Labels] = {u.id: u.labels for u in corpus.utterances}
    labels_of |= corpus.sealed._reveal()[0]
    heard = hearing.copies if hearing else {}
    contents = {what: of for what, of in (("texts", texts_of(corpus)), ("sounds", heard)) if of}
    measured = measured or measure(corpus)
    leaks, repeats = count_leaks(corpus, contents, measured.texts), count_repeats(corpus, contents)
    contradictions, examples = find_contradictions(corpus, contents, labels_of)
    tables = (
        count_splits(corpus, labels_of),
        count_labels(corpus, labels_of),
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
        *_about_language(corpus),
        *check_labels(corpus, labels_of),
        *_about_columns(measured.tellers),
        *find_runs(corpus),
        *check_leaks(corpus, leaks, contents),
        *check_texts(corpus, measured.texts, labels_of),
        *check_contradictions(contradictions, examples),
        *check_speed(corpus, hearing),
        *(check_sound(corpus, hearing, repeats) if hearing else []),
        *_about_corpus(corpus),
        *known,
    ]
    findings = [replace(one, severity="problem") if one.grade in "DE" else one for one in findings]
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
    silent = [u.id for u in corpus.utterances if is_blank(u.text)]
    if not silent:
        return []
    if len(silent) == len(corpus):
        return [Finding("text_missing", "note", _("No utterance has a text."), len(silent))]
    message = _("Utterances without a text: {n}.", n=len(silent))
    grade = grade_of("text_missing", len(silent) / len(corpus))
    return [Finding("text_missing", "warning", message, len(silent), tuple(silent[:_EXAMPLES]), grade)]


def _about_language(corpus: Corpus) -> list[Finding]:
    language = language_of([u.text for u in corpus])
    if language in (None, ENGLISH):
        return []
    message = _(
        "The texts are in {language}, by their script or their most frequent words. Most text encoders know "
        "English alone; choose a multilingual one, such as model.backbone = 'multilingual-minilm'.",
        language=language_name(str(language)),
    )
    return [Finding("language", "note", message, len(corpus))]


def _about_columns(tellers: Sequence[Teller]) -> list[Finding]:
    findings = []
    for teller in tellers:
        kind, severity = ("tells_label", "problem") if teller.score >= TELLS else ("suspect_column", "warning")
        grade = grade_of(kind, teller.score)
        findings.append(Finding(kind, severity, teller.sentence(), 1, (teller.column,), grade))
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
