"""Known defects of published corpora, as data: ``<corpus>.json``, one file for each corpus.

An entry lists utterances, describes the defect in every language, and gives its source and an action: ``report``
lists it as an issue, ``drop_audio`` also removes clip and duration, so that only the text is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Issue
from sentir.i18n import LANGUAGES, get_language


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Defect:
    """A defect of some utterances as published by the authors.

    Attributes:
        ids: the utterances, ``meld/train/dia125/utt3``.
        kind: the ``kind`` of its issues.
        messages: language → one sentence.
        action: ``report`` or ``drop_audio``.
        source: where it was reported or measured.
    """

    ids: tuple[str, ...]
    kind: str
    messages: Mapping[str, str]
    action: Literal["report", "drop_audio"]
    source: str

    def __post_init__(self) -> None:
        if set(self.messages) != set(LANGUAGES):
            raise ValueError(f"{self.kind}: 'messages' needs a sentence in each of {', '.join(LANGUAGES)}")


class _DefectsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    corpus: str
    defects: tuple[Defect, ...] = Field(min_length=1)


@cache
def load_defects(corpus: str) -> tuple[Defect, ...]:
    """Return the known defects of a corpus such as ``meld``.

    Raises:
        FileNotFoundError: if there is no file for it.
        pydantic.ValidationError: if the file does not have this format.
    """
    content = files(__package__).joinpath(f"{corpus}.json").read_text(encoding="utf-8")
    return _DefectsFile.model_validate_json(content).defects


def apply_defects(corpus: Corpus, defects: Sequence[Defect]) -> Corpus:
    """Apply defects to their utterances and list them as issues; unknown ids are ignored.

    Returns:
        The same utterances in order, some without clip and duration. The fingerprint does not change, so that
        results from before a defect was known are recognized as of the same corpus.
    """
    wrong = {key for defect in defects if defect.action == "drop_audio" for key in defect.ids}
    rows = [
        replace(u, clip=None, numeric_features={k: n for k, n in u.numeric_features.items() if k != "duration"})
        if u.id in wrong
        else u
        for u in corpus
    ]
    new_issues = (
        Issue(defect.kind, "warning", defect.messages[get_language()], key)
        for defect in defects
        for key in defect.ids
        if key in corpus.by_id
    )
    return replace(corpus, utterances=tuple(rows), issues=(*corpus.issues, *new_issues))
