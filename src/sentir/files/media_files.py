"""Finding clips: the files of every folder below a root, each folder listed once."""

from __future__ import annotations

import os
from pathlib import Path

from sentir.audio.decoding import MEDIA_SUFFIXES
from sentir.corpus.utterances import Issue
from sentir.i18n import _, format_count


def walk_folders(root: Path) -> list[tuple[Path, list[str]]]:
    """Return every folder at or below ``root`` with the names of its files, the nearest first, then by name.

    Links are followed, each folder once. Hidden folders and ``__MACOSX`` are passed over, as is what may not be
    looked at.
    """
    found: list[tuple[int, Path, list[str]]] = []
    seen: set[str] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        found.append((len(Path(place).relative_to(root).parts), Path(place), sorted(files)))
    return [(place, files) for _level, place, files in sorted(found)]


def is_media_file(name: str | Path) -> bool:
    """Return whether a name is that of a sound or video file; AppleDouble ``._*`` files are none."""
    name = Path(name)
    return name.suffix.lower() in MEDIA_SUFFIXES and not name.name.startswith("._")


def note_unused_files(n: int, root: Path) -> list[Issue]:
    """Return a note if ``n`` files among the clips under ``root`` were not taken."""
    if not n:
        return []
    message = _(
        "Files among the clips that belong to no utterance, or repeat a clip: {n}; ignored.", n=format_count(n)
    )
    return [Issue("clips_unreferenced", "note", message, root.name)]
