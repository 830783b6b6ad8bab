"""The command ``sentir timeline``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sentir.cli import output
from sentir.cli.engine_options import (
    AddressOption,
    EngineOption,
    GpusOption,
    ShareOption,
    make_other_engine,
)
from sentir.cli.input_options import EnrollOption, OptionalModelArgument, split_model
from sentir.cli.interrupts import handle_interrupts, resume_message
from sentir.cli.options import JsonOption, WorkersOption
from sentir.cli.plugins import PluginOption
from sentir.cli.timeline_options import (
    AsrOption,
    DiarizerOption,
    EnrollTurnsOption,
    FormatsOption,
    MaxSecondsOption,
    MinSecondsOption,
    OutOption,
    RecordingsArgument,
    ResumeOption,
    ScoreOption,
    SmoothingOption,
    TurnsOption,
    VoiceActivityOption,
)
from sentir.display_names import display_name
from sentir.documents import TableBlock
from sentir.errors import TimelineError
from sentir.i18n import _, format_count, format_decimal, gettext_noop
from sentir.progress import show_progress

if TYPE_CHECKING:
    from sentir.api.timeline_files import TimelineFiles
    from sentir.timelines.scoring import TimelineScore, TimelineScores

_MEASURES = {
    "emotion_diarization_error": gettext_noop("emotion diarization error"),
    "missed": gettext_noop("missed"),
    "false_alarm": gettext_noop("false alarm"),
    "confusion": gettext_noop("confusion"),
    "accuracy": gettext_noop("accuracy"),
    "macro_f1": gettext_noop("macro F1"),
    "speech_error": gettext_noop("voice activity error"),
}


def timeline(
    model: OptionalModelArgument = None,
    recordings: RecordingsArgument = None,
    out: OutOption = Path("timelines"),
    formats: FormatsOption = None,
    turns: TurnsOption = None,
    asr: AsrOption = None,
    diarizer: DiarizerOption = None,
    voice_activity: VoiceActivityOption = "auto",
    min_seconds: MinSecondsOption = 1.0,
    max_seconds: MaxSecondsOption = None,
    smoothing: SmoothingOption = 0,
    enroll: EnrollOption = None,
    enroll_turns: EnrollTurnsOption = None,
    score: ScoreOption = None,
    resume: ResumeOption = False,
    workers: WorkersOption = None,
    engine: EngineOption = "local",
    address: AddressOption = None,
    num_gpus: GpusOption = 0.0,
    shard: ShareOption = None,
    plugin: PluginOption = None,
    json: JsonOption = False,
) -> None:
    from sentir import api
    from sentir.engines.shards import Share
    from sentir.worker_processes import count_cores

    folder, recordings = split_model(model, recordings)
    if not recordings:
        raise TimelineError(_("There is no recording; give an audio or video file, or a conversation."))
    with handle_interrupts(resume_message()), show_progress():
        results = api.write_timelines(
            folder,
            recordings,
            out=out,
            formats=formats or (),
            turns=turns,
            resume=resume,
            workers=workers or count_cores(),
            engine=make_other_engine(engine, address, num_gpus),
            share=Share.parse(shard),
            asr=asr,
            diarizer=diarizer,
            voice_activity=voice_activity,
            min_seconds=min_seconds,
            max_seconds=max_seconds,
            smoothing=smoothing,
            enroll=enroll,
            enroll_turns=enroll_turns,
        )
        scores = None if score is None else api.score_files(results, score)
    if json:
        output.print_json(_to_json(results, scores))
    else:
        _print_results(results)
        if scores is not None:
            _print_scores(scores)
    if any(one.problem for one in results):
        raise typer.Exit(1)


def _to_json(results: list[TimelineFiles], scores: TimelineScores | None) -> dict[str, Any]:
    rows = [
        {"recording": str(one.recording), "files": list(map(str, one.files)), "problem": one.problem,
         "turns": None if timeline is None else len(timeline)}
        for one in results
        for timeline in (one.timeline,)
    ]  # fmt: skip
    return {"recordings": rows, "scores": None if scores is None else asdict(scores)}


def _print_results(results: list[TimelineFiles]) -> None:
    rows, notes = [], dict[Path, Sequence[str]]()
    for one in results:
        if (timeline := one.timeline) is not None:
            counts = Counter(label for turn in timeline.turns for label in turn.labels)
            common = " · ".join(f"{display_name(name)} {n}" for name, n in counts.most_common(3))
            seconds = timeline.source.seconds
            duration = "–" if seconds is None else f"{format_decimal(seconds, 1)} s"
            rows.append([one.recording.name, duration, format_count(len(timeline)), common])
            notes[one.recording] = timeline.notes
    if rows:
        headings = (_("recording"), _("duration"), _("turns"), _("most frequent"))
        output.print_table(TableBlock(headings, rows, numeric=(1, 2)))
    for one in results:
        for note in notes.get(one.recording, ()):
            output.print_with_severity("note", f"{one.recording.name}: {note}")
        if one.files:
            output.print_line(_("Written: {path}", path=", ".join(map(str, one.files))))
        if one.problem:
            output.print_with_severity("problem", output.with_id(str(one.recording), one.problem))


def _print_scores(scores: TimelineScores) -> None:
    rows = [[_(_MEASURES[name]), *_format_score(one)] for name, one in scores.scores.items()]
    title = _("{n} recordings, {turns} turns, {seconds} s", n=scores.recordings, turns=format_count(scores.turns),
              seconds=format_decimal(scores.seconds, 1))  # fmt: skip
    output.print_table(TableBlock((_("by time"), _("score"), _("95% interval")), rows), title=title)
    labels = [
        [
            display_name(name),
            *(format_decimal(value, 1) for value in (one.true, one.predicted)),
            format_decimal(one.f1, 3),
        ]
        for name, one in scores.labels.items()
    ]
    output.print_table(TableBlock((_("label"), _("true (s)"), _("predicted (s)"), "F1"), labels))


def _format_score(one: TimelineScore) -> tuple[str, str]:
    if one.low is None or one.high is None:
        return format_decimal(one.value, 3), "–"
    return format_decimal(one.value, 3), f"{format_decimal(one.low, 3)} – {format_decimal(one.high, 3)}"
