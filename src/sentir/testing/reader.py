"""The contract test of readers."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.paths import PathLike
from sentir.readers import read_corpus
from sentir.recipe import DataSettings


def check_reader(name: str, root: PathLike | None = None, **data: Any) -> Corpus:
    """Check the guarantees of every reader on some files, and return the corpus.

    Train and dev have labels of the task; every utterance has a text or a clip, and every clip exists; the turns
    of a dialogue have different numbers; a second call, and a copy of the files elsewhere, give the same
    utterances in the same order; the files stay as they are.

    Args:
        name: a registered reader.
        root: small folder or file of the corpus.
        data: further settings of the recipe's section ``data``, such as ``task`` or the reader's own section.

    Raises:
        AssertionError: naming the guarantee that does not hold.
        SentirError: if the files cannot be read.
    """
    settings = DataSettings(reader=name, **data)
    before = _hash_files(root)
    corpus = read_corpus(settings, root)
    _check_labels(corpus, settings.task)
    _check_utterances(corpus)
    _require_same(corpus, read_corpus(settings, root), "a second call")
    if root is not None:
        with tempfile.TemporaryDirectory() as folder:
            _require_same(corpus, read_corpus(settings, _copy(Path(root), Path(folder))), "a copy of the files")
    assert _hash_files(root) == before, "it changes the files"
    return corpus


def _check_labels(corpus: Corpus, task: str) -> None:
    assert task in corpus.label_spaces, f"the corpus has no task {task!r}; give task=…"
    for split in ("train", "dev"):
        labeled = any(task in u.labels for u in corpus.split(split))
        assert labeled, f"no utterance of {split} has a label of {task}"


def _check_utterances(corpus: Corpus) -> None:
    for u in corpus:
        assert u.text is not None or u.clip is not None, f"{u.id} has neither a text nor a clip"
        assert u.clip is None or u.clip.path.exists(), f"the clip of {u.id} does not exist: {u.clip.path}"
    for key, dialogue in corpus.dialogues.items():
        turns = {u.turn for u in dialogue.utterances}
        assert len(turns) == len(dialogue.utterances), f"two utterances of {key} have the same turn"


def _require_same(corpus: Corpus, other: Corpus, how: str) -> None:
    assert [u.id for u in other] == [u.id for u in corpus], f"{how} gives other ids, or another order"
    assert other.fingerprint == corpus.fingerprint, f"{how} gives other utterances"


def _copy(root: Path, folder: Path) -> Path:
    copy = folder / root.name
    return Path(shutil.copy(root, copy)) if root.is_file() else shutil.copytree(root, copy)


def _hash_files(root: PathLike | None) -> str:
    """Return a hash of the names and contents of files."""
    if root is None:
        return ""
    root, hasher = Path(root), hashlib.sha256()
    for path in [root] if root.is_file() else sorted(root.rglob("*")):
        if path.is_file():
            hasher.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return hasher.hexdigest()
