"""What an audit says: tables of counts and findings in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Cell = str | int | float | None
Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
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
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing a person should know about a corpus.

    Attributes:
        kind: a short stable key, such as ``"row_unusable"``.
        severity: ``note`` (handled), ``warning`` (inherent, know it) or ``problem`` (something was lost).
        message: one sentence in the current language.
        count: how often it occurs.
        examples: up to five utterance ids, or files and lines.
    """

    kind: str
    severity: str
    message: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """The health of a corpus.

    Attributes:
        fingerprint: that of the corpus.
        tables: ``splits``, ``labels``, ``words``, ``durations``, ``repeats``, ``leaks`` and ``contradictions``.
        findings: problems first, then warnings, then notes.
    """

    corpus: str
    synthetic: bool
    fingerprint: str
    tables: tuple[Table, ...]
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> int:
        """How many things were lost: the occurrences of all findings of severity ``problem``."""
        return sum(finding.count for finding in self.findings if finding.severity == "problem")

    def table(self, key: str) -> Table:
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
            "problems": self.problems,
            "tables": {table.key: [dict(row) for row in table.rows] for table in self.tables},
            "findings": [asdict(finding) | {"examples": list(finding.examples)} for finding in self.findings],
        }
