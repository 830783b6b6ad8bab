"""The commands, each in a module of its own, which calls a public function and prints its result."""

from __future__ import annotations

from typing import Annotated

import typer

from sentir.cli.bench import bench
from sentir.cli.cache import cache
from sentir.cli.card import card
from sentir.cli.corpus import corpus
from sentir.cli.demo import demo
from sentir.cli.doctor import doctor
from sentir.cli.embed import embed
from sentir.cli.evaluate import compare, evaluate
from sentir.cli.explain import explain
from sentir.cli.export import export
from sentir.cli.laboratory import LaboratoryCommand
from sentir.cli.predict import predict
from sentir.cli.push import push
from sentir.cli.serve import serve
from sentir.cli.study import study
from sentir.cli.timeline import timeline
from sentir.cli.train import train
from sentir.cli.tune import tune
from sentir.cli.usage_errors import CommandGroup
from sentir.i18n import _

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

app.command(
    cls=LaboratoryCommand,
    help=_(
        "Run a study and write its report. It trains baselines and candidates, selects on dev and evaluates on "
        "test once."
    ),
    epilog=_("Example: sentir study recipes/meld-text.toml --root DATA/meld --out runs/meld-text"),
)(study)

app.command(
    cls=LaboratoryCommand,
    help=_("Train a model and save it. Its best epoch is selected on dev."),
    epilog=_("Example: sentir train recipes/meld-text.toml --root DATA/meld --out models/mine"),
)(train)

app.command(
    cls=LaboratoryCommand,
    help=_(
        "Tune the settings of a recipe. The best ones are saved as a recipe; test is not used. Run it again "
        "to resume, or several times at once to share the trials."
    ),
    epilog=_("Example: sentir tune recipes/tune-meld-text.toml --root DATA/meld --trials 20"),
)(tune)

app.command(
    cls=LaboratoryCommand,
    help=_("Evaluate a saved model on a split. Test is locked and needs --reason."),
    epilog=_("Example: sentir evaluate models/mine --root DATA/meld --split dev"),
)(evaluate)

app.command(
    cls=LaboratoryCommand,
    help=_(
        "Explain a prediction by its words and audio. With --root and without --id: measure on dev which "
        "inputs matter to the model."
    ),
    epilog=_('Example: sentir explain models/mine --text "I can\'t believe it!" --html why.html'),
)(explain)

app.command(
    cls=LaboratoryCommand,
    help=_("Compare two saved models. They are scored on the same utterances, paired by dialogue."),
    epilog=_("Example: sentir compare models/a models/b --root DATA/meld --split dev"),
)(compare)

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
