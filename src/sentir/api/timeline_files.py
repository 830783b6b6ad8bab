"""The verbs that write the timelines of many recordings, and score them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sentir.api.loading import hash_model, load
from sentir.api.timelines import make_options
from sentir.engines.local import LocalEngine
from sentir.engines.running import run_shards
from sentir.engines.shards import Engine, Receipt, Shard, Share
from sentir.errors import SentirError, TimelineError
from sentir.files.media_files import is_media_file, walk_folders
from sentir.i18n import _
from sentir.io import make_writable_folder, write_errors
from sentir.logs import logger
from sentir.paths import PathLike
from sentir.preflight import require_files, require_model
from sentir.recognizer.hub import find_model
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.timelines.formats import FORMATS, find_format, read_turns
from sentir.timelines.making import as_turns, describe_settings, describe_source, make_timeline
from sentir.timelines.scoring import TimelineScores, match_labels, score_timelines
from sentir.timelines.timeline import Timeline


@dataclass(frozen=True)
class TimelineFiles:
    """What became of one recording.

    Attributes:
        recording: its path.
        files: that were written; the document comes first.
        problem: why there are none; ``""`` if there are.
    """

    recording: Path
    files: tuple[Path, ...] = ()
    problem: str = ""

    @property
    def timeline(self) -> Timeline | None:
        """The timeline, read from its document; ``None`` if there is none."""
        return Timeline.from_json(self.files[0].read_text(encoding="utf-8")) if self.files else None


def write_timelines(
    model: PathLike,
    recordings: Sequence[PathLike],
    *,
    out: PathLike,
    formats: Sequence[str] = (),
    turns: PathLike | None = None,
    resume: bool = False,
    workers: int = 1,
    engine: Engine | None = None,
    share: Share | None = None,
    **options: Any,
) -> list[TimelineFiles]:
    """Write the timelines of recordings: the document ``NAME.json``, and further formats.

    A recording that cannot be used is returned with its problem, and the others go on. While one is predicted,
    finished parts are kept in ``NAME.json.partial``. Worker processes are spawned, so a script that calls this
    with several needs ``if __name__ == "__main__":``.

    Args:
        model: folder of a recognizer, or of a baseline.
        recordings: audio and video files, folders of them, and conversations.
        out: folder to write to; created if it does not exist.
        formats: names in `sentir.timelines.formats.FORMATS`, besides the document.
        turns: an annotation file, or a folder with one for each recording, of the same name.
        resume: whether to keep complete documents of the same recording, model and settings, and finished parts.
        workers: processes; recordings are shared among them.
        engine: does the work instead of processes of this machine; it has to read the recordings, and write to
            ``out``, by the same paths.
        share: of the recordings that are worked on; all of them by default.
        options: see `sentir.api.timelines.timeline`.

    Raises:
        TimelineError: if there is no recording, a format is unknown, or two recordings have the same name.
        SentirError: if the model cannot be used, or nothing can be written to ``out``.
    """
    for name in formats:
        find_format(Path(), name)
    model = find_model(model)
    require_model(model)
    paths = list(_find_recordings(recordings))
    out = Path(out)
    with write_errors(out):
        make_writable_folder(out)
    job = _Job(model, out, tuple(formats), None if turns is None else Path(turns), resume, options)
    targets = zip(paths, _target_names(paths), strict=True)
    shards = [Shard(str(n), target) for n, target in enumerate(targets)]
    shards = shards if share is None else share.of(shards)
    engine = engine or LocalEngine(min(workers, len(shards)))
    receipts = run_shards(engine, shards, job, _("Recordings"))
    return [
        TimelineFiles(shard.references[0], tuple(map(Path, receipt.facts["files"])), "".join(receipt.problems))
        for shard, receipt in zip(shards, receipts, strict=True)
    ]


def score_files(results: Sequence[TimelineFiles], truth: PathLike) -> TimelineScores:
    """Score written timelines against annotation files.

    Args:
        results: of `write_timelines`.
        truth: an annotation file, or a folder with one for each recording, of the same name.

    Raises:
        TimelineError: if there is no truth of a recording, or it has no labels.
    """
    pairs, unknown = [], set[str]()
    for one in results:
        if (timeline := one.timeline) is not None:
            known = read_turns(find_annotation(Path(truth), one.recording), one.recording.name)
            matched = match_labels(known, timeline.labels)
            unknown |= {label for turn in matched for label in turn.labels} - set(timeline.labels)
            pairs.append((matched, timeline.turns))
    if not pairs:
        raise TimelineError(_("There is no timeline to score."))
    if unknown:
        what = ", ".join(sorted(unknown))
        logger.warning(_("Labels that the model does not know count as errors: {labels}.", labels=what))
    return score_timelines(pairs)


def find_annotation(annotations: Path, recording: Path) -> Path:
    """Return the annotation file of a recording: the file itself, or that of the same name in a folder.

    Raises:
        TimelineError: if there is none, or several.
    """
    if not annotations.is_dir():
        return annotations
    suffixes = [one.suffix.lower() for one in FORMATS.values() if one.is_read]
    found = [
        path
        for path in sorted(annotations.iterdir())
        if path.name.lower() in {f"{recording.stem}{suffix}".lower() for suffix in suffixes}
    ]
    if len(found) != 1:
        raise TimelineError(
            _("{folder} must hold one annotation file called '{name}', and holds {n}.", folder=annotations,
              name=f"{recording.stem}.*", n=len(found))
        )  # fmt: skip
    return found[0]


def _find_recordings(recordings: Sequence[PathLike]) -> Iterator[Path]:
    require_files([str(one) for one in recordings])
    for one in map(Path, recordings):
        found = (
            [folder / name for folder, names in walk_folders(one) for name in names] if one.is_dir() else [one]
        )
        media = [path for path in found if is_media_file(path)] if one.is_dir() else found
        if not media:
            raise TimelineError(_("There are no recordings in {folder}.", folder=one))
        yield from media


def _target_names(paths: Sequence[Path]) -> list[str]:
    """Return the names of the documents, without suffix; of recordings that share a name, with theirs."""
    stems = [path.stem for path in paths]
    names = [path.name if stems.count(path.stem) > 1 else path.stem for path in paths]
    if twice := [name for name in names if names.count(name) > 1]:
        raise TimelineError(
            _("Two recordings are called '{name}'; write them to different folders.", name=twice[0])
        )
    return names


@dataclass(frozen=True)
class _Job:
    """The work on the recordings of a call, each a shard; its documents show what is finished.

    Attributes:
        model, out, formats, turns, resume, options: see `write_timelines`.
    """

    model: Path
    out: Path
    formats: tuple[str, ...]
    turns: Path | None
    resume: bool
    options: Mapping[str, Any]
    folder: None = None

    def open(self) -> Callable[[Shard], Receipt]:
        """Load the model."""
        return partial(self._write, _Writer(self))

    def _write(self, writer: _Writer, shard: Shard) -> Receipt:
        try:
            return Receipt(shard.id, facts={"files": list(map(str, writer.write(*shard.references)))})
        except SentirError as error:
            return Receipt(shard.id, problems=(str(error),), facts={"files": []})

    def count_units(self, shard: Shard) -> int:
        """Return 1: a recording is not halved."""
        return 1

    def give_up(self, shard: Shard, why: str) -> Receipt:
        """Return the problem of a recording."""
        return Receipt(shard.id, problems=(why,), facts={"files": []})


class _Writer:
    """Writes the timelines of a process, with one model."""

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._recognizer: PredictionMixin = load(job.model)
        self._options = make_options(self._recognizer, model_hash=hash_model(job.model), **job.options)

    def write(self, recording: Path, name: str) -> list[Path]:
        """Write the timeline of a recording, and return its files, the document first."""
        document = self._job.out / f"{name}.json"
        complete = self._load_complete(recording, document) if self._job.resume else None
        timeline = complete or self._make(recording, document)
        files = [document]
        timeline.save(document)
        for one in dict.fromkeys(self._job.formats):
            if FORMATS[one].suffix != ".json":
                files.append(self._job.out / f"{name}{FORMATS[one].suffix}")
                timeline.save(files[-1], format=one)
        return files

    def _make(self, recording: Path, document: Path) -> Timeline:
        unfinished = document.with_name(f"{document.name}.partial")
        if not self._job.resume:
            unfinished.unlink(missing_ok=True)
        options = replace(self._options, resume=unfinished)
        return make_timeline(self._recognizer, recording, turns=self._find_turns(recording), options=options)

    def _find_turns(self, recording: Path) -> Path | None:
        return None if self._job.turns is None else find_annotation(self._job.turns, recording)

    def _load_complete(self, recording: Path, document: Path) -> Timeline | None:
        """Return the timeline of an earlier run if it would be the same now."""
        if not document.is_file() or not is_media_file(recording):
            return None
        try:
            timeline = Timeline.from_json(document.read_text(encoding="utf-8"))
        except (TimelineError, UnicodeDecodeError):
            return None
        turns = self._find_turns(recording)
        given = None if turns is None else as_turns(turns, recording.name)
        is_same = (
            timeline.source.sha256 == describe_source(recording).sha256
            and timeline.model.get("sha256") == self._options.model_hash
            and timeline.settings == describe_settings(self._options, given)
        )
        return timeline.at_path(recording) if is_same else None
