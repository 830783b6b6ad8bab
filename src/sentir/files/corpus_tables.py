"""CSV files of known names: found under a root, read row by row, with a note for everything that is odd.

They serve every reader of a corpus whose authors publish one CSV per split.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.delimited import ParsedRecords, parse_delimited
from sentir.files.folders import find_by_level
from sentir.files.text_encoding import read_text
from sentir.i18n import _

_WRONG_ENCODING = re.compile("[\x80-\x9f]|â€|Ã[\xa0-\xbf]")
LocatedRow = tuple[str, Mapping[str, str]]

SYNTHETIC_MARKER = "SYNTHETIC.txt"  # a file of this name beside the tables says that nobody said any of it


def find_csv_files(
    root: Path, names: Sequence[str], *, search_folders: Sequence[Path] = ()
) -> tuple[list[Path], list[Issue]]:
    """Find one file per name under ``root``, the nearest first, without walking into folders of clips.

    Args:
        root: what the user named.
        names: names of files.
        search_folders: folders to look in, one after the other, if not ``root`` itself.

    Returns:
        The paths in the order of ``names``, and a note for each other CSV beside them or of the same name.

    Raises:
        CorpusError: if ``root`` is no folder or a file is missing.
    """
    if not search_folders and not root.is_dir():
        raise CorpusError(_("{root} is not a folder; give the folder that holds the corpus.", root=root))
    seen: list[Path] = []
    for level in chain.from_iterable(find_by_level(place, _is_csv) for place in search_folders or (root,)):
        seen += level
        if {path.name for path in seen} >= set(names):
            break
    chosen = {path.name: path for path in reversed(seen) if path.name in names}
    missing = [name for name in names if name not in chosen]
    if missing:
        raise CorpusError(
            _(
                "Under {root} there is no {missing}; give the folder that holds {names}.",
                root=root,
                missing=_(" and no ").join(missing),
                names=", ".join(names),
            )
        )
    folders = {path.parent for path in chosen.values()}
    ignored = [
        path for path in seen if path != chosen.get(path.name) and (path.name in names or path.parent in folders)
    ]
    return [chosen[name] for name in names], [
        _note_ignored_file(_relative_name(path, root), names) for path in ignored
    ]


def _is_csv(name: str) -> bool:
    return name.endswith(".csv")


def _relative_name(path: Path, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def is_synthetic(tables: Sequence[Path]) -> bool:
    """Say whether a file beside the tables calls the corpus synthetic."""
    return any((table.parent / SYNTHETIC_MARKER).is_file() for table in tables)


def _note_ignored_file(file: str, names: Sequence[str]) -> Issue:
    message = _("{file} was not read; the corpus is one file each of {names}.", file=file, names=", ".join(names))
    return Issue("file_ignored", "note", message, file)


def read_csv_rows(path: Path, columns: Sequence[str]) -> tuple[list[LocatedRow], list[Issue]]:
    """Read a file separated by commas, or by the semicolons or tabs that a spreadsheet wrote instead.

    Returns:
        For each row where it stands and its cells by column, and the issues: rows with too few or too many
        cells, which are left out, an encoding that was guessed, and quotes that are characters.

    Raises:
        CorpusError: if the file is no CSV, or has one of ``columns`` not at all or twice.
    """
    issues: list[Issue] = []
    parted = _parse_with_columns(read_text(path, issues=issues), columns)
    if parted.error:
        line, why = parted.error
        raise CorpusError(
            _(
                "{file} is no readable CSV at line {line} ({reason}); "
                "get the file again or save it as comma-separated UTF-8 text.",
                file=path,
                line=line,
                reason=why,
            )
        )
    header = _header(parted)
    _require_columns(path, columns, header)
    issues += parted.issues(path.name)
    rows: list[LocatedRow] = []
    for cells, line in zip(parted.records[1:], parted.line_numbers[1:], strict=True):
        where = _("{file}, line {line}", file=path.name, line=line)
        if len(cells) == len(header):
            rows.append((where, dict(zip(header, cells, strict=True))))
        else:
            issues.append(make_row_issue(where, _("it has not as many cells as the header")))
    return rows, issues


def _parse_with_columns(text: str, columns: Sequence[str]) -> ParsedRecords:
    """Part a text by the first separator that yields the columns, by commas if none does."""
    found = parse_delimited(text, ",")
    others = (parse_delimited(text, separator) for separator in (";", "\t"))
    return (
        found
        if set(columns) <= set(_header(found))
        else next((one for one in others if set(columns) <= set(_header(one))), found)
    )


def _header(parsed: ParsedRecords) -> list[str]:
    return [name.strip() for name in parsed.records[0]] if parsed.records else []


def _require_columns(path: Path, required: Sequence[str], present: Sequence[str]) -> None:
    missing = [name for name in required if name not in present]
    if missing:
        raise CorpusError(
            _(
                "{file} has no column {missing} (its first line reads: {present}); "
                "use the file as its authors published it, separated by commas.",
                file=path,
                missing=", ".join(missing),
                present=", ".join(present)[:200],
            )
        )
    if twice := [name for name in required if present.count(name) > 1]:
        raise CorpusError(_("{path} has two columns called '{name}'; rename one.", path=path, name=twice[0]))


def make_row_issue(where: str, reason: str) -> Issue:
    """Return the issue of a row that was left out; ``reason`` is a clause such as "it has no video"."""
    return Issue("row_skipped", "problem", _("The row was left out: {reason}.", reason=reason), where)


def check_text_encoding(text: str, where: str) -> list[Issue]:
    """Return a note if a text shows the marks of a wrong encoding; the text itself stays as it is."""
    if not _WRONG_ENCODING.search(text):
        return []
    message = _("The text holds marks of a wrong encoding; the cleaning step 'repair_encoding' mends them.")
    return [Issue("text_encoding", "note", message, where)]
