"""What a study leaves in its folder, and that it can be left there, known before anything is trained."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.errors import SentirError
from sentir.evaluation.scoring import write_results, write_rows
from sentir.i18n import _
from sentir.io import atomic_write, write_errors, write_text
from sentir.paths import to_file_name
from sentir.recipe import Recipe, dump_toml, format_toml_comment, relativize_paths
from sentir.report.corpus_summary import summarize_corpus
from sentir.report.saving import REPORT_FILES, dry_run_report
from sentir.study.collect import all_comparisons, report_titles, score_rows
from sentir.study.results import CorpusStudy

REPORT_FILE, _RESULTS_FILE, _COMPARISONS_FILE, _ANALYSES_FILE = (
    "report.html",
    "results.json",
    "comparisons.json",
    "analyses.json",
)
_MIN_FREE_BYTES = 64 * 2**20  # bytes that the report and the results of a study may take


def model_folder(out: Path, corpus: str, task: str) -> Path:
    """Return the folder of a finalist."""
    return out / "models" / to_file_name(corpus, task)


def recipe_file(out: Path, recipe: Recipe) -> Path:
    """Return the file of a resolved recipe."""
    return out / "recipes" / f"{to_file_name(recipe.name)}.toml"


def check_outputs(out: Path, corpora: Sequence[Corpus], recipes: Sequence[Recipe]) -> None:
    """Check that everything a study leaves at its end can be left: folders, files, room, the report itself.

    Nothing is left by it.

    Raises:
        SentirError: naming what cannot be written, or why the report cannot be drawn.
    """
    models = [
        model_folder(out, corpus.name, task)
        for corpus, recipe in zip(corpora, recipes, strict=True)
        for task in recipe.study.tasks or (recipe.data.task,)
    ]
    for folder in (out, out / "recipes", *models):
        _check_folder(folder)
    files = [out / name for name in (_RESULTS_FILE, _COMPARISONS_FILE, _ANALYSES_FILE, *REPORT_FILES)]
    for path in (*files, *(recipe_file(out, recipe) for recipe in recipes)):
        _check_file(path)
    _check_disk_space(out)
    dry_run_report(
        report_titles(recipes),
        [summarize_corpus(corpus, with_audio=False) for corpus in corpora],
        {corpus.name: recipe.to_dict() for corpus, recipe in zip(corpora, recipes, strict=True)},
    )


def _check_folder(folder: Path) -> None:
    """Make a folder and a file in it, and leave what was there before."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / ".written") as draft:
            draft.write_bytes(b"x")
        (folder / ".written").unlink()
    for place in made:
        with suppress(OSError):  # another study is at work in it
            place.rmdir()


def _check_file(path: Path) -> None:
    with write_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def _check_disk_space(folder: Path) -> None:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if (free := shutil.disk_usage(there).free) < _MIN_FREE_BYTES:
        raise SentirError(
            _("{folder} has room for {free} MB, a study needs {n} at least; make room, or give another --out.",
              folder=folder, free=free // 10**6, n=_MIN_FREE_BYTES // 10**6)
        )  # fmt: skip


def save_results(out: Path, studies: Sequence[CorpusStudy]) -> None:
    """Write scores, comparisons, closer looks, and each resolved recipe, by which the run can be done again.

    Raises:
        SentirError: if they cannot be written.
    """
    compared = [one for part in studies for one in all_comparisons(part)]
    write_results(out / _RESULTS_FILE, [row for part in studies for row in score_rows(part)], compared)
    write_rows(out / _ANALYSES_FILE, [one for part in studies for one in part.analyses])
    for part in studies:
        comment = format_toml_comment(f"fingerprint of the corpus: {part.corpus.fingerprint}")
        _write_file(
            recipe_file(out, part.recipe),
            f"{comment}{dump_toml(relativize_paths(part.recipe.to_dict(), out / 'recipes'))}\n",
        )


def _write_file(path: Path, text: str) -> None:
    with write_errors(path):
        path.parent.mkdir(exist_ok=True)
        write_text(path, text)


@contextmanager
def report_errors(out: Path) -> Iterator[None]:
    """Say of a study whose report cannot be made that its results are kept.

    Raises:
        SentirError: saying what is wrong, and how the report is had.
    """
    try:
        yield
    except (SentirError, OSError) as error:
        raise SentirError(
            _("The study is done and its results are in {folder}, but its report cannot be made ({why}); mend "
              "that and run the same command again: nothing is trained again, and test is not opened again.",
              folder=out, why=str(error).rstrip("."))
        ) from error  # fmt: skip
