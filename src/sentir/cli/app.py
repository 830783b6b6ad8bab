"""The commands. Each calls a public function and prints its result; heavy imports are made only then."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Annotated

import typer

from sentir.cli.corpus import corpus
from sentir.cli.demo import add_demo
from sentir.cli.explain import add_explain
from sentir.cli.interrupts import handle_interrupts
from sentir.cli.options import (
    AudioColumnOption,
    CorpusOption,
    DialogueColumnOption,
    EndColumnOption,
    IdColumnOption,
    JsonOption,
    ModelArgument,
    ReasonOption,
    RecipeArgument,
    RootOption,
    SetOption,
    SpeakerColumnOption,
    SplitOption,
    StartColumnOption,
    TextColumnOption,
    TurnColumnOption,
    load_corpus_plugins,
    require_recipe_and_corpus,
)
from sentir.cli.plugins import AllowPluginsOption, PluginOption
from sentir.cli.tune import add_tune
from sentir.cli.usage_errors import CommandGroup
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.paths import to_file_name
from sentir.preflight import require_files, require_model, require_model_and_corpus

app = typer.Typer(
    cls=CommandGroup,
    help=_("Emotion recognition from text and audio: train, evaluate, explain, predict."),
    epilog=_("Example: sentir study recipes/meld-text.toml --root DATA. Spanish: --lang es."),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(corpus, name="corpus")
add_demo(app)


@app.callback(epilog=_("Example: sentir study recipes/meld-text.toml --root DATA. Spanish: --lang es."))
def _global_options(
    lang: Annotated[str | None, typer.Option("--lang", help=_("Language of the output: en or es."))] = None,
    version: Annotated[bool, typer.Option("--version", help=_("Print the version and exit."))] = False,
) -> None:
    """Declare the global options for --help; both are handled before this runs."""


def _make_output_folder(folder: Path) -> None:
    """Make the output folder before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise SentirError(_("{path} cannot be written: {why}.", path=folder, why=error.strerror)) from error


def _check_output_table(path: Path, inputs: list[str]) -> None:
    from sentir.api.prediction_files import require_known_suffix, require_not_an_input

    require_known_suffix(path)
    require_not_an_input(path, map(Path, inputs))
    if path.is_dir():
        raise SentirError(_("{path} cannot be written: {why}.", path=path, why=os.strerror(errno.EISDIR)))
    _make_output_folder(path.parent)


@app.command(
    help=_(
        "Run a study and write its report. It trains baselines and candidates, selects on dev and evaluates on "
        "test once."
    ),
    epilog=_("Example: sentir study recipes/meld-text.toml --root DATA/meld --out runs/meld-text"),
)
def study(
    recipes: Annotated[list[Path], typer.Argument(help=_("One or more recipes, for one report."))],
    root: RootOption = None,
    out: Annotated[Path | None, typer.Option("--out", help=_("Output folder; default: runs/RECIPE."))] = None,
    set_: SetOption = None,
    accept_grade: Annotated[
        bool, typer.Option("--accept-grade", help=_("Use a corpus even if its audit grade is D or E."))
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help=_("Open the report in the browser when done."))] = False,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    for path in recipes:
        require_recipe_and_corpus(path, set_, root, allow_plugins)
    from sentir import api
    from sentir.cli import output
    from sentir.cli.browser import open_page
    from sentir.cli.scores_output import print_study
    from sentir.progress import show_progress

    loaded = [api.load_recipe(path, set_ or ()) for path in recipes]
    folder = out or Path("runs") / to_file_name("+".join(recipe.name for recipe in loaded))
    _make_output_folder(folder)
    with handle_interrupts(), show_progress():
        report = api.run_study(loaded, root=root, out=folder, accept_grade=accept_grade)
    if json:
        output.print_json([row.to_row() for row in report.scores])
    else:
        print_study(report, folder)
    if open_:
        open_page(folder / "report.html")


@app.command(
    help=_("Train a model and save it. Its best epoch is selected on dev."),
    epilog=_("Example: sentir train recipes/meld-text.toml --root DATA/meld --out models/mine"),
)
def train(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option("--out", help=_("Folder to save the model to."))],
    root: RootOption = None,
    set_: SetOption = None,
    init_from: Annotated[
        Path | None,
        typer.Option(
            "--init-from",
            help=_("Saved model to continue training: its network and labels, with the recipe's data."),
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option("--tensorboard", help=_("Folder for TensorBoard logs."))
    ] = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    require_recipe_and_corpus(recipe, set_, root, allow_plugins)
    if init_from is not None:
        require_model(init_from)
    from sentir import api
    from sentir.cli import output
    from sentir.cli.scores_output import print_scores
    from sentir.cli.training_output import print_training
    from sentir.progress import show_progress

    loaded = api.load_recipe(recipe, set_ or ())
    _make_output_folder(out)
    with handle_interrupts(), show_progress():
        model, scores = api.train(loaded, root=root, out=out, init_from=init_from, tensorboard=tensorboard)
    if json:
        output.print_json([scores.to_row()])
    else:
        print_training(model.facts)
        print_scores([scores])
        output.print_line(_("Saved to {folder}.", folder=out))


add_tune(app)


@app.command(
    help=_("Evaluate a saved model on a split. Test is locked and needs --reason."),
    epilog=_("Example: sentir evaluate models/mine --root DATA/meld --split dev"),
)
def evaluate(
    model: ModelArgument,
    root: RootOption = None,
    corpus: CorpusOption = None,
    split: SplitOption = "dev",
    reason: ReasonOption = "",
    analyze: Annotated[
        bool, typer.Option("--analyze", help=_("Also print calibration, scores by slice, and errors."))
    ] = False,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_corpus_plugins(corpus, allow_plugins)
    require_model_and_corpus(model, corpus, root)
    from sentir import api
    from sentir.cli import output
    from sentir.cli.analysis_output import print_analysis
    from sentir.cli.scores_output import print_scores
    from sentir.progress import show_progress

    with show_progress():
        if analyze:
            scores, analysis = api.analyze(model, root=root, corpus=corpus, split=split, reason=reason)
        else:
            scores, analysis = api.evaluate(model, root=root, corpus=corpus, split=split, reason=reason), None
    if json:
        extra = {"analysis": output.dataclass_to_dict(analysis)} if analysis else {}
        output.print_json([scores.to_row() | extra])
    else:
        print_scores([scores], per_label=True)
        if analysis:
            print_analysis(analysis)


add_explain(app)


@app.command(
    help=_("Compare two saved models. They are scored on the same utterances, paired by dialogue."),
    epilog=_("Example: sentir compare models/a models/b --root DATA/meld --split dev"),
)
def compare(
    a: ModelArgument,
    b: ModelArgument,
    root: RootOption = None,
    split: SplitOption = "dev",
    reason: ReasonOption = "",
    metric: Annotated[
        str | None,
        typer.Option("--metric", help=_("Metric to compare by; default: the one that selected the first model.")),
    ] = None,
    plugin: PluginOption = None,
    json: JsonOption = False,
) -> None:
    require_model_and_corpus(a, None, root)
    require_model(b)
    from sentir import api
    from sentir.cli import output
    from sentir.cli.scores_output import print_scores
    from sentir.progress import show_progress

    with show_progress():
        first, second, comparison = api.compare(a, b, root=root, split=split, reason=reason, metric=metric)
    if json:
        output.print_json(
            {"scores": [first.to_row(), second.to_row()], "comparison": output.dataclass_to_dict(comparison)}
        )
    else:
        print_scores([first, second])
        output.print_line(comparison.sentence())


@app.command(
    help=_(
        "Predict texts, files and tables. Files are audio or video, tables CSV, TSV, Parquet or XLSX, "
        "conversations JSON Lines. Exit code 1 if any could not be predicted."
    ),
    epilog=_('Example: sentir predict models/mine --text "I can\'t believe you did that!" clip.mp4'),
)
def predict(
    model: ModelArgument,
    files: Annotated[  # strings, as Path("") would be the working folder
        list[str] | None,
        typer.Argument(help=_("Audio or video files, folders of them, tables, or conversations.")),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option("--text", help=_("A text; may be repeated. Texts and as many clips are paired, in order.")),
    ] = None,
    text_column: TextColumnOption = None,
    speaker_column: SpeakerColumnOption = None,
    dialogue_column: DialogueColumnOption = None,
    audio_column: AudioColumnOption = None,
    id_column: IdColumnOption = None,
    start_column: StartColumnOption = None,
    end_column: EndColumnOption = None,
    turn_column: TurnColumnOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help=_("Table to write (.csv, .tsv, .parquet, .jsonl or .xlsx).")),
    ] = None,
    abstain: Annotated[
        bool, typer.Option("--abstain", help=_("Mark predictions below the model's confidence threshold."))
    ] = False,
    plugin: PluginOption = None,
    json: JsonOption = False,
) -> None:
    if text or files:
        require_files(files or ())
        require_model(model)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    if out is not None:
        _check_output_table(out, files or [])
    columns = {
        "text": text_column, "speaker": speaker_column, "dialogue": dialogue_column, "audio": audio_column,
        "id": id_column, "start": start_column, "end": end_column, "turn": turn_column,
    }  # fmt: skip
    with show_progress():
        predictions = api.predict(model, texts=text or (), files=files or (), columns=columns, abstain=abstain)
    if out is not None:
        output.print_written(predictions, out, api.write_predictions(predictions, out))
    if json:
        output.print_json([output.dataclass_to_dict(row) for row in predictions])
    elif out is None:
        output.print_predictions(predictions)
    if any(row.problem for row in predictions):
        raise typer.Exit(1)
