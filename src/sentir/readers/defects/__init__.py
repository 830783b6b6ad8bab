"""Known defects of published corpora, as data: ``<corpus>.json``, one file for each corpus.

An entry names utterances, says what is wrong with them in every language and where that is known from, and what
is done: ``report`` lists it, ``drop_audio`` also takes clip and length away, so that the text stays usable.
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
from sentir.corpus.utterances import Issue, Utterance
from sentir.i18n import LANGUAGES, get_language


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Defect:
    """Something wrong with some utterances as their authors published them.

    Attributes:
        ids: the utterances, ``meld/train/dia125/utt3``.
        kind: the ``kind`` of the issues it gives.
        messages: language → one sentence.
        action: ``report`` or ``drop_audio``.
        source: where it is known from.
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
        pydantic.ValidationError: if the file is none of ours.
    """
    content = files(__package__).joinpath(f"{corpus}.json").read_text(encoding="utf-8")
    return _DefectsFile.model_validate_json(content).defects


def apply_defects(corpus: Corpus, defects: Sequence[Defect]) -> Corpus:
    """Apply defects to the utterances they name and list each; ids that are not there are passed over.

    Returns:
        The same utterances in their order, some without clip and length. Its fingerprint stays that of what was
        published, so that results from before a defect was known can be told to be of the same corpus.
    """
    wrong = {key for defect in defects if defect.action == "drop_audio" for key in defect.ids}
    rows = tuple(_without_audio(u) if u.id in wrong else u for u in corpus)
    listed = (
        Issue(defect.kind, "warning", defect.messages[get_language()], key)
        for defect in defects
        for key in defect.ids
        if key in corpus.by_id
    )
    return replace(corpus, utterances=rows, issues=(*corpus.issues, *listed))


def _without_audio(u: Utterance) -> Utterance:
    numbers = {name: number for name, number in u.numeric_features.items() if name != "duration"}
    return replace(u, clip=None, numeric_features=numbers)
