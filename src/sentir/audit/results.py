"""Results of an audit: tables of counts, histograms, findings in plain sentences, and a grade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sentir.i18n import _
from sentir.repr_mixin import ReprMixin

AuditCell = str | int | float | None
AuditRow = Mapping[str, AuditCell]

GRADES = "ABCDE"
SEVERITIES = ("problem", "warning", "note")


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
