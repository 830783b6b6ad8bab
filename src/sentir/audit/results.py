"""Results of an audit: tables of counts, histograms, findings in plain sentences, and a grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sentir.i18n import _
from sentir.repr_mixin import ReprMixin

AuditCell = str | int | float | None
AuditRow = Mapping[str, AuditCell]

SEVERITIES = ("problem", "warning", "note")
_MAX_EXAMPLES = 5
_GRADE_LIMITS: Mapping[str, Mapping[str, float]] = {  # kind → grade → lower limit of the share
    "unusable": {"B": 0, "C": 0.01, "D": 0.05, "E": 0.2},
    "reader_problem": {"B": 0, "C": 0.01, "D": 0.05, "E": 0.2},
    "reader_warning": {"B": 0},
    "reader_note": {},
    "text_missing": {"B": 0, "C": 0.01, "D": 0.05, "E": 0.2},
    "unlabeled": {"B": 0, "C": 0.1, "D": 0.5},
    "label_rare": {"C": 0},
    "label_absent": {"D": 0},
    "label_everywhere": {"D": 0},
    "one_class": {"E": 0},
    "split_missing": {"C": 0},
    "speakers": {"B": 0, "C": 0.5},
    "group": {"B": 0, "C": 0.5},
    "duplicates": {"B": 0.01, "C": 0.05, "D": 0.2, "E": 0.5},
    "clips": {"C": 0, "D": 0.01, "E": 0.1},
    "contradictory_texts": {"B": 0.01, "C": 0.25},
    "contradictory_clips": {"B": 0, "C": 0.005, "D": 0.05},
    "duplicate_clips": {"B": 0, "C": 0.02, "D": 0.2},
    "leaks_label": {"E": 0},
    "test_contamination": {"D": 0.5},
    "possible_label_leak": {"C": 0},
    "labels_in_runs": {"C": 0},
    "speech_too_fast": {"B": 0, "C": 0.02, "D": 0.1},
    "clips_short": {"B": 0, "C": 0.02, "D": 0.1},
    "clips_long": {"B": 0, "C": 0.01, "D": 0.1},
    "decoding_note": {},
    "clips_incomplete": {"B": 0, "C": 0.01, "D": 0.1},
    "clips_duration_mismatch": {"B": 0, "C": 0.1, "D": 0.3},
    "clips_clipped": {"B": 0.05, "C": 0.5},
    "clips_silent": {"B": 0, "C": 0.01, "D": 0.05},
    "clips_quiet": {"B": 0.01, "C": 0.2},
}


@dataclass(frozen=True, slots=True)
class AuditTable:
    """A table of counts.

    Attributes:
        key: stable name of the table, its key in JSON.
        title: in the current language.
        columns: key of a column → heading in the current language, in order.
        rows: cells by column; columns that end in ``share`` are fractions, ``None`` is unknown.
    """

    key: str
    title: str
    columns: Mapping[str, str]
    rows: tuple[AuditRow, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """The distribution of a measure over the utterances of each split.

    Attributes:
        key: ``durations``, ``speech_rates`` or ``levels``.
        title: the measure, in the current language.
        unit: of the edges, in the current language.
        edges: N + 1 edges of N bins; larger values count in the last bin.
        counts: split → N counts.
    """

    key: str
    title: str
    unit: str
    edges: tuple[float, ...]
    counts: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of defect or property of a corpus.

    Attributes:
        kind: a short stable key, such as ``"row_skipped"``.
        severity: ``note`` (never lowers the grade), ``warning`` (inherent in the corpus) or ``problem`` (data
            were lost, or the grade is D or E).
        message: one sentence in the current language.
        count: number of occurrences.
        examples: up to five utterance ids, or files and lines.
        grade: the best grade of a corpus with this finding, ``A`` to ``E``.
    """

    kind: str
    severity: str
    message: str
    count: int
    examples: tuple[str, ...] = ()
    grade: str = "A"


def graded_finding(
    kind: str,
    severity: str,
    message: str,
    count: int,
    share: float = 1.0,
    examples: Sequence[str] = (),
    *,
    graded_as: str = "",
) -> Finding:
    """Return a finding with the first of its examples, and the grade of its kind for a share of the corpus.

    Args:
        kind, severity, message, count: see `Finding`.
        share: of the utterances that it concerns.
        examples: of any number.
        graded_as: the kind that it is graded as, if not ``kind``.
    """
    limits = _GRADE_LIMITS[graded_as or kind]
    grade = max((grade for grade, limit in limits.items() if share > limit), default="A")
    return Finding(kind, severity, message, count, tuple(examples[:_MAX_EXAMPLES]), grade)


def fraction(part: int, total: int) -> float:
    """Return the rounded share of a table's column."""
    return round(part / total, 4) if total else 0.0


@dataclass(frozen=True, slots=True, repr=False)
class AuditReport(ReprMixin):
    """The result of an audit.

    Attributes:
        fingerprint: of the corpus.
        tables: counts; tables of clips only if they were scanned.
        findings: problems first, then warnings, then notes; worst grades first.
        histograms: of durations, speech rates and levels, where known.
    """

    corpus: str
    synthetic: bool
    fingerprint: str
    tables: tuple[AuditTable, ...]
    findings: tuple[Finding, ...]
    histograms: tuple[Histogram, ...] = ()

    @property
    def problem_count(self) -> int:
        """The number of occurrences of all findings of severity ``problem``."""
        return sum(finding.count for finding in self.findings if finding.severity == "problem")

    @property
    def grade(self) -> str:
        """The grade of the worst finding, ``A`` to ``E``."""
        return max((finding.grade for finding in self.findings), default="A")

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """The findings that lower the grade, worst first."""
        lowering = [finding for finding in self.findings if finding.grade != "A"]
        return tuple(sorted(lowering, key=lambda finding: finding.grade, reverse=True))

    def table(self, key: str) -> AuditTable:
        """Return the table called ``key``.

        Raises:
            KeyError: if there is none.
        """
        return {table.key: table for table in self.tables}[key]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; tables are lists of rows by key."""
        return {
            "corpus": self.corpus,
            "synthetic": self.synthetic,
            "fingerprint": self.fingerprint,
            "grade": self.grade,
            "reasons": [{"grade": f.grade, "kind": f.kind, "message": f.message} for f in self.reasons],
            "problem_count": self.problem_count,
            "tables": {table.key: [dict(row) for row in table.rows] for table in self.tables},
            "histograms": {
                h.key: {"edges": list(h.edges), "counts": {k: list(v) for k, v in h.counts.items()}}
                for h in self.histograms
            },
            "findings": [asdict(finding) | {"examples": list(finding.examples)} for finding in self.findings],
        }


def describe_grade(grade: str) -> str:
    """Return the meaning of a grade, one sentence in the current language."""
    meanings = {
        "A": _("No defects that would distort results."),
        "B": _("Good, with minor defects."),
        "C": _("Usable if you take the following into account."),
        "D": _("Results would be misleading; repair it first."),
        "E": _("Repair it before training."),
    }
    return meanings[grade]
