"""``sentir predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    EnrollOption,
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
from sentir.cli.options import JsonOption, ProviderOption, RevisionOption
from sentir.cli.plugins import PluginOption
from sentir.errors import SentirError
from sentir.files.remote_files import RemoteFile
from sentir.i18n import _
from sentir.io import prepare_output_path
from sentir.progress import show_progress
from sentir.recognizer.hub import at_revision

if TYPE_CHECKING:
    from sentir.api.part_files import PartsRun


def predict(
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
    out: Annotated[
        Path | None, typer.Option(help=_("Table to write (.csv, .tsv, .parquet, .jsonl or .xlsx)."))
    ] = None,
    abstain: Annotated[
        bool, typer.Option("--abstain", help=_("Mark predictions below the model's confidence threshold."))
    ] = False,
    max_error: Annotated[
        float | None,
        typer.Option(
            help=_(
                "Mark predictions below the confidence that keeps the error on dev at this share, such as 0.2."
            )
        ),
    ] = None,
    enroll: EnrollOption = None,
    enroll_inputs: Annotated[
        bool,
        typer.Option("--enroll-inputs", help=_("Normalize each input by the other inputs of its speaker.")),
    ] = False,
    resume: ResumeOption = False,
    workers: PartWorkersOption = 1,
    engine: EngineOption = "local",
    address: AddressOption = None,
    num_gpus: GpusOption = 0.0,
    shard: ShareOption = None,
    provider: ProviderOption = "cpu",
    revision: RevisionOption = None,
    plugin: PluginOption = None,
    json: JsonOption = False,
) -> None:
    from sentir.api.prediction_files import require_known_suffix, require_not_an_input

    name, files = split_model(model, files)
    folder = at_revision(name, revision)
    run = make_parts_run(resume, workers, engine, address, num_gpus, shard)
    if out is not None:
        require_known_suffix(out)
        require_not_an_input(out, map(Path, files))
        prepare_output_path(out)
    elif run is not None:
        raise SentirError(_("--resume, --workers, --engine and --shard need --out."))
    columns = {
        "text": text_column, "speaker": speaker_column, "dialogue": dialogue_column, "audio": audio_column,
        "id": id_column, "start": start_column, "end": end_column, "turn": turn_column,
    }  # fmt: skip
    settings = {
        "columns": columns, "abstain": abstain, "max_error": max_error, "enroll": enroll,
        "enroll_inputs": enroll_inputs,
    }  # fmt: skip
    items = make_items(text, files)
    if out is None or json:
        problems = _predict_in_memory(folder, items, out, provider, settings, json=json)
    else:
        problems = _predict_to_file(folder, items, out, provider, settings, run)
    if problems:
        raise typer.Exit(1)


def _predict_in_memory(
    folder: Path | str,
    items: list[object],
    out: Path | None,
    provider: str,
    settings: dict[str, Any],
    *,
    json: bool,
) -> int:
    """Predict, print, and also write if there is ``out``; return the number of problems."""
    from sentir import api

    if any(isinstance(item, RemoteFile) for item in items):
        raise SentirError(_("Files at addresses are predicted part by part; give --out, without --json."))
    with show_progress():
        model_or_folder = folder if provider == "cpu" else api.load(folder, provider=provider)
        predictions = api.predict(model_or_folder, items, **settings)
    problems, notes = (sum(bool(getattr(row, name)) for row in predictions) for name in ("problem", "notes"))
    if out is not None:
        output.print_written(out, problems, notes, api.write_predictions(predictions, out))
    if json:
        output.print_json([row.to_dict() for row in predictions])
    else:
        output.print_predictions(predictions)
    return problems


def _predict_to_file(
    folder: Path | str,
    items: list[object],
    out: Path,
    provider: str,
    settings: dict[str, Any],
    run: PartsRun | None,
) -> int:
    """Predict into a file, and return the number of problems."""
    from sentir import api

    with handle_interrupts(resume_message()), show_progress():
        written = api.predict_to_file(folder, items, out, provider=provider, run=run, **settings)
    if written.column_names:
        output.print_written(out, written.problems, written.notes, written.column_names)
    else:
        output.print_share(out)
    return written.problems
