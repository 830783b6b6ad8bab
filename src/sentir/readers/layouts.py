"""Which reader a folder is for, by the names of its files."""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice
from pathlib import Path

from sentir.files.folders import find_by_level, find_newest_version
from sentir.files.media_files import is_media_file, walk_folders
from sentir.readers.clips import cremad, emodb, mesd, ravdess, savee, tess

_TABLES = {
    "emorynlp": {"emotion-detection-trn.json", "emotion-detection-dev.json", "emotion-detection-tst.json"},
    "dailydialog": {"dialogues_train.txt", "dialogues_emotion_train.txt"},
    "goemotions": {"train.tsv", "dev.tsv", "test.tsv", "emotions.txt"},
    "mmeld": {"mmeld_es_train.csv", "mmeld_es_dev.csv", "mmeld_es_test.csv"},
}
_ARCHIVES = {"ijcnlp_dailydialog.zip": "dailydialog", "mmeld_data.zip": "mmeld"}
_CLIPS = tuple(module.LAYOUT for module in (ravdess, cremad, emodb, mesd, tess, savee))
_IEMOCAP_FOLDER = "Session1/dialog/EmoEvaluation"
_MAX_CLIPS = 500  # clips whose names are looked at


def recognize_layout(root: Path) -> str | None:
    """Return the name of the reader of a published corpus at or below a folder; ``None`` if it is not known.

    Args:
        root: a folder.
    """
    folder = find_newest_version(root)
    if any(chain.from_iterable(folder.glob(f"{parents}{_IEMOCAP_FOLDER}") for parents in ("", "*/", "*/*/"))):
        return "iemocap"
    wanted = set(_ARCHIVES).union(*_TABLES.values())
    names = {path.name for path in chain.from_iterable(find_by_level(folder, wanted.__contains__))}
    if known := next((reader for reader, own in _TABLES.items() if own <= names), None):
        return known
    if archive := next((name for name in _ARCHIVES if name in names), None):
        return _ARCHIVES[archive]
    clips = (parent / name for parent, files in walk_folders(folder) for name in files if is_media_file(name))
    looked_at = list(islice(clips, _MAX_CLIPS))
    matches = Counter(layout.name for path in looked_at for layout in _CLIPS if layout.match(path))
    name, n = matches.most_common(1)[0] if matches else (None, 0)
    return name if 2 * n > len(looked_at) else None
