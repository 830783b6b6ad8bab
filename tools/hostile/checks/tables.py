"""Tables as CSV, TSV, JSON lines, Parquet, workbooks and saved data sets, through the reader of any table."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

from hostile.mutation import awkward_values, mutate_bytes, mutate_text, mutate_tree, to_json
from hostile.running import Attempt
from sentir.files.tables import load_rows
from sentir.readers import read_corpus
from sentir.recipe import DataSettings
from sentir.table_inspection.inspection import inspect_table

_ROWS = [
    {"id": str(n), "text": text, "emotion": emotion, "split": split, "speaker": "Ana", "audio": f"{n}.wav",
    "start": n / 2}
    for n, (text, emotion, split) in enumerate([
        ("I am happy", "joy", "train"), ('He said "no"', "anger", "train"), ("a, b\nc", "joy", "dev"),
        ("¿Qué?", "sadness", "dev"), ("so sad", "sadness", "test"), ("what;now", "anger", "test"),
    ])
]  # fmt: skip
_TOKENS = ("joy", "train", "1", '"joy"', "{}", "[1]", "../../secret.txt", "=1+1")


_XML = (
    "<c/>", "<row r='1048576'>", "<row r='99999999999'>", "t='s'", "<dimension ref='A1:XFD1048576'/>",
    "r='ZZZ9'", "<v>1e400</v>",
    "<row r='9'><c r='ZZZ9'><v>1</v></c></row>", "<si><t>x</t></si>", "t='d'", "<f>1+1</f>",
)  # fmt: skip


def prepare(home: Path) -> Attempt:
    """Return an attempt at a damaged table."""
    parquet, sheet = _parquet(_ROWS), _sheet(home / "a.xlsx")
    makers: list[tuple[str, Callable[[random.Random], bytes]]] = [
        ("a.csv", lambda rng: mutate_text(rng, _delimited(rng.choice(",;")), _TOKENS)),
        ("a.tsv", lambda rng: mutate_text(rng, _delimited("\t"), _TOKENS)),
        ("a.jsonl", _json_lines),
        ("a.parquet", lambda rng: _damaged_parquet(rng, parquet)),
        ("a.xlsx", lambda rng: _damaged_sheet(rng, sheet)),
    ]

    def attempt(rng: random.Random, folder: Path) -> str:
        name, make = rng.choices(makers, weights=(6, 3, 4, 4, 2))[0]
        path = folder / name
        path.write_bytes(make(rng))
        match rng.randrange(4):
            case 0:
                inspect_table(path)
            case 1:
                table = {"file": name, "text": "text", "label": "emotion", "split": "split", "audio": "audio"}
                read_corpus(DataSettings(reader="table", audio=rng.random() < 0.5, table=table), folder)
            case _:
                load_rows(path, issues=[], read_errors={} if rng.random() < 0.5 else None)
        return "accepted"

    return attempt


def _delimited(separator: str) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(_ROWS[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(_ROWS)
    return out.getvalue()


def _json_lines(rng: random.Random) -> bytes:
    lines = [to_json(rng, mutate_tree(rng, row) if rng.random() < 0.4 else row) for row in _ROWS]
    return b"\n".join(lines)


def _parquet(rows: list[dict[str, object]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def _damaged_parquet(rng: random.Random, content: bytes) -> bytes:
    if rng.random() < 0.5:
        tail = bytearray(content)
        at = len(content) - rng.randrange(8, min(1500, len(content)))
        tail[at] = rng.randrange(256)
        return bytes(tail) if rng.random() < 0.8 else mutate_bytes(rng, bytes(tail))
    if rng.random() < 0.5:
        return mutate_bytes(rng, content)
    if rng.random() < 0.01:  # a million long texts, or rows of nothing, in some kilobytes
        return _parquet([{"text": "a" * 10**4}] * 2 * 10**4) if rng.random() < 0.5 else _nothing()
    import pyarrow as pa

    rows = [row | {rng.choice(("emotion", "text", "start", "x")): rng.choice(awkward_values())} for row in _ROWS]
    try:
        return _parquet(rows)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):  # values that no column can hold
        return content[:100]


def _nothing() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table({"text": pa.nulls(10**7), "emotion": pa.nulls(10**7)}), out)
    return out.getvalue()


def _sheet(path: Path) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (list(_ROWS[0]), *(list(row.values()) for row in _ROWS)):
        book.active.append(row)
    book.create_sheet("other").append(["x", "=1+1"])
    book.save(path)
    return path.read_bytes()


def _damaged_sheet(rng: random.Random, content: bytes) -> bytes:
    """Return a workbook with one of its XML files changed, or damaged as a whole."""
    if rng.random() < 0.3:
        return mutate_bytes(rng, content)
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        names = source.namelist()
        changed = rng.choice(names)
        for name in names:
            file = source.read(name)
            if name == changed:
                text = file.decode()
                file = mutate_text(rng, _bomb(text) if rng.random() < 0.05 else text, _XML)
            target.writestr(name, file)
    return out.getvalue()


def _bomb(xml: str) -> str:
    """Return XML whose entities would expand to gigabytes."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 10}">' for n in range(10))
    head, _mark, rest = xml.partition("?>")
    return (
        f"{head}?><!DOCTYPE x [{entities}]>{rest.replace('<', '<', 1)}&e9;"
        if rest
        else f"<!DOCTYPE x [{entities}]>{xml}"
    )
