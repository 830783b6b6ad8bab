"""The table of a run of the benchmarks: saved as JSON, and compared with that of another machine or version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sentir.bench.timing import Row, format_seconds
from sentir.documents import TableBlock
from sentir.errors import SentirError
from sentir.i18n import _, format_decimal, localize_numbers
from sentir.io import write_text
from sentir.safe_text import json_dumps

_FORMAT = 1


@dataclass(frozen=True)
class Results:
    """What was measured, and where.

    Attributes:
        machine: facts by name.
        versions: package → version.
        rows: benchmark → its lines.
        skipped: benchmark → the extras of Sentir that it needs and that are missing.
        failed: benchmarks that ended with an error.
    """

    machine: Mapping[str, str]
    versions: Mapping[str, str]
    rows: Mapping[str, list[Row]] = field(default_factory=dict)
    skipped: Mapping[str, Sequence[str]] = field(default_factory=dict)
    failed: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the results as JSON has them."""
        return {"format": _FORMAT} | asdict(self)

    def save(self, path: Path) -> None:
        """Write the results as JSON."""
        write_text(path, f"{json_dumps(self.to_dict())}\n")

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read what `save` has written.

        Raises:
            SentirError: if the file holds no such results.
        """
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            if read.pop("format") != _FORMAT:
                raise ValueError
            rows = {name: [Row(**row) for row in lines] for name, lines in read.pop("rows").items()}
            return cls(**read, rows=rows)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SentirError(
                _(
                    "{path} does not hold results of this version of 'sentir bench'; make them with --out.",
                    path=path,
                )
            ) from error

    def seconds(self, benchmarks: Iterable[str]) -> dict[tuple[str, str], float]:
        """Return what is measured and the contender → its median time, for some benchmarks."""
        lines = [row for name in benchmarks for row in self.rows.get(name, ())]
        return {(row.what, contender): time for row in lines for contender, time in row.seconds.items()}

    def to_table(self) -> TableBlock:
        """Return the lines as a table."""
        headings = (_("what"), _("contenders"), _("ratio"), _("aim"))
        cells = [
            (row.what, localize_numbers(row.contenders), _format_ratio(row.ratio), row.aim)
            for lines in self.rows.values()
            for row in lines
        ]
        return TableBlock(headings, cells, numeric=(2,))


def compare(here: Results, there: Results) -> TableBlock:
    """Return a table of the times of all benchmarks that ran here, and how many times as long it takes here."""
    ours, theirs = (one.seconds(here.rows) for one in (here, there))
    cells = []
    for key in ours | theirs:
        a, b = ours.get(key), theirs.get(key)
        times = ("–" if one is None else localize_numbers(format_seconds(one)) for one in (a, b))
        cells.append((*key, *times, _format_ratio(a / b if a is not None and b else None)))
    return TableBlock(
        (_("what"), _("contender"), _("here"), _("there"), _("here / there")), cells, numeric=(2, 3, 4)
    )


def compare_facts(here: Results, there: Results) -> TableBlock:
    """Return a table of the facts and versions that differ."""
    ours, theirs = ({**one.machine, **one.versions} for one in (here, there))
    differing = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
    cells = [(key, ours.get(key, "–"), theirs.get(key, "–")) for key in differing]
    return TableBlock((_("differs"), _("here"), _("there")), cells, numeric=())


def _format_ratio(ratio: float | None) -> str:
    return "–" if ratio is None else format_decimal(ratio, 2 if ratio < 10 else 0)
