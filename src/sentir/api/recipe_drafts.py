"""The verb that writes a first recipe for a table."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.corpus.language_detection import ENGLISH, detect_language, language_name
from sentir.corpus.utterances import SPLITS
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import write_text
from sentir.logs import logger
from sentir.paths import PathLike
from sentir.preflight import require_files
from sentir.readers import read_corpus
from sentir.readers.layouts import recognize_layout
from sentir.readers.table.reader import find_table_seed
from sentir.recipe import DataSettings, Recipe, resolve_paths
from sentir.table_inspection.draft import draft_recipe
from sentir.table_inspection.inspection import TableInspection, inspect_table
from sentir.timelines.corrections import write_corpus_table

_ANNOTATION_SUFFIXES = (".eaf", ".textgrid", ".rttm", ".json")


@dataclass(frozen=True)
class RecipeDraft:
    """A recipe that was written for a table.

    Attributes:
        path: of the recipe.
        inspection: of the table; its warnings include those of reading it with the recipe.
        splits: number of utterances in train, dev and test.
    """

    path: Path
    inspection: TableInspection
    splits: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "recipe": str(self.path),
            "table": str(self.inspection.path),
            "num_rows": self.inspection.num_rows,
            "task": self.inspection.task,
            "splits": self.splits,
            "columns": [asdict(one) for one in self.inspection.columns],
            "questions": self.inspection.questions,
            "suggestions": self.inspection.suggestions,
            "language": self.inspection.language,
            "warnings": list(self.inspection.warnings),
        }


def init_recipe(table: PathLike, *, out: PathLike | None = None, force: bool = False) -> RecipeDraft:
    """Inspect a table and write a recipe for it that runs as it is; open questions are comments in the recipe.

    A folder with the layout of a published corpus gets a recipe with its reader.

    Args:
        table: a table, as `sentir.files.tables.load_rows` takes it; or the folder of a published corpus; or
            corrected annotations (ELAN, TextGrid, RTTM or JSON of Label Studio), the labeled turns of which are
            first written as ``NAME.csv`` beside them.
        out: the recipe, by default named after the table, in the working folder.
        force: whether to replace an existing file.

    Raises:
        CorpusError: if the table cannot be read, or has no labels, or neither texts nor clips.
        SentirError: if the recipe exists or cannot be written.
    """
    require_files([table])
    table = _as_table(Path(table))
    path = Path(out or f"{table.stem}.toml")
    if path.suffix != ".toml":
        raise SentirError(_("A recipe must be a .toml file; {path} is not.", path=path))
    if path.exists() and not force:
        raise SentirError(
            _("{path} exists; choose another file with --out, or replace it with --force.", path=path)
        )
    inspection = _inspect(table)
    settings = resolve_paths(tomllib.loads(draft_recipe(inspection, path.parent)), path.parent)
    recipe = Recipe.parse({"name": path.stem} | settings, where=str(path))
    seed = find_table_seed(recipe.data.root or table, recipe.data, 0) if recipe.data.table else None
    if seed:
        inspection = replace(inspection, settings={**inspection.settings, "seed": seed})
        recipe = recipe.override({"data": {"table": {"seed": seed}}})
    corpus = read_corpus(recipe.data)
    inspection = replace(inspection, warnings=(*inspection.warnings, *_study_warnings(corpus, recipe.data.task)))
    language = detect_language([u.text for u in corpus])
    if language not in (None, ENGLISH):
        inspection = replace(inspection, language=language_name(str(language)))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, draft_recipe(inspection, path.parent))
    return RecipeDraft(path, inspection, {split: len(corpus.split(split)) for split in SPLITS})


def _inspect(path: Path) -> TableInspection:
    """Inspect a table, or read a folder that has the layout of a published corpus."""
    reader = recognize_layout(path) if path.is_dir() else None
    if reader is None:
        return inspect_table(path)
    corpus = read_corpus(DataSettings(reader=reader, root=path, audio=True))
    has_text = any(u.text is not None for u in corpus)
    has_dialogues = len(corpus.dialogues) < len(corpus)
    return TableInspection(
        path,
        len(corpus),
        (),
        "emotion",
        any(u.clip is not None for u in corpus),
        {**({"text": "text"} if has_text else {}), **({"dialogue": "dialogue"} if has_dialogues else {})},
        {},
        (),
        {},
        reader=reader,
    )


def _as_table(path: Path) -> Path:
    """Return a table; annotations are written as one."""
    if not path.name.lower().endswith(_ANNOTATION_SUFFIXES):
        return path
    table = path.with_name(f"{path.name.partition('.')[0]}.csv")
    write_corpus_table(path, table)
    logger.info(_("Written: {path}", path=table))
    return table


def _study_warnings(corpus: Corpus, task: str) -> Iterator[str]:
    """Yield warnings about random splits, and about what would prevent or weaken a study of the corpus."""
    yield from (issue.message for issue in corpus.issues if issue.kind in ("split_generated", "split_small"))
    for split in ("dev", "test"):
        rows = corpus.split(split)
        speakers = {u.speaker for u in corpus} - {None}
        if split == "test" and not rows:
            yield _("There are no test rows, so models cannot be scored on unseen data; the study ends on dev.")
        elif len({u.dialogue for u in rows}) < 2:
            yield _(
                "{split} has fewer than 2 dialogues (or rows without a dialogue), too few for a study.",
                split=split,
            )
        elif len(speakers) > 1 and len({u.speaker for u in rows} - {None}) < 2:
            yield _("{split} has fewer than 2 speakers; its scores may not generalize to others.", split=split)
    counts = Counter(name for u in corpus.train for name in u.labels.get(task, ()))
    if rare := [name for name in corpus.label_space(task).names if counts[name] < 2]:
        yield _("Labels with fewer than 2 train rows, which cannot be learned: {names}.", names=", ".join(rare))
    if unlabeled := sum(task not in u.labels for u in (*corpus.train, *corpus.dev)):
        yield _("Unlabeled rows in train and dev: {n}.", n=unlabeled)
