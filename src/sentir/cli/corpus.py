"""The commands ``sentir corpus …``."""

from __future__ import annotations

import typer

from sentir.cli.corpus_audit import audit
from sentir.cli.corpus_clean import clean
from sentir.cli.corpus_get import get
from sentir.cli.corpus_init import init
from sentir.cli.corpus_prepare import prepare
from sentir.cli.corpus_show import show
from sentir.cli.corpus_tables import export, redraw
from sentir.cli.laboratory import LaboratoryCommand
from sentir.cli.usage_errors import CommandGroup
from sentir.i18n import _

corpus = typer.Typer(
    cls=CommandGroup,
    help=_("Download, audit and prepare corpora. Or start with your own table."),
    epilog=_("Example: sentir corpus audit meld --root DATA/meld --html audit.html"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
corpus.command(
    cls=LaboratoryCommand,
    help=_(
        "Audit and grade a corpus. Checks counts, defects, duplicates, leakage and audio. Exit code 1 if "
        "there are problems."
    ),
    epilog=_("Example: sentir corpus audit meld --root DATA/meld --html audit.html"),
)(audit)
corpus.command(
    help=_("Download a corpus, or resume a download."),
    epilog=_("Example: sentir corpus get meld --source original --out DATA/meld"),
)(get)
corpus.command(
    help=_("Show an utterance. Prints its context, labels, features, clip, issues and spectrogram."),
    epilog=_("Example: sentir corpus show meld/train/dia0/utt3 --corpus meld --root DATA/meld"),
)(show)
corpus.command(
    help=_("Preview text cleaning, step by step. The corpus is not changed."),
    epilog=_("Example: sentir corpus clean meld --root DATA/meld --steps thesis --examples 5"),
)(clean)
corpus.command(
    help=_("Write a corpus as one table. The labels of test are left out."),
    epilog=_("Example: sentir corpus export meld --root DATA/meld --out meld.parquet"),
)(export)
corpus.command(
    help=_("Write a recipe for your own table. Open questions are comments in it."),
    epilog=_("Example: sentir corpus init talks.csv --out talks.toml"),
)(init)
corpus.command(
    cls=LaboratoryCommand,
    help=_("Redraw the random test split of your own table. Every report shows it."),
    epilog=_('Example: sentir corpus redraw talks.toml --reason "100 rows were mislabeled"'),
)(redraw)
corpus.command(
    cls=LaboratoryCommand,
    help=_(
        "Decode all clips into the audio store. Training and prediction use it. Exit code 1 if a clip cannot be "
        "used."
    ),
    epilog=_("Example: sentir corpus prepare meld --root DATA/meld"),
)(prepare)
