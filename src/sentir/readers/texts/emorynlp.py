"""EmoryNLP: seven emotions of the Feeling Wheel in dialogues of *Friends*.

Format, official split by episode and counts: https://github.com/emorynlp/emotion-detection; its README says
itself that annotators agree little. Every scene is a dialogue. "Peaceful" and "powerful" have no counterpart
among Sentir's labels and stay classes of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Issue, Utterance
from sentir.errors import CorpusError
from sentir.files.cells import to_cell
from sentir.files.corpus_tables import skip_row
from sentir.files.text_encoding import read_text
from sentir.i18n import _
from sentir.readers.counts import check_counts
from sentir.readers.texts.files import find_files
from sentir.recipe import DataSettings

PUBLISHED_COUNTS = {"train": 9934, "dev": 1344, "test": 1328}
FILES = {
    "train": "emotion-detection-trn.json",
    "dev": "emotion-detection-dev.json",
    "test": "emotion-detection-tst.json",
}
_LABELS = {
    "joyful": "joy",
    "mad": "anger",
    "neutral": "neutral",
    "peaceful": "peaceful",
    "powerful": "powerful",
    "sad": "sadness",
    "scared": "fear",
}


def read(root: Path, data: DataSettings) -> Corpus:
    """Read the three JSON files of the release.

    Args:
        root: folder at or above the files, or an archive with them.
        data: the recipe's section; there is no audio.

    Raises:
        CorpusError: if a file is missing or is not as published.
    """
    issues: list[Issue] = []
    paths = find_files(root, list(FILES.values()))
    utterances = [u for split, path in zip(FILES, paths, strict=True) for u in _read_split(path, split, issues)]
    space = SingleLabelSpace("emotion", tuple(sorted(_LABELS.values())))
    issues += check_counts(utterances, PUBLISHED_COUNTS, "emotion-detection {}")
    episodes = {u.id: u.id.split("/")[2].rpartition("_")[0] for u in utterances}
    return Corpus.build("emorynlp", utterances, [space], issues=issues, groups={"episode": episodes})


def _read_split(path: Path, split: str, issues: list[Issue]) -> Iterator[Utterance]:
    try:
        episodes: list[dict[str, Any]] = json.loads(read_text(path))["episodes"]
        scenes = [(scene["scene_id"], scene["utterances"]) for one in episodes for scene in one["scenes"]]
        rows = [(scene, turn, *_parse(row)) for scene, turns in scenes for turn, row in enumerate(turns)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorpusError(
            _("{path} is not a file of EmoryNLP as published ({why}); get it again.", path=path, why=error)
        ) from error
    for scene, turn, name, speaker, text, label in rows:
        key = f"emorynlp/{split}/{scene}/{name}"
        if is_blank(text):
            skip_row(issues, key, _("it has no text"))
            continue
        if label not in _LABELS:
            message = _("'{label}' is not a label of the corpus; kept without labels.", label=label)
            issues.append(Issue("label_unknown", "problem", message, key))
        yield Utterance(
            id=key,
            split=split,
            dialogue=f"emorynlp/{split}/{scene}",
            turn=turn,
            speaker=speaker or None,
            text=text,
            labels={"emotion": (_LABELS[label],)} if label in _LABELS else {},
        )


def _parse(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return name, speakers, text and label of a row; raises one of the errors that `_read_split` knows."""
    name, text, label = (to_cell(row[key]) for key in ("utterance_id", "transcript", "emotion"))
    return name.rpartition("_")[2], " + ".join(row["speakers"]), text, label.strip().casefold()
