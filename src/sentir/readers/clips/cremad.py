"""CREMA-D: 91 actors say twelve sentences in six emotions; raters voted on the voice, the face and both.

File names, the columns of the votes and counts: https://github.com/CheyneyComputerScience/CREMA-D. Rows of
``tabulatedVotes.csv`` whose number begins with 1 are votes on the voice (``tabulateVotesV2.r``). There is no
official split, and EmoBox's has all 91 actors in train and test; the split here is random by actor, of our own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Issue, Labels, Utterance
from sentir.errors import CorpusError
from sentir.files.cells import parse_number
from sentir.files.corpus_tables import read_csv_rows
from sentir.files.media_files import walk_folders
from sentir.i18n import _
from sentir.readers.clips.layout import ClipLayout, read_clips
from sentir.recipe import CremadSettings, DataSettings

_VOTES = {"A": "anger", "D": "disgust", "F": "fear", "H": "joy", "N": "neutral", "S": "sadness"}
_VOTES_FILE, _ACTORS_FILE = "tabulatedVotes.csv", "VideoDemographics.csv"
_VOICE_ROW = "1"  # first digit of the number of a row with votes on the voice

LAYOUT = ClipLayout(
    name="cremad",
    pattern=re.compile(
        r"(?P<speaker>10[0-8]\d|109[01])_(?P<sentence>[A-Z]{3})_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)"
        r"_(?P<level>LO|MD|HI|XX?)"
    ),
    example="1001_IEO_ANG_HI.wav",
    emotions={
        "ANG": "anger",
        "DIS": "disgust",
        "FEA": "fear",
        "HAP": "joy",
        "NEU": "neutral",
        "SAD": "sadness",
    },
    published=7442,
    seed=42,
    slices={
        "intensity": (
            "level",
            {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified", "X": "unspecified"},
        )
    },
    has_defects=True,
)


def read(root: Path, data: DataSettings) -> Corpus:
    """Read the clips; with ``tabulatedVotes.csv``, ``scores`` are the shares of the raters' votes on the voice.

    With ``data.cremad.label = "voted"`` the label is the emotion with most votes, and none if two have as many.

    Raises:
        CorpusError: if there is no clip, a table is not as published, or the votes are needed and missing.
    """
    tables = {name: folder / name for folder, names in reversed(walk_folders(root)) for name in names}
    issues: list[Issue] = []
    votes = _read_votes(tables.get(_VOTES_FILE), root, issues)
    voted = data.settings_of(CremadSettings).label == "voted"
    if voted and not votes:
        raise CorpusError(
            _("Under {root} there is no {file}, which 'data.cremad.label' = \"voted\" needs; get it from the "
              "authors' repository, or use \"intended\".", root=root, file=_VOTES_FILE)
        )  # fmt: skip

    def annotate(u: Utterance) -> Utterance:
        shares = votes.get(u.id.removeprefix(f"{LAYOUT.name}/"), {})
        return replace(u, scores=shares, labels=_voted_labels(u, shares, issues) if voted else u.labels)

    genders = _read_genders(tables.get(_ACTORS_FILE), issues)
    corpus = read_clips(LAYOUT, root, data, annotate=annotate, genders=genders)
    return replace(corpus, issues=(*corpus.issues, *issues))


def _voted_labels(u: Utterance, shares: Mapping[str, float], issues: list[Issue]) -> Labels:
    most = [name for name, share in shares.items() if share == max(shares.values())]
    if len(most) == 1:
        return {"emotion": (most[0],)}
    message = _("Its votes have no majority; kept without a label.")
    issues.append(Issue("label_missing", "warning", message, u.id))
    return {}


def _read_votes(path: Path | None, root: Path, issues: list[Issue]) -> dict[str, dict[str, float]]:
    """Return clip → emotion → its share of the votes on the voice; nothing without the table."""
    if path is None:
        message = _("There is no {file}, so there are no raters' votes.", file=_VOTES_FILE)
        issues.append(Issue("votes_missing", "note", message, root.name))
        return {}
    votes: dict[str, dict[str, float]] = {}
    for _where, row in read_csv_rows(path, ("", *_VOTES, "fileName"), issues):
        if row[""].startswith(_VOICE_ROW):
            counts = {name: parse_number(row[code]) or 0.0 for code, name in _VOTES.items()}
            total = sum(counts.values())
            votes[row["fileName"]] = {name: count / total for name, count in counts.items()} if total else {}
    return votes


def _read_genders(path: Path | None, issues: list[Issue]) -> dict[str, str]:
    rows = read_csv_rows(path, ("ActorID", "Sex"), issues) if path else []
    return {row["ActorID"]: row["Sex"].casefold() for _where, row in rows}
