"""The thesis' own spectrograms, ``final_specs/meld_train/dia0_utt0.npy``, joined with their texts.

They have no labels: these come from a tree of MELD or CMU-MOSEI, joined by id. ``meld_test`` was cut from clips
of MELD's official train split, and stays in train. Augmented copies (``augmented_specs_*``, ``…_aug_…``) are
ignored: an utterance is one row, and training does its own augmentation.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import SPLITS, Clip, Issue, Utterance
from sentir.errors import CorpusError
from sentir.files.folders import find_by_level, find_newest_version
from sentir.files.media_files import note_unused_files, walk_folders
from sentir.files.splits import parse_split
from sentir.i18n import _, format_count
from sentir.readers.meld import reader as meld
from sentir.readers.mosei import reader as mosei
from sentir.readers.mosei.segments import Interval, is_interval_of
from sentir.recipe import DataSettings, FinalSpecsSettings

SPEC_FOLDER = re.compile(r"(meld|mosei)_(train|dev|val|test)")
_MELD_NAME = re.compile(r"(dia\d+)_(utt\d+)(?:\.\w+)?\.npy", re.IGNORECASE)
_MOSEI_NAME = re.compile(r"(.+)_(-?\d+(?:\.\d+)?)_(-?\d+(?:\.\d+)?)(?:\.\w+)?\.npy", re.IGNORECASE)
_TIME_SPAN = re.compile(r"(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)")
_OFFICIAL_SPLITS = {"meld_test": "train"}  # of folders that are not part of the split in their name
MARKER_FILES = {
    "meld": {"train_sent_emo.csv"},
    "mosei": {"Data_Train_modified.csv", "CMU_MOSEI_Labels.csd", "label.csv"},
}
_READERS: Mapping[str, Callable[[Path, DataSettings], Corpus]] = {"meld": meld.read, "mosei": mosei.read}

SpecFile = tuple[str, Path]  # the folder named after its split, and the file


def read(root: Path, data: DataSettings) -> Corpus:
    """Read MELD or CMU-MOSEI with the thesis' spectrograms as its clips, for models with ``mel = "thesis"``.

    Every utterance of the text tree is kept in its official split; one without a spectrogram, or whose clip is
    known to be wrong, has no clip.

    Args:
        root: folder at or above the spectrograms.
        data: the recipe's section. ``final_specs.text_root`` is the tree of texts, by default under ``root``, or
            beside it if ``root`` is ``final_specs`` itself. Without ``audio`` only the texts are read.

    Raises:
        CorpusError: if there are no texts, those of both corpora, or no spectrograms of them.
    """
    name, folder = _find_texts(root, data.settings_of(FinalSpecsSettings).text_root)
    corpus = _READERS[name](folder, data.model_copy(update={"audio": False}))
    if not data.audio:
        return corpus
    specs, num_copies = _find_specs(root, name)
    if not specs:
        raise CorpusError(
            _(
                "There are no spectrograms of {corpus} under {root}; give the folder that contains {folder}.",
                root=root,
                corpus=name,
                folder=f"final_specs/{name}_train",
            )
        )
    id_of = _meld_id if name == "meld" else _make_mosei_id_lookup(corpus.utterances)
    clips, moved = _match_specs(specs, corpus, id_of)
    num_unused = len(specs) - len(clips)
    wrong = {issue.where for issue in corpus.issues if issue.kind == "clip_mismatched"}
    clips = {key: path for key, path in clips.items() if key not in wrong}
    message = _(
        "Recognized: the thesis' spectrograms of {corpus}; used: {n}.", corpus=name, n=format_count(len(clips))
    )
    issues = [
        Issue("layout_recognized", "note", message, root.name),
        *corpus.issues,
        *_moved_split_issues(moved),
        *_missing_spec_issues(corpus, clips.keys() | wrong),
    ]
    if num_copies:
        message = _("Augmented copies of spectrograms, ignored: {n}.", n=format_count(num_copies))
        issues.append(Issue("augmented_copies_ignored", "note", message, root.name))
    note_unused_files(num_unused, root, issues)
    rows = [replace(u, clip=Clip(clips[u.id]) if u.id in clips else None) for u in corpus.utterances]
    return replace(corpus, utterances=tuple(rows), issues=tuple(issues))


def _find_texts(root: Path, text_root: Path | None) -> tuple[str, Path]:
    default_folders = (root, root.parent) if root.name == "final_specs" else (root,)
    for folder in default_folders if text_root is None else (text_root,):
        markers = set().union(*MARKER_FILES.values())
        levels = find_by_level(find_newest_version(folder), markers.__contains__)
        files = {path.name for level in levels for path in level}
        corpora = [name for name, own in MARKER_FILES.items() if files & own]
        if len(corpora) > 1:
            raise CorpusError(
                _(
                    "There are texts of MELD and of CMU-MOSEI under {root}; select one of them with "
                    "'data.final_specs.text_root'.",
                    root=folder,
                )
            )
        if corpora:
            return corpora[0], folder
    raise CorpusError(
        _(
            "There are no texts and labels of MELD or CMU-MOSEI under {root}; set their folder as "
            "'data.final_specs.text_root'.",
            root=text_root or root,
        )
    )


def _find_specs(root: Path, name: str) -> tuple[list[SpecFile], int]:
    """Return the spectrograms of a corpus, those of ``test`` last, and the number of augmented copies."""
    specs: list[SpecFile] = []
    num_copies = 0
    for folder, files in walk_folders(root):
        arrays = [file for file in files if file.lower().endswith(".npy") and not file.startswith("._")]
        parts = [root.name, *folder.relative_to(root).parts]
        if any(part.startswith("augmented_specs") for part in parts):
            num_copies += len(arrays)
            continue
        split_folder = next((part for part in reversed(parts) if SPEC_FOLDER.fullmatch(part)), "")
        if not split_folder.startswith(f"{name}_"):
            continue
        originals = [file for file in arrays if "_aug_" not in file]
        num_copies += len(arrays) - len(originals)
        specs += [(split_folder, folder / file) for file in originals]
    return sorted(specs, key=lambda spec: SPLITS.index(_split_of(spec[0]))), num_copies


def _split_of(folder: str) -> str:
    """Return the split in a folder's name."""
    return str(parse_split(folder.partition("_")[2]))


def _match_specs(
    specs: Sequence[SpecFile], corpus: Corpus, id_of: Callable[[SpecFile], str | None]
) -> tuple[dict[str, Path], Counter[tuple[str, str]]]:
    """Return id → spectrogram, and (folder, official split) → how many of the folder are of another split."""
    clips: dict[str, Path] = {}
    moved: Counter[tuple[str, str]] = Counter()
    for spec in specs:
        key = id_of(spec)
        if key is None or key in clips or key not in corpus.by_id:
            continue
        clips[key] = spec[1]
        official = corpus.by_id[key].split
        if official != _split_of(spec[0]):
            moved[spec[0], official] += 1
    return clips, moved


def _meld_id(spec: SpecFile) -> str | None:
    folder, path = spec
    match = _MELD_NAME.fullmatch(path.name)
    return f"meld/{_OFFICIAL_SPLITS.get(folder, _split_of(folder))}/{match[1]}/{match[2]}" if match else None


def _make_mosei_id_lookup(utterances: Sequence[Utterance]) -> Callable[[SpecFile], str | None]:
    segments: dict[str, list[tuple[Interval, str]]] = defaultdict(list)
    for u in utterances:
        if match := _TIME_SPAN.fullmatch(u.id.rpartition("/")[2]):
            segments[u.dialogue.rpartition("/")[2]].append(((float(match[1]), float(match[2])), u.id))

    def id_of(spec: SpecFile) -> str | None:
        if not (match := _MOSEI_NAME.fullmatch(spec[1].name)):
            return None
        named = float(match[2]), float(match[3])
        return next((key for times, key in segments[match[1]] if is_interval_of(times, named)), None)

    return id_of


def _moved_split_issues(moved: Mapping[tuple[str, str], int]) -> Iterator[Issue]:
    for (folder, official), n in moved.items():
        message = _(
            "Spectrograms in {folder} of clips from the official {split} split: {n}. They stay in that split, so "
            "the thesis' scores on {folder} are not comparable with official ones.",
            folder=folder,
            split=official,
            n=format_count(n),
        )
        yield Issue("split_differs_from_official", "warning", message, folder)


def _missing_spec_issues(corpus: Corpus, known_ids: Collection[str]) -> Iterator[Issue]:
    """List the utterances without a spectrogram, except known ones."""
    for split in SPLITS:
        without = [u.id for u in corpus.split(split) if u.id not in known_ids]
        if without and len(without) == len(corpus.split(split)):
            message = _("There are no spectrograms of {split}; text only.", split=split)
            yield Issue("corpus_without_audio", "warning", message, split)
            continue
        message = _("There is no spectrogram of it; the utterance is kept without audio.")
        yield from (Issue("audio_file_missing", "problem", message, key) for key in without)
