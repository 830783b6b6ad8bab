"""Audio and video files below a folder, each folder listed once."""

from __future__ import annotations

import os
from pathlib import Path

from sentir.audio.decoding import MEDIA_SUFFIXES
from sentir.corpus.utterances import Issue
from sentir.i18n import _, format_count


def walk_folders(root: Path) -> list[tuple[Path, list[str]]]:
    """Return every folder at or below ``root`` with the names of its files, nearest first, then by name.

    Links are followed, each folder once. Hidden, ``__MACOSX`` and unreadable folders are skipped.
    """
    listed: list[tuple[int, Path, list[str]]] = []
    visited: set[str] = set()
    for folder, subfolders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:
            subfolders.clear()
            continue
        visited.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and name != "__MACOSX")
        listed.append((len(Path(folder).relative_to(root).parts), Path(folder), sorted(files)))
    return [(folder, files) for _level, folder, files in sorted(listed)]


def is_media_file(name: str | Path) -> bool:
    """Return whether a name is that of an audio or video file; AppleDouble ``._*`` files are not."""
    name = Path(name)
    return name.suffix.lower() in MEDIA_SUFFIXES and not name.name.startswith("._")


def note_unused_files(n: int, root: Path, issues: list[Issue]) -> None:
    """Add a note if ``n`` clips below ``root`` are not used."""
    if n:
        message = _(
            "Audio files not referenced by any utterance, or duplicates of a clip: {n}; ignored.",
            n=format_count(n),
        )
        issues.append(Issue("clips_unreferenced", "note", message, root.name))
