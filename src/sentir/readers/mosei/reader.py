"""CMU-MOSEI: segments of monologue videos, from any tree in which the corpus is known to lie.

Labels come from the CSVs of the Kaggle copies, from the authors' ``CMU_MOSEI_Labels.csd``, from MMSA's
``label.csv``, or from the authors' tables with one annotator per row, whichever is found first. Sound lies in any
folder under the root: see `sentir.readers.mosei.clips`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Issue, Utterance
from sentir.errors import CorpusError
from sentir.files.archives import ensure_unpacked, find_archives
from sentir.files.corpus_tables import is_synthetic
from sentir.files.folders import find_by_level, find_newest_version
from sentir.i18n import _, format_count
from sentir.readers.defects import apply_defects, load_defects
from sentir.readers.mosei import annotator_csv, csd, kaggle_csv, mmsa
from sentir.readers.mosei.clips import attach_clips, has_media
from sentir.readers.mosei.folds import SDK_FILE
from sentir.readers.mosei.segments import MoseiSegment, ParsedLabels, index_segments, to_utterances
from sentir.recipe import DataSettings

_LABEL_FORMATS = (kaggle_csv, csd, mmsa, annotator_csv)
_LABEL_SUFFIXES = (".csv", ".csd", ".txt")
# What archives of the corpus are called; others that lie under a root are the user's own.
_ARCHIVE_NAME = re.compile(
    r"(?!.*meld).*(mosei|mmsa|archive|raw|audio|wav|video|chunk|label|transcript)", re.IGNORECASE
)


def read(root: Path, data: DataSettings) -> Corpus:
    """Read CMU-MOSEI for a recipe; see `read_tree`."""
    return read_tree(root, audio=data.audio)


def read_tree(root: Path, *, name: str = "mosei", synthetic: bool = False, audio: bool = False) -> Corpus:
    """Read a MOSEI-shaped tree into a corpus with the tasks ``emotion`` (several of six), ``sentiment``, and
    ``sentiment_intensity``, a number.

    An emotion is present when its intensity is above 0; none of them is a valid annotation. Sentiment is
    negative, neutral or positive by the sign of its intensity. ``scores`` holds the intensities after clamping to
    [0, 3] and [-3, 3]. A video is a dialogue, its turns ordered by start time; a start before 0 s counts as 0.
    ``numbers["duration"]`` is in seconds. A segment without audio stays, without sound. Archives are unpacked
    once, where labels or sound are found nowhere else.

    Args:
        root: folder at or above the labels, or an archive with them.
        name: name of the corpus, the first part of every id.
        synthetic: whether the tree was generated, if no file ``SYNTHETIC.txt`` beside the labels says so; what
            was recognized is no news then.
        audio: whether chunks and whole videos are looked for.

    Raises:
        CorpusError: if there are no labels, a file or column is missing, a file is none of its kind, or a video
            lies in two splits.
    """
    places = [find_newest_version(root)]
    layout = _read_labels(places, name)
    if layout is None:
        places = _unpack_archives(places)
        layout = _read_labels(places, name)
    if layout is None:
        raise _no_labels_error(root)
    segments, issues = index_segments(layout.segments, name)
    utterances, odd = to_utterances(segments, name)
    issues += odd
    if audio:
        utterances, odd = _attach_clips(places, utterances, segments)
        issues += odd
    issues = [*layout.issues, *issues]
    made_up = synthetic or is_synthetic(layout.label_files)
    corpus = Corpus.build(name, utterances, layout.label_spaces, issues=issues, synthetic=made_up)
    corpus = apply_defects(corpus, load_defects("mosei"))
    recognized = [] if synthetic else [_layout_issue(layout, corpus.utterances, audio)]
    return replace(corpus, issues=(*recognized, *corpus.issues))


def _read_labels(search_folders: Sequence[Path], name: str) -> ParsedLabels | None:
    """Read the first known layout that one of these folders has, with a note on labels that were not read."""
    for root in search_folders:
        files = [path for level in find_by_level(root, _is_label_file) for path in level] if root.is_dir() else []
        kinds = [kind for kind in _LABEL_FORMATS if kind.find_labels(files)]
        if kinds:
            layout = kinds[0].read_labels(root, files, name)
            told = {issue.where for issue in layout.issues}
            found = [path for kind in kinds for path in kind.find_labels(files) if path not in layout.label_files]
            spare = [file for path in found if (file := path.relative_to(root)).as_posix() not in told]
            layout.issues.extend(_note_unread_labels(file, layout) for file in spare)
            return layout
    return None


def _is_label_file(file: str) -> bool:
    return file.lower().endswith(_LABEL_SUFFIXES) or file == SDK_FILE


def _note_unread_labels(file: Path, parsed: ParsedLabels) -> Issue:
    message = _("{file} was not read; the labels come from {other}.", file=file, other=parsed.label_files[0].name)
    return Issue("file_ignored", "note", message, file.as_posix())


def _unpack_archives(search_folders: list[Path]) -> list[Path]:
    archives = [archive for place in search_folders for archive in find_archives(place)]
    ours = [archive for archive in archives if archive in search_folders or _ARCHIVE_NAME.match(archive.name)]
    return [*(place for place in search_folders if place.is_dir()), *map(ensure_unpacked, ours)]


def _attach_clips(
    search_folders: list[Path], utterances: list[Utterance], segments: dict[str, MoseiSegment]
) -> tuple[list[Utterance], list[Issue]]:
    if not has_media(search_folders):
        search_folders = _unpack_archives(search_folders)
    return attach_clips(search_folders, utterances, segments)


def _layout_issue(parsed: ParsedLabels, utterances: Sequence[Utterance], audio: bool) -> Issue:
    facts = parsed.provenance
    if audio:
        n = sum(u.clip is not None for u in utterances)
        heard = _("sound for {n} of {all} segments", n=format_count(n), all=format_count(len(utterances)))
        facts = [*facts, heard]
    message = _("Recognized: CMU-MOSEI {layout}: {facts}.", layout=parsed.description, facts="; ".join(facts))
    return Issue("layout_recognized", "note", message, parsed.label_files[0].name)


def _no_labels_error(root: Path) -> CorpusError:
    return CorpusError(
        _(
            "Under {root} there are no labels of CMU-MOSEI; give the folder that holds Data_Train_modified.csv "
            "and those of Val and Test, or CMU_MOSEI_Labels.csd, MMSA's label.csv, or the authors' Raw/Labels.",
            root=root,
        )
    )
