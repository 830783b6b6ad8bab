"""The files of a study, and the check before training that they can be written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.errors import SentirError
from sentir.evaluation.scoring import write_results, write_rows
from sentir.i18n import _
from sentir.io import atomic_write, refuse_folder, write_errors, write_text
from sentir.paths import to_file_name
from sentir.recipe import Recipe, dump_toml, format_toml_comment, relativize_paths
from sentir.report.corpus_summary import summarize_corpus
from sentir.report.saving import REPORT_FILES, dry_run_report
from sentir.study.collect import all_comparisons, report_titles, score_rows
from sentir.study.results import CorpusStudy

REPORT_FILE = "report.html"
_RESULTS_FILE, _COMPARISONS_FILE, _ANALYSES_FILE = "results.json", "comparisons.json", "analyses.json"
_MIN_FREE_BYTES = 64 * 2**20  # that the report and the results of a study may take


def model_folder(out: Path, corpus: str, task: str) -> Path:
    """Return the folder of the best candidate of a task."""
    return out / "models" / to_file_name(corpus, task)


def recipe_file(out: Path, recipe: Recipe) -> Path:
    """Return the file of a resolved recipe."""
    return out / "recipes" / f"{to_file_name(recipe.name)}.toml"


def check_outputs(out: Path, corpora: Sequence[Corpus], recipes: Sequence[Recipe]) -> None:
    """Check that everything a study writes at its end can be written: folders, files, disk space, the report.

    The check leaves no files.

    Raises:
        SentirError: naming what cannot be written, or why the report cannot be rendered.
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
        with write_errors(path):
            refuse_folder(path)
    _check_disk_space(out)
    dry_run_report(
        report_titles(recipes),
        [summarize_corpus(corpus, with_audio=False) for corpus in corpora],
        {corpus.name: recipe.to_dict() for corpus, recipe in zip(corpora, recipes, strict=True)},
    )


def _check_folder(folder: Path) -> None:
    """Create a folder and a file in it, and remove what was created."""
    created = [one for one in (folder, *folder.parents) if not one.exists()]
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / ".written") as draft:
            draft.write_bytes(b"x")
        (folder / ".written").unlink(missing_ok=True)  # by another run of this study
    for one in created:
        with suppress(OSError):  # another study is using it
            one.rmdir()


def _check_disk_space(folder: Path) -> None:
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    if (free := shutil.disk_usage(existing).free) < _MIN_FREE_BYTES:
        raise SentirError(
            _("{folder} has {free} MB of free space, a study needs {n}; free some, or give another --out.",
              folder=folder, free=free // 10**6, n=_MIN_FREE_BYTES // 10**6)
        )  # fmt: skip


def save_results(out: Path, studies: Sequence[CorpusStudy]) -> None:
    """Write scores, comparisons, error analyses, and each resolved recipe, with which the run can be repeated.

    Raises:
        SentirError: if they cannot be written.
    """
    comparisons = [one for study in studies for one in all_comparisons(study)]
    write_results(out / _RESULTS_FILE, [row for study in studies for row in score_rows(study)], comparisons)
    write_rows(out / _ANALYSES_FILE, [one for study in studies for one in study.analyses])
    for study in studies:
        comment = format_toml_comment(f"fingerprint of the corpus: {study.corpus.fingerprint}")
        _write_file(
            recipe_file(out, study.recipe),
            f"{comment}{dump_toml(relativize_paths(study.recipe.to_dict(), out / 'recipes'))}\n",
        )


def _write_file(path: Path, text: str) -> None:
    with write_errors(path):
        path.parent.mkdir(exist_ok=True)
        write_text(path, text)


@contextmanager
def report_errors(out: Path) -> Iterator[None]:
    """Turn errors of writing the report into one sentence, which says that the results are saved.

    Raises:
        SentirError: with the cause, and how to get the report.
    """
    try:
        yield
    except (SentirError, OSError) as error:
        raise SentirError(
            _("The study is done and its results are in {folder}, but its report cannot be written ({why}); fix "
              "that and run the same command again: nothing is trained or evaluated on test again.",
              folder=out, why=str(error).rstrip("."))
        ) from error  # fmt: skip
