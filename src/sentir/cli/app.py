"""The commands. Each calls a public function and prints its result; heavy imports are made only then."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
from sentir.cli.bench import bench
from sentir.cli.browser import open_page
from sentir.cli.cache import cache
from sentir.cli.card import card
from sentir.cli.corpus import corpus
from sentir.cli.demo import demo
from sentir.cli.doctor import doctor
from sentir.cli.embed import embed
from sentir.cli.explain import explain
from sentir.cli.export import export
from sentir.cli.interrupts import handle_interrupts
from sentir.cli.laboratory import LaboratoryCommand
from sentir.cli.options import (
    CorpusOption,
    JsonOption,
    ModelArgument,
    OpenOption,
    ReasonOption,
    RecipeArgument,
    RevisionOption,
    RootOption,
    RunFolderOption,
    SetOption,
    SplitOption,
    TaskOption,
)
from sentir.cli.plugins import AllowPluginsOption, PluginOption, load_allowed_plugins, load_corpus_plugins
from sentir.cli.predict import predict
from sentir.cli.push import push
from sentir.cli.serve import serve
from sentir.cli.timeline import timeline
from sentir.cli.tune import tune
from sentir.cli.usage_errors import CommandGroup
from sentir.i18n import _
from sentir.paths import to_file_name
from sentir.progress import show_progress
from sentir.recognizer.hub import at_revision

app = typer.Typer(
    cls=CommandGroup,
    help=_("Emotion recognition from text and audio: train, evaluate, explain, predict."),
    epilog=_("Example: sentir study recipes/meld-text.toml --root DATA. Spanish: --lang es."),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(epilog=_("Example: sentir study recipes/meld-text.toml --root DATA. Spanish: --lang es."))
def _global_options(
    lang: Annotated[str | None, typer.Option(help=_("Language of the output: en or es."))] = None,
    version: Annotated[bool, typer.Option("--version", help=_("Print the version and exit."))] = False,
) -> None:
    """Declare the global options for --help; both are handled before this runs."""


app.command(
    cls=LaboratoryCommand,
    help=_("Write synthetic corpora with speech. They have the formats of MELD and CMU-MOSEI."),
    epilog=_("Example: sentir demo --out DATA/demo"),
)(demo)


@app.command(
    cls=LaboratoryCommand,
    help=_(
        "Run a study and write its report. It trains baselines and candidates, selects on dev and evaluates on "
        "test once."
    ),
    epilog=_("Example: sentir study recipes/meld-text.toml --root DATA/meld --out runs/meld-text"),
)
def study(
    recipes: Annotated[list[Path], typer.Argument(help=_("One or more recipes, for one report."))],
    root: RootOption = None,
    out: RunFolderOption = None,
    set_: SetOption = None,
    accept_grade: Annotated[
        bool, typer.Option("--accept-grade", help=_("Use a corpus even if its audit grade is D or E."))
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help=_("Worker processes; default: one per core."))
    ] = None,
    open_: OpenOption = False,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    for path in recipes:
        load_allowed_plugins(path, set_, allow_plugins)
    from sentir import api
    from sentir.cli.scores_output import print_study

    loaded = [api.load_recipe(path, set_ or ()) for path in recipes]
    folder = out or Path("runs") / to_file_name("+".join(recipe.name for recipe in loaded))
    with handle_interrupts(), show_progress():
        report = api.run_study(loaded, root=root, out=folder, accept_grade=accept_grade, workers=workers)
    if json:
        output.print_json([row.to_row() for row in report.scores])
    else:
        print_study(report, folder)
    if open_:
        open_page(folder / "report.html")


@app.command(
    cls=LaboratoryCommand,
    help=_("Train a model and save it. Its best epoch is selected on dev."),
    epilog=_("Example: sentir train recipes/meld-text.toml --root DATA/meld --out models/mine"),
)
def train(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option(help=_("Folder to save the model to."))],
    root: RootOption = None,
    set_: SetOption = None,
    init_from: Annotated[
        str | None,
        typer.Option(help=_("Saved model to continue training: its network and labels, with the recipe's data.")),
    ] = None,
    tensorboard: Annotated[Path | None, typer.Option(help=_("Folder for TensorBoard logs."))] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help=_("Processes that train the folds of a stacked model; default: one per core.")),
    ] = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_allowed_plugins(recipe, set_, allow_plugins)
    from sentir import api
    from sentir.cli.scores_output import print_scores, print_training

    loaded = api.load_recipe(recipe, set_ or ())
    with handle_interrupts(), show_progress():
        model, scores = api.train(
            loaded, root=root, out=out, init_from=init_from, tensorboard=tensorboard, workers=workers
        )
    if json:
        output.print_json([scores.to_row()])
    else:
        print_training(model.facts)
        print_scores([scores])
        output.print_line(_("Saved to {folder}.", folder=out))


app.command(
    cls=LaboratoryCommand,
    help=_(
        "Tune the settings of a recipe. The best ones are saved as a recipe; test is not used. Run it again "
        "to resume, or several times at once to share the trials."
    ),
    epilog=_("Example: sentir tune recipes/tune-meld-text.toml --root DATA/meld --trials 20"),
)(tune)


@app.command(
    cls=LaboratoryCommand,
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
    task: TaskOption = None,
    revision: RevisionOption = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    saved = at_revision(model, revision)
    load_corpus_plugins(corpus, allow_plugins)
    from sentir import api
    from sentir.cli.scores_output import print_analysis, print_scores

    with show_progress():
        result = (api.analyze if analyze else api.evaluate)(
            saved, root=root, corpus=corpus, split=split, reason=reason, task=task
        )
    scores, analysis = result if isinstance(result, tuple) else (result, None)
    if json:
        output.print_json([scores.to_row() | ({"analysis": asdict(analysis)} if analysis else {})])
    else:
        print_scores([scores], per_label=True)
        if analysis:
            print_analysis(analysis)


app.command(
    cls=LaboratoryCommand,
    help=_(
        "Explain a prediction by its words and audio. With --root and without --id: measure on dev which "
        "inputs matter to the model."
    ),
    epilog=_('Example: sentir explain models/mine --text "I can\'t believe it!" --html why.html'),
)(explain)


@app.command(
    cls=LaboratoryCommand,
    help=_("Compare two saved models. They are scored on the same utterances, paired by dialogue."),
    epilog=_("Example: sentir compare models/a models/b --root DATA/meld --split dev"),
)
def compare(
    a: ModelArgument,
    b: ModelArgument,
    root: RootOption = None,
    corpus: CorpusOption = None,
    split: SplitOption = "dev",
    reason: ReasonOption = "",
    metric: Annotated[
        str | None, typer.Option(help=_("Metric to compare by; default: the one that selected the first model."))
    ] = None,
    plugin: PluginOption = None,
    json: JsonOption = False,
) -> None:
    from sentir import api
    from sentir.cli.scores_output import print_scores

    with show_progress():
        first, second, comparison = api.compare(
            a, b, root=root, corpus=corpus, split=split, reason=reason, metric=metric
        )
    if json:
        output.print_json({"scores": [first.to_row(), second.to_row()], "comparison": asdict(comparison)})
    else:
        print_scores([first, second])
        output.print_line(comparison.sentence())


app.command(
    help=_(
        "Predict texts, files and tables. Files are audio or video, tables CSV, TSV, Parquet or XLSX, "
        "conversations JSON Lines. Exit code 1 if any could not be predicted."
    ),
    epilog=_('Example: sentir predict models/mine --text "I can\'t believe you did that!" clip.mp4'),
)(predict)

app.command(
    help=_(
        "Embed texts, files and tables. Writes the vectors before the model's last layer. Exit code 1 if any "
        "could not be embedded."
    ),
    epilog=_("Example: sentir embed models/mine talks.csv --out vectors.npy"),
)(embed)

app.command(
    help=_(
        "Predict recordings and conversations turn by turn. Turns are found by voice activity or given by "
        "--turns. Each timeline is written as JSON, and in other formats. Exit code 1 if any could not be made."
    ),
    epilog=_("Example: sentir timeline models/mine talk.mp3 --format srt --format html"),
)(timeline)

app.command(
    help=_(
        "Export a model to ONNX, so that it predicts without torch. It is written only if it predicts as the "
        "trained model does."
    ),
    epilog=_("Example: sentir export models/mine --root DATA/meld --out models/mine-onnx --int8"),
)(export)

app.command(
    help=_(
        "Push a saved model to the Hugging Face hub. It needs a token with write access: run 'hf auth login', or "
        "set HF_TOKEN."
    ),
    epilog=_("Example: sentir push models/mine ana/meld-text --private"),
)(push)

app.command(
    help=_("Print the card of a saved model. With --compliance: what a deployer of it needs to know."),
    epilog=_("Example: sentir card models/mine --compliance --out compliance.md"),
)(card)

app.command(
    help=_("Serve saved models over HTTP, with a page. Predicts texts, recordings and live streams."),
    epilog=_("Example: sentir serve models/mine --purpose research"),
)(serve)

app.command(
    help=_(
        "Check this installation. Looks at versions, codecs, accelerator, memory, disk, caches, ledger, hub and "
        "Kaggle. Exit code 1 if something does not work."
    ),
    epilog=_("Example: sentir doctor --offline"),
)(doctor)

app.command(
    help=_(
        "Measure the speed of predicting and training. It uses one core of this machine, and compares it with "
        "another one's. Exit code 1 if a benchmark fails."
    ),
    epilog=_("Example: sentir bench --out here.json --compare there.json"),
)(bench)

app.add_typer(corpus, name="corpus")
app.add_typer(cache, name="cache")
