"""CSV files with known names: found below a root and read row by row, with issues for anything unusual.

Used by the readers of corpora published as one CSV per split.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.cells import require_unique_columns
from sentir.files.delimited import ParsedRecords, parse_delimited
from sentir.files.folders import find_by_level
from sentir.files.text_encoding import read_text
from sentir.i18n import _

_WRONG_ENCODING = re.compile("[\x80-\x9f]|â€|Ã[\xa0-\xbf]")
LocatedRow = tuple[str, Mapping[str, str]]

SYNTHETIC_MARKER = "SYNTHETIC.txt"  # a file of this name next to the tables marks a synthetic corpus


def find_csv_files(
    root: Path, names: Sequence[str], issues: list[Issue], *, search_folders: Sequence[Path] = ()
) -> list[Path]:
    """Find one file per name below ``root``, nearest first; folders of clips are not searched.

    Args:
        root: the folder given by the user.
        names: names of files.
        issues: extended by a note for each other CSV next to them or of the same name.
        search_folders: folders to search in turn, instead of ``root``.

    Returns:
        The paths in the order of ``names``.

    Raises:
        CorpusError: if ``root`` is not a folder or a file is missing.
    """
    if not search_folders and not root.is_dir():
        raise CorpusError(_("{root} is not a folder; give the folder of the corpus.", root=root))
    seen: list[Path] = []
    levels = (find_by_level(folder, lambda name: name.endswith(".csv")) for folder in search_folders or (root,))
    for level in chain.from_iterable(levels):
        seen += level
        if {path.name for path in seen} >= set(names):
            break
    chosen = {path.name: path for path in reversed(seen) if path.name in names}
    missing = [name for name in names if name not in chosen]
    if missing:
        raise CorpusError(
            _(
                "Under {root} there is no {missing}; give the folder that contains {names}.",
                root=root,
                missing=_(" and no ").join(missing),
                names=", ".join(names),
            )
        )
    folders = {path.parent for path in chosen.values()}
    for path in seen:
        if path != chosen.get(path.name) and (path.name in names or path.parent in folders):
            file = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
            message = _("{file} was ignored; the corpus consists of {names}.", file=file, names=", ".join(names))
            issues.append(Issue("file_ignored", "note", message, file))
    return [chosen[name] for name in names]


def is_synthetic(tables: Sequence[Path]) -> bool:
    """Return whether a file next to the tables marks the corpus as synthetic."""
    return any((table.parent / SYNTHETIC_MARKER).is_file() for table in tables)


def read_csv_rows(path: Path, columns: Sequence[str], issues: list[Issue]) -> list[LocatedRow]:
    """Read a file separated by commas, or by the semicolons or tabs of a spreadsheet's export.

    Issues are skipped rows with too few or too many cells, a guessed encoding, and literal quotes.

    Returns:
        The location and the cells by column of each row.

    Raises:
        CorpusError: if the file is not CSV, or has one of ``columns`` not at all or twice.
    """
    parsed = _parse_with_columns(read_text(path, issues=issues), columns)
    if parsed.error:
        line, reason = parsed.error
        raise CorpusError(
            _(
                "{file} is not valid CSV at line {line} ({reason}); "
                "download it again or save it as comma-separated UTF-8 text.",
                file=path,
                line=line,
                reason=reason,
            )
        )
    header = _header(parsed)
    _require_columns(path, columns, header)
    issues += parsed.issues(path.name)
    rows: list[LocatedRow] = []
    for cells, line in zip(parsed.records[1:], parsed.line_numbers[1:], strict=True):
        where = _("{file}, line {line}", file=path.name, line=line)
        if len(cells) == len(header):
            rows.append((where, dict(zip(header, cells, strict=True))))
        else:
            skip_row(issues, where, _("it has a different number of cells than the header"))
    return rows


def _parse_with_columns(text: str, columns: Sequence[str]) -> ParsedRecords:
    """Parse a text by the first separator that yields the columns, by commas if none does."""
    by_comma = parse_delimited(text, ",")
    others = (parse_delimited(text, separator) for separator in (";", "\t"))
    return (
        by_comma
        if set(columns) <= set(_header(by_comma))
        else next((parsed for parsed in others if set(columns) <= set(_header(parsed))), by_comma)
    )


def _header(parsed: ParsedRecords) -> list[str]:
    return [name.strip() for name in parsed.records[0]] if parsed.records else []


def _require_columns(path: Path, required: Sequence[str], present: Sequence[str]) -> None:
    missing = [name for name in required if name not in present]
    if missing:
        raise CorpusError(
            _(
                "{file} has no column {missing} (its header is: {present}); "
                "use the file as published, separated by commas.",
                file=path,
                missing=", ".join(missing),
                present=", ".join(present)[:200],
            )
        )
    require_unique_columns(path, [name for name in present if name in required])


def skip_row(issues: list[Issue], where: str, reason: str) -> None:
    """Add the issue of a skipped row; ``reason`` is a clause such as "it has no video"."""
    issues.append(Issue("row_skipped", "problem", _("Row skipped: {reason}.", reason=reason), where))


def check_text_encoding(text: str, where: str, issues: list[Issue]) -> None:
    """Add a note if a text shows signs of a wrong encoding; the text is not changed."""
    if _WRONG_ENCODING.search(text):
        message = _("The text shows signs of a wrong encoding; the cleaning step 'repair_encoding' repairs them.")
        issues.append(Issue("text_encoding", "note", message, where))
