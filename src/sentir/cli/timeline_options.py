"""Options of ``sentir timeline``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.i18n import _

RecordingsArgument = Annotated[
    list[str] | None,
    typer.Argument(help=_("Audio or video files, folders of them, or conversations (.txt, .jsonl, .srt).")),
]
OutOption = Annotated[Path, typer.Option(help=_("Folder to write the timelines to."))]
FormatsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help=_(
            "Format besides JSON: csv, parquet, jsonl, rttm, srt, vtt, eaf, textgrid, labelstudio, txt or "
            "html. May be repeated."
        ),
    ),
]
TurnsOption = Annotated[
    Path | None,
    typer.Option(help=_("Annotation file with the turns, or a folder with one per recording.")),
]
AsrOption = Annotated[
    str | None,
    typer.Option(help=_("Speech recognition: faster-whisper, faster-whisper:MODEL or pocketsphinx.")),
]
DiarizerOption = Annotated[str | None, typer.Option(help=_("Diarization: sherpa-onnx:FOLDER."))]
VoiceActivityOption = Annotated[
    str, typer.Option(help=_("Voice activity detector: silero, energy, or auto for the first installed."))
]
MinSecondsOption = Annotated[
    float, typer.Option(help=_("Shorter turns get context of the same speaker's turns next to them."))
]
MaxSecondsOption = Annotated[
    float | None, typer.Option(help=_("Longer turns are cut; default: as much as the model takes."))
]
SmoothingOption = Annotated[
    int, typer.Option(help=_("Turns of the same speaker, on each side, to average with; default: none."))
]
EnrollTurnsOption = Annotated[
    str | None,
    typer.Option(
        help=_("Normalize each turn by the turns of its speaker: others, or earlier for those before it.")
    ),
]
ScoreOption = Annotated[
    Path | None,
    typer.Option(help=_("Annotation file with the true labels, or a folder with one per recording.")),
]
ResumeOption = Annotated[bool, typer.Option("--resume", help=_("Go on with a run that was interrupted."))]
