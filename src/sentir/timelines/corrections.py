"""A file of corrected annotations → a corpus table, with a row per turn that ``sentir corpus init`` takes."""

from __future__ import annotations

import csv
from pathlib import Path

from sentir.errors import TimelineError
from sentir.files.media_files import is_media_file, walk_folders
from sentir.i18n import _
from sentir.io import atomic_write, prepare_output_path, write_errors
from sentir.logs import logger
from sentir.paths import make_relative
from sentir.timelines.document import Turn
from sentir.timelines.formats import read_all_turns

_COLUMNS = ("id", "dialogue", "speaker", "text", "label", "audio", "start", "end")


def write_corpus_table(annotations: Path, out: Path) -> int:
    """Write the labeled turns of an annotation file as a CSV table of a corpus, and return how many there are.

    Turns without a label are left out, and counted in a warning. Several labels are joined by ``|``.

    Args:
        annotations: a file of a format that is read, such as a corrected ``.eaf`` or Label Studio's ``.json``.
        out: the table; the paths of recordings in it are relative to its folder. Recordings are looked for in the
            folder of the annotations; without one, the cells ``audio``, ``start`` and ``end`` are empty.

    Raises:
        TimelineError: if no turn has a label, or the file cannot be read.
        SentirError: if the table cannot be written.
    """
    rows, unlabeled = [], 0
    recordings = _find_recordings(annotations.parent)
    for recording, turns in read_all_turns(annotations).items():
        key = Path(recording or annotations.name.partition(".")[0]).stem
        found = recordings.get(key)
        clip = "" if found is None else make_relative(found, out.parent)
        labeled = [turn for turn in turns if turn.labels]
        unlabeled += len(turns) - len(labeled)
        rows += [_row(turn, key, n, clip) for n, turn in enumerate(labeled, start=1)]
    if not rows:
        raise TimelineError(_("None of the turns has a label."))
    if unlabeled:
        logger.warning(_("Turns without a label, left out: {n}.", n=unlabeled))
    prepare_output_path(out)
    if out.exists():
        raise TimelineError(_("{path} exists; move it away, or give it instead of the annotations.", path=out))
    with write_errors(out), atomic_write(out) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(rows)
    return len(rows)


def _find_recordings(folder: Path) -> dict[str, Path]:
    """Return name without suffix → media file at or below a folder, the nearest first."""
    found: dict[str, Path] = {}
    for place, names in walk_folders(folder):
        for name in names:
            if is_media_file(name):
                found.setdefault(Path(name).stem, place / name)
    return found


def _row(turn: Turn, dialogue: str, n: int, clip: str) -> tuple[object, ...]:
    times = (turn.start, turn.end) if clip else ("", "")
    label = "|".join(turn.labels)
    return (f"{dialogue}-{n}", dialogue, turn.speaker or "", turn.text or "", label, clip, *times)
