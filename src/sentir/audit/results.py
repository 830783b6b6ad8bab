"""What an audit says: tables of counts, histograms, findings in plain sentences, and a grade."""

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
    """Counts to print.

    Attributes:
        key: stable name of the table, its key in JSON.
        title: what it shows, in the current language.
        columns: key of a cell → heading in the current language, in order.
        rows: cells by key; keys that end in ``share`` are fractions, ``None`` is unknown.
    """

    key: str
    title: str
    columns: Mapping[str, str]
    rows: tuple[AuditRow, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How a measure is spread over the utterances of each split.

    Attributes:
        key: ``durations``, ``speech_rates`` or ``levels``.
        title: what is measured, in the current language.
        unit: of the edges, in the current language.
        edges: N + 1 limits of N bins; what lies beyond the last one counts in the last bin.
        counts: split → N counts.
    """

    key: str
    title: str
    unit: str
    edges: tuple[float, ...]
    counts: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing a person should know about a corpus.

    Attributes:
        kind: a short stable key, such as ``"row_unusable"``.
        severity: ``note`` (handled; it never costs a grade), ``warning`` (inherent, know it) or ``problem``
            (something was lost, or costs the corpus a D or E).
        message: one sentence in the current language.
        count: how often it occurs.
        examples: up to five utterance ids, or files and lines.
        grade: the best grade that a corpus with it can have, ``A`` to ``E``.
    """

    kind: str
    severity: str
    message: str
    count: int
    examples: tuple[str, ...] = ()
    grade: str = "A"


@dataclass(frozen=True, slots=True, repr=False)
class AuditReport(ReprMixin):
    """The health of a corpus.

    Attributes:
        fingerprint: that of the corpus.
        tables: counts by key; those about clips only where they were listened to.
        findings: problems first, then warnings, then notes; what costs most comes first.
        histograms: of what was measured.
    """

    corpus: str
    synthetic: bool
    fingerprint: str
    tables: tuple[AuditTable, ...]
    findings: tuple[Finding, ...]
    histograms: tuple[Histogram, ...] = ()

    @property
    def problem_count(self) -> int:
        """The occurrences of all findings of severity ``problem``."""
        return sum(finding.count for finding in self.findings if finding.severity == "problem")

    @property
    def grade(self) -> str:
        """The grade, ``A`` to ``E``: that of the worst finding."""
        return max((finding.grade for finding in self.findings), default="A")

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """The findings that cost the corpus its ``A``, the worst first."""
        costly = [finding for finding in self.findings if finding.grade != "A"]
        return tuple(sorted(costly, key=lambda finding: finding.grade, reverse=True))

    def table(self, key: str) -> AuditTable:
        """Return the table called ``key``.

        Raises:
            KeyError: if there is none.
        """
        return {table.key: table for table in self.tables}[key]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values; tables become lists of rows by their key."""
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
    """Return what a grade says, one sentence in the current language."""
    meanings = {
        "A": _("Nothing was found that would mislead."),
        "B": _("Sound, with small blemishes."),
        "C": _("Usable by those who know what follows."),
        "D": _("Results on it would mislead; repair it first."),
        "E": _("Do not train on it before it is repaired."),
    }
    return meanings[grade]
