"""``sentir embed``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
from sentir.cli.engine_options import (
    AddressOption,
    EngineOption,
    GpusOption,
    PartWorkersOption,
    ResumeOption,
    ShareOption,
    make_parts_run,
)
from sentir.cli.input_options import (
    AudioColumnOption,
    DialogueColumnOption,
    EndColumnOption,
    FilesArgument,
    IdColumnOption,
    OptionalModelArgument,
    SpeakerColumnOption,
    StartColumnOption,
    TextColumnOption,
    TextOption,
    TurnColumnOption,
    make_items,
    split_model,
)
from sentir.cli.interrupts import handle_interrupts, resume_message
from sentir.cli.options import RevisionOption
from sentir.cli.plugins import PluginOption
from sentir.i18n import _
from sentir.io import prepare_output_path
from sentir.progress import show_progress
from sentir.recognizer.hub import at_revision


def embed(
    out: Annotated[
        Path, typer.Option(help=_("File to write: .npy, with the ids in NAME.ids.json, .csv or .parquet."))
    ],
    model: OptionalModelArgument = None,
    files: FilesArgument = None,
    text: TextOption = None,
    text_column: TextColumnOption = None,
    speaker_column: SpeakerColumnOption = None,
    dialogue_column: DialogueColumnOption = None,
    audio_column: AudioColumnOption = None,
    id_column: IdColumnOption = None,
    start_column: StartColumnOption = None,
    end_column: EndColumnOption = None,
    turn_column: TurnColumnOption = None,
    resume: ResumeOption = False,
    workers: PartWorkersOption = 1,
    engine: EngineOption = "local",
    address: AddressOption = None,
    num_gpus: GpusOption = 0.0,
    shard: ShareOption = None,
    revision: RevisionOption = None,
    plugin: PluginOption = None,
) -> None:
    from sentir import api
    from sentir.api.embedding_files import require_vector_suffix
    from sentir.api.prediction_files import require_not_an_input

    name, files = split_model(model, files)
    folder = at_revision(name, revision)
    require_vector_suffix(out)
    require_not_an_input(out, map(Path, files))
    prepare_output_path(out)
    columns = {
        "text": text_column, "speaker": speaker_column, "dialogue": dialogue_column, "audio": audio_column,
        "id": id_column, "start": start_column, "end": end_column, "turn": turn_column,
    }  # fmt: skip
    items = make_items(text, files)
    run = make_parts_run(resume, workers, engine, address, num_gpus, shard)
    with handle_interrupts(resume_message()), show_progress():
        problems = api.embed_to_file(folder, items, out, columns=columns, run=run)
    if shard is None:
        output.print_line(_("Written: {path}", path=out))
    else:
        output.print_share(out)
    for key, problem in problems.items():
        output.print_with_severity("problem", output.with_id(key, problem))
    if problems:
        raise typer.Exit(1)
