"""A corpus whose names, labels, speakers, ids and texts contain terminal escapes, markup and TeX."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.safe_text import make_printable

AWKWARD = "\x00\x1b[31m\x7f\x85\u202e\uffff $a_{b}$ $ \\frac{ <b>&amp;\"'</b> %s {x} |"
TASK = f"emotion {AWKWARD}"
LABELS = {name: f"{name} {AWKWARD}" for name in ("joy", "neutral", "sadness")}
_WRITTEN = {".html", ".md", ".json", ".jsonl", ".toml", ".csv", ".svg"}


def awkward(corpus: Corpus, name: str = "../../X/ñ") -> Corpus:
    """Return a valid corpus that is hard to display."""
    truth = {u.id: u.labels for u in corpus} | corpus.sealed._reveal()[0]
    rows = [
        replace(
            u,
            id=f"{u.id}/../{AWKWARD}",
            dialogue=f"{u.dialogue}{AWKWARD}",
            speaker=f"{u.speaker}{AWKWARD}",
            text=f"{u.text} {AWKWARD}\n\tend",
            labels={"emotion": (LABELS[truth[u.id]["emotion"][0]],)},
        )
        for u in corpus
    ]
    return Corpus.build(name, rows, [SingleLabelSpace("emotion", tuple(LABELS.values()))])


def raw(text: str) -> str:
    """Return the characters of a text that must not be displayed."""
    return "".join(letter for letter in text if make_printable(letter) != letter and letter != "\r")


def written(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text file below a folder, except those of a tokenizer."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in _WRITTEN and path.is_file() and "encoder" not in path.parts:
            yield path, path.read_bytes().decode()
