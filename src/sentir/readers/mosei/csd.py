"""The original distribution: ``CMU_MOSEI_Labels.csd``, transcripts beside it, and folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.corpus_tables import skip_row
from sentir.i18n import _, format_count
from sentir.optional_dependencies import require_extra
from sentir.readers.mosei.folds import find_folds, select_in_folds
from sentir.readers.mosei.segments import SCALES, MoseiSegment, ParsedLabels, parse_interval
from sentir.readers.mosei.transcripts import attach_transcripts, read_transcripts

if TYPE_CHECKING:
    import h5py

_FILE_NAME = "cmu_mosei_labels.csd"
_MAX_SEGMENTS = 100_000  # in all, of 23,259 in the published file; a damaged file may claim any number
_H5PY_ERRORS = (OSError, KeyError, RuntimeError, ValueError, TypeError)  # what h5py raises


def find_labels(files: Sequence[Path]) -> list[Path]:
    """Return the label files among files."""
    return [path for path in files if path.name.casefold() == _FILE_NAME]


def read_labels(root: Path, files: Sequence[Path], name: str, issues: list[Issue]) -> ParsedLabels:
    """Read the labels, attach the transcripts with their times, and assign splits by the folds.

    The times in a segment's id are the shortest decimals of these numbers, as in the label CSVs.

    Raises:
        MissingDependencyError: if h5py is not installed.
        CorpusError: if the file is not HDF5 with labels, or folds cannot be read.
    """
    path = find_labels(files)[0]
    split_of, folds = find_folds(files)
    segments = _read_csd(path, split_of, issues)
    lines = read_transcripts(files, issues)
    if lines:
        segments = attach_transcripts(segments, lines, name, issues)
        texts = _("texts from {n} lines of transcripts", n=format_count(len(lines)))
    else:
        texts = _("no texts")
        message = _("There are no transcripts (Transcript/Segmented/Combined/<video>.txt); audio only.")
        issues.append(Issue("corpus_without_text", "warning", message, root.name))
    provenance = [_("labels from {file}", file=path.name), texts, _("splits from {file}", file=folds)]
    in_folds = select_in_folds(segments, name, issues)
    return ParsedLabels(_("as its authors distribute it"), provenance, [path], in_folds)


@contextmanager
def _open_labels(path: Path) -> Iterator[h5py.Group]:
    require_extra("csd", path.name)
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield _own_child(_own_child(file, "All Labels"), "data")
    except _H5PY_ERRORS as error:
        raise CorpusError(
            _(
                "{file} cannot be read as labels of CMU-MOSEI in HDF5 ({reason}); download the file again.",
                file=path,
                reason=error.args[0] if error.args else "",
            )
        ) from error


def _read_csd(path: Path, split_of: dict[str, str], issues: list[Issue]) -> list[MoseiSegment]:
    segments: list[MoseiSegment] = []
    with _open_labels(path) as videos:
        for key in videos:
            video = key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else key  # not UTF-8
            where = f"{path.name}, {video}"
            try:
                video_group = _own_child(videos, key)
                features = _read_array(video_group, "features", len(SCALES))
                intervals = _read_array(video_group, "intervals", 2)
                if len(features) != len(intervals):
                    raise ValueError(
                        _("it has {n} features and {m} intervals", n=len(features), m=len(intervals))
                    )
            except _H5PY_ERRORS as error:
                reason = error.args[0] if error.args else ""
                message = _("The segments of this video were left out: {reason}.", reason=reason)
                issues.append(Issue("row_skipped", "problem", message, where))
                continue
            segments += _parse_segments(video, where, split_of.get(video, ""), features, intervals, issues)
            if len(segments) > _MAX_SEGMENTS:
                raise CorpusError(
                    _("{file} has more than {n} segments; download the file again.", file=path, n=_MAX_SEGMENTS)
                )
    return segments


def _parse_segments(
    video: str,
    location: str,
    split: str,
    features: NDArray[Any],
    intervals: NDArray[Any],
    issues: list[Issue],
) -> list[MoseiSegment]:
    segments: list[MoseiSegment] = []
    for n, (intensities, interval) in enumerate(zip(features, intervals, strict=True), start=1):
        start, end = map(str, interval)
        where = _("{file}, row {row}", file=location, row=n)
        times = parse_interval(start, end)
        if times is None:
            skip_row(issues, where, _("its video, start_time or end_time is missing or not a number"))
            continue
        cells = dict(zip(SCALES, map(str, intensities), strict=True))
        segments.append(MoseiSegment(where, split, video, f"{start}-{end}", cells, times))
    return segments


def _own_child(group: Any, name: str | bytes) -> Any:
    """Return a group or data set that is in the file itself: HDF5 has links to, and data in, other files.

    Raises:
        ValueError, KeyError, OSError, RuntimeError, TypeError: if it is missing or elsewhere.
    """
    import h5py

    child = None
    if isinstance(group, h5py.Group) and isinstance(group.get(name, getlink=True), h5py.HardLink):
        child = group[name]
    is_elsewhere = isinstance(child, h5py.Dataset) and (child.external or child.is_virtual)
    if child is None or is_elsewhere:
        raise ValueError(_("'{name}' is not in the file itself", name=name))
    return child


def _read_array(group: Any, name: str, num_columns: int) -> NDArray[Any]:
    """Return an array of ``(n, num_columns)`` floats.

    Raises:
        ValueError, KeyError, OSError, RuntimeError, TypeError: if it is missing or something else.
    """
    dataset = _own_child(group, name)
    shape, dtype = getattr(dataset, "shape", None), getattr(dataset, "dtype", np.dtype(object))
    if (
        shape is None
        or len(shape) != 2
        or shape[1] != num_columns
        or shape[0] > _MAX_SEGMENTS
        or dtype.kind not in "fiu"
    ):
        raise ValueError(_("'{name}' is not a table of {width} numeric columns", name=name, width=num_columns))
    array: NDArray[Any] = dataset[()]
    return array if array.dtype.kind == "f" else array.astype(np.float64)
