"""``sentir predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
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
from sentir.cli.options import JsonOption, ProviderOption, RevisionOption
from sentir.cli.plugins import PluginOption
from sentir.i18n import _
from sentir.io import prepare_output_path
from sentir.progress import show_progress
from sentir.recognizer.hub import at_revision


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
    provider: ProviderOption = "cpu",
    revision: RevisionOption = None,
    plugin: PluginOption = None,
    json: JsonOption = False,
) -> None:
    from sentir import api
    from sentir.api.prediction_files import require_known_suffix, require_not_an_input

    folder, files = split_model(model, files)
    folder = at_revision(folder, revision)
    if out is not None:
        require_known_suffix(out)
        require_not_an_input(out, map(Path, files))
        prepare_output_path(out)
    columns = {
        "text": text_column, "speaker": speaker_column, "dialogue": dialogue_column, "audio": audio_column,
        "id": id_column, "start": start_column, "end": end_column, "turn": turn_column,
    }  # fmt: skip
    items = make_items(text, files)
    with show_progress():
        model_or_folder = folder if provider == "cpu" else api.load(folder, provider=provider)
        predictions = api.predict(model_or_folder, items, columns=columns, abstain=abstain, max_error=max_error)
    if out is not None:
        output.print_written(predictions, out, api.write_predictions(predictions, out))
    if json:
        output.print_json([row.to_dict() for row in predictions])
    elif out is None:
        output.print_predictions(predictions)
    if any(row.problem for row in predictions):
        raise typer.Exit(1)
