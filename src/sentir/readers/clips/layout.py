"""What is known of a corpus whose clips are described by their file names, and its reader.

Its utterances have no text: the actors say the same few sentences in every emotion, or words that reveal it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.errors import CorpusError
from sentir.files.folders import find_newest_version
from sentir.files.media_files import is_media_file, note_unused_files, walk_folders
from sentir.files.splits import split_of_group
from sentir.i18n import _
from sentir.readers.counts import check_total
from sentir.readers.defects import apply_defects, load_defects
from sentir.recipe import DataSettings

FRACTIONS = {"train": 0.7, "dev": 0.15, "test": 0.15}

Fields = Mapping[str, str]
"""Group of the pattern → its value in a file name."""


@dataclass(frozen=True, slots=True)
class ClipLayout:
    """The file names of a corpus and what they mean.

    Attributes:
        name: of its reader and the first part of every id.
        pattern: of a clip's name without suffix, or of its folder's name, a slash, and its name. Its group
            ``emotion`` is the code of the label, and ``speaker`` that of the speaker, where names have one.
        example: of a file name, for messages.
        emotions: code → label.
        unit: the group whose values are kept within one split and one fold.
        dev, test: values of the unit; all others are train. If there are none, the split is random by ``seed``.
        seed: with which the split by hash is nearest to `FRACTIONS`.
        speakers: code → speaker, where they differ.
        slices: kind → group of the pattern and code → value.
        folds: published values of the unit in each fold, for ``data.folds.column = "fold"``.
        published: number of clips according to the authors.
        has_defects: whether there is a file of known defects.
    """

    name: str
    pattern: re.Pattern[str]
    example: str
    emotions: Mapping[str, str]
    published: int
    unit: str = "speaker"
    dev: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    seed: int = 0
    speakers: Mapping[str, str] = field(default_factory=dict)
    slices: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    folds: tuple[tuple[str, ...], ...] = ()
    has_defects: bool = False

    def match(self, path: Path) -> re.Match[str] | None:
        """Return the match of a clip's name; ``None`` if it is not one of this corpus."""
        if not is_media_file(path):
            return None
        return self.pattern.fullmatch(path.stem) or self.pattern.fullmatch(f"{path.parent.name}/{path.stem}")

    def split(self, fields: Fields) -> str:
        """Return the split of a clip."""
        unit = self.unit_name(fields)
        if not self.test:
            return split_of_group(unit, FRACTIONS, self.seed)
        return "test" if unit in self.test else "dev" if unit in self.dev else "train"

    def unit_name(self, fields: Fields) -> str:
        """Return the name of what is kept within one split: a speaker, or else the value of another group."""
        value = fields[self.unit]
        return self.speakers.get(value, value) if self.unit == "speaker" else value


def read_clips(
    layout: ClipLayout,
    root: Path,
    data: DataSettings,
    *,
    annotate: Callable[[Utterance], Utterance] | None = None,
    genders: Mapping[str, str] | None = None,
) -> Corpus:
    """Read the clips of a corpus, wherever they are below a folder; a second copy of a clip is ignored.

    The clips are attached whether or not ``data.audio`` is set, since there is nothing else. With ``data.folds``
    all clips are train, and their published folds are the column ``fold``.

    Args:
        layout: of the corpus.
        root: folder at or above the clips.
        data: the recipe's section.
        annotate: changes labels and scores of an utterance, from a table of the corpus.
        genders: speaker → gender, if a table of the corpus has it.

    Raises:
        CorpusError: if there is no clip of the corpus.
    """
    issues: list[Issue] = []
    clips = sorted(find_clips(layout, root, issues).items())
    utterances = [_make_utterance(layout, key, path, fields, data) for key, (path, fields) in clips]
    units = {key: layout.unit_name(fields) for key, (_path, fields) in clips}
    slices = {
        kind: {key: values[fields[group]] for key, (_path, fields) in clips}
        for kind, (group, values) in layout.slices.items()
    }
    if genders:
        slices["gender"] = {u.id: genders[u.speaker] for u in utterances if u.speaker and u.speaker in genders}
    if data.folds is not None and layout.folds:
        fold_of = {unit: str(n) for n, fold in enumerate(layout.folds, start=1) for unit in fold}
        slices["fold"] = {key: fold_of[unit] for key, unit in units.items()}
    issues += check_total(len(utterances), layout.published, root.name)
    corpus = Corpus.build(
        layout.name,
        map(annotate, utterances) if annotate else utterances,
        [SingleLabelSpace("emotion", tuple(sorted(set(layout.emotions.values()))))],
        issues=issues,
        groups={layout.unit: units},
        slices=slices,
    )
    return apply_defects(corpus, load_defects(layout.name)) if layout.has_defects else corpus


def _make_utterance(layout: ClipLayout, key: str, path: Path, fields: Fields, data: DataSettings) -> Utterance:
    speaker = fields.get("speaker")
    return Utterance(
        id=key,
        split="train" if data.folds is not None else layout.split(fields),
        dialogue=key,
        speaker=layout.speakers.get(speaker, speaker) if speaker else None,
        clip=Clip(path),
        labels={"emotion": (layout.emotions[fields["emotion"]],)},
    )


def find_clips(layout: ClipLayout, root: Path, issues: list[Issue]) -> dict[str, tuple[Path, Fields]]:
    """Return id → path and fields of each clip; a note counts other media files.

    Raises:
        CorpusError: if there is none.
    """
    clips: dict[str, tuple[Path, Fields]] = {}
    num_files = 0
    for folder, files in walk_folders(find_newest_version(root)):
        for path in (folder / name for name in files):
            num_files += is_media_file(path)
            if match := layout.match(path):
                clips.setdefault(f"{layout.name}/{match[0].replace('/', '_')}", (path, match.groupdict()))
    if not clips:
        raise CorpusError(
            _("Under {root} there are no clips of {corpus}, whose names are like {example}; give the folder that "
              "contains them.",
              root=root, corpus=layout.name, example=layout.example)
        )  # fmt: skip
    note_unused_files(num_files - len(clips), root, issues)
    return clips
