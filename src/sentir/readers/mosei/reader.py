"""CMU-MOSEI: segments of monologue videos, from any known layout of the corpus.

Labels come from the CSVs of the Kaggle copies, from the authors' ``CMU_MOSEI_Labels.csd``, from MMSA's
``label.csv``, or from the authors' tables with one annotator per row, whichever is found first. Audio is found in
any folder under the root: see `sentir.readers.mosei.clips`.
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
from sentir.readers.mosei.segments import ParsedLabels, index_segments, to_utterances
from sentir.recipe import DataSettings

_LABEL_FORMATS = (kaggle_csv, csd, mmsa, annotator_csv)
_LABEL_SUFFIXES = (".csv", ".csd", ".txt")
# Names of archives of the corpus; others under a root are not touched.
_ARCHIVE_NAME = re.compile(
    r"(?!.*meld).*(mosei|mmsa|archive|raw|audio|wav|video|chunk|label|transcript)", re.IGNORECASE
)


def read(root: Path, data: DataSettings) -> Corpus:
    """Read CMU-MOSEI for a recipe; see `read_tree`."""
    return read_tree(root, audio=data.audio)


def read_tree(root: Path, *, name: str = "mosei", synthetic: bool = False, audio: bool = False) -> Corpus:
    """Read a MOSEI-shaped tree into a corpus with the tasks ``emotion`` (multi-label, six), ``sentiment`` and
    ``sentiment_intensity`` (regression).

    An emotion is present if its intensity is above 0; no emotion at all is a valid annotation. Sentiment is
    negative, neutral or positive by the sign of its intensity. ``scores`` has the intensities, clamped to [0, 3]
    and [-3, 3]. A video is a dialogue, its turns ordered by start time; a start before 0 s counts as 0.
    ``numeric_features["duration"]`` is in seconds. Segments without audio are kept. Archives are unpacked once,
    if labels or audio are found nowhere else.

    Args:
        root: folder at or above the labels, or an archive with them.
        name: name of the corpus, the first part of every id.
        synthetic: whether the tree was generated, if no file ``SYNTHETIC.txt`` beside the labels says so; the
            recognized layout is not listed then.
        audio: whether to search for chunks and whole videos.

    Raises:
        CorpusError: if there are no labels, a file or column is missing, a file has another format, or a video is
            in two splits.
    """
    folders = [find_newest_version(root)]
    issues: list[Issue] = []
    parsed = _read_labels(folders, name, issues)
    if parsed is None:
        folders = _unpack_archives(folders)
        parsed = _read_labels(folders, name, issues)
    if parsed is None:
        raise CorpusError(
            _(
                "There are no labels of CMU-MOSEI under {root}; give the folder with Data_Train_modified.csv and "
                "those of Val and Test, or with CMU_MOSEI_Labels.csd, MMSA's label.csv, or the authors' "
                "Raw/Labels.",
                root=root,
            )
        )
    segments = index_segments(parsed.segments, name, issues)
    utterances = to_utterances(segments, issues)
    if audio:
        folders = folders if has_media(folders) else _unpack_archives(folders)
        utterances = attach_clips(folders, utterances, segments, issues)
    is_generated = synthetic or is_synthetic(parsed.label_files)
    corpus = Corpus.build(name, utterances, parsed.label_spaces, issues=issues, synthetic=is_generated)
    corpus = apply_defects(corpus, load_defects("mosei"))
    layout_issues = [] if synthetic else [_layout_issue(parsed, corpus.utterances, audio)]
    return replace(corpus, issues=(*layout_issues, *corpus.issues))


def _read_labels(search_folders: Sequence[Path], name: str, issues: list[Issue]) -> ParsedLabels | None:
    """Read the labels in the first known format in one of these folders, with notes on labels not read."""
    for root in search_folders:
        files = [path for level in find_by_level(root, _is_label_file) for path in level] if root.is_dir() else []
        formats = [one for one in _LABEL_FORMATS if one.find_labels(files)]
        if formats:
            parsed = formats[0].read_labels(root, files, name, issues)
            listed = {issue.where for issue in issues}
            others = (path for one in formats for path in one.find_labels(files))
            for file in (path.relative_to(root) for path in others if path not in parsed.label_files):
                if file.as_posix() not in listed:
                    source = parsed.label_files[0].name
                    message = _("{file} was not read; the labels come from {other}.", file=file, other=source)
                    issues.append(Issue("file_ignored", "note", message, file.as_posix()))
            return parsed
    return None


def _is_label_file(file: str) -> bool:
    return file.lower().endswith(_LABEL_SUFFIXES) or file == SDK_FILE


def _unpack_archives(search_folders: list[Path]) -> list[Path]:
    archives = [archive for folder in search_folders for archive in find_archives(folder)]
    ours = [archive for archive in archives if archive in search_folders or _ARCHIVE_NAME.match(archive.name)]
    return [*(folder for folder in search_folders if folder.is_dir()), *map(ensure_unpacked, ours)]


def _layout_issue(parsed: ParsedLabels, utterances: Sequence[Utterance], audio: bool) -> Issue:
    facts = list(parsed.provenance)
    if audio:
        n = sum(u.clip is not None for u in utterances)
        facts.append(_("audio for {n} of {all} segments", n=format_count(n), all=format_count(len(utterances))))
    message = _("Recognized: CMU-MOSEI {layout}: {facts}.", layout=parsed.description, facts="; ".join(facts))
    return Issue("layout_recognized", "note", message, parsed.label_files[0].name)
