"""IEMOCAP: five sessions of two actors each, scripted and improvised; text, audio, emotion and three dimensions.

Layout of the release, https://sail.usc.edu/iemocap/: ``Session<n>/dialog/EmoEvaluation/<dialogue>.txt`` has the
label and the means of valence, activation and dominance, ``dialog/transcriptions/<dialogue>.txt`` the text, and
``sentences/wav/<dialogue>/<utterance>.wav`` the clip. There is no official split; EmoBox's five folds are the
sessions. Here session 5 is test and session 4 dev, as in many papers. The speaker is the session and the last
letter of the utterance's name; that in the dialogue's name is who wears the markers (README of the release).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.label_spaces import RegressionSpace, SingleLabelSpace
from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.errors import CorpusError
from sentir.files.text_encoding import read_text
from sentir.files.turns import number_turns
from sentir.i18n import _
from sentir.readers.counts import check_total
from sentir.recipe import DataSettings, IemocapSettings

_PUBLISHED = 10_039  # utterances with an evaluation
_SCALE = (1.0, 5.0)
_DIMENSIONS = ("valence", "arousal", "dominance")
_SPLITS = {"5": "test", "4": "dev"}
_SIX = {
    "ang": "anger",
    "exc": "excitement",
    "fru": "frustration",
    "hap": "joy",
    "neu": "neutral",
    "sad": "sadness",
}
_LABELS: Mapping[str, Mapping[str, str]] = {
    "four": {"ang": "anger", "exc": "joy", "hap": "joy", "neu": "neutral", "sad": "sadness"},
    "six": _SIX,
    "all": _SIX | {"dis": "disgust", "fea": "fear", "sur": "surprise"},
}
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_EVALUATION = re.compile(
    rf"\[{_NUMBER} - {_NUMBER}\]\t(Ses0[1-5][FM]_\w+_[FM]\d+)\t(\w{{3}})\t\[{_NUMBER}, {_NUMBER}, {_NUMBER}\]"
)
_TRANSCRIPT = re.compile(r"(Ses0[1-5][FM]_\w+_[FM]\d+) \[[^\]]*\]:\s*(.*)")


def read(root: Path, data: DataSettings) -> Corpus:
    """Read the five sessions, with the tasks ``emotion``, ``valence``, ``arousal`` and ``dominance``.

    Args:
        root: folder at or above ``Session1``.
        data: the recipe's section; ``data.iemocap.labels`` names the set of emotions. With ``data.folds`` all is
            train, and the sessions are the column ``fold``.

    Raises:
        CorpusError: if there is no session, or a dialogue has no transcript.
    """
    labels = _LABELS[data.settings_of(IemocapSettings).labels]
    issues: list[Issue] = []
    rows = [row for folder in _find_sessions(root) for row in _read_session(folder, labels, data, issues)]
    turns = number_turns([u.dialogue for u, _start in rows], [start for _u, start in rows])
    utterances = [replace(u, turn=turn) for (u, _start), turn in zip(rows, turns, strict=True)]
    sessions = {u.id: _session(u) for u in utterances}
    return Corpus.build(
        "iemocap",
        utterances,
        [
            SingleLabelSpace("emotion", tuple(sorted(set(labels.values())))),
            *(RegressionSpace(name, name, _SCALE) for name in _DIMENSIONS),
        ],
        issues=[*issues, *check_total(len(utterances), _PUBLISHED, root.name)],
        groups={"session": sessions},
        slices={
            "gender": {u.id: "female" if str(u.speaker).endswith("F") else "male" for u in utterances},
            "style": {u.id: "scripted" if "_script" in u.id else "improvised" for u in utterances},
            **({} if data.folds is None else {"fold": sessions}),
        },
    )


def _session(u: Utterance) -> str:
    return u.id.removeprefix("iemocap/Ses0")[0]


def _find_sessions(root: Path) -> list[Path]:
    """Return the folders of the sessions, at most two levels below ``root``."""
    for pattern in ("", "*", "*/*"):
        if folders := sorted(path for path in root.glob(f"{pattern}/Session[1-5]".lstrip("/")) if path.is_dir()):
            return folders
    raise CorpusError(
        _(
            "Under {root} there is no folder Session1 to Session5; give the folder of IEMOCAP's release.",
            root=root,
        )
    )


def _read_session(
    folder: Path, labels: Mapping[str, str], data: DataSettings, issues: list[Issue]
) -> Iterator[tuple[Utterance, float]]:
    """Yield the utterances of a session with their start in seconds."""
    split = "train" if data.folds is not None else _SPLITS.get(folder.name[-1], "train")
    for path in sorted((folder / "dialog" / "EmoEvaluation").glob("Ses*.txt")):
        texts = _read_transcript(folder / "dialog" / "transcriptions" / path.name)
        for start, _end, name, code, *means in _EVALUATION.findall(read_text(path)):
            clip = folder / "sentences" / "wav" / path.stem / f"{name}.wav"
            key, text = f"iemocap/{path.stem}/{name}", texts.get(name)
            if data.audio and not clip.is_file():
                message = _("There is no file {path}.", path=clip)
                issues.append(Issue("audio_file_missing", "problem", message, key))
            yield (
                Utterance(
                    id=key,
                    split=split,
                    dialogue=f"iemocap/{path.stem}",
                    speaker=name[:5] + name.rpartition("_")[2][0],
                    text=text,
                    clip=Clip(clip) if data.audio and clip.is_file() else None,
                    labels={"emotion": (labels[code],)} if code in labels else {},
                    scores=dict(zip(_DIMENSIONS, _parse_means(means, key, issues), strict=True)),
                ),
                float(start),
            )


def _read_transcript(path: Path) -> dict[str, str]:
    """Return utterance → text; an utterance that is only noise has none."""
    if not path.is_file():
        raise CorpusError(_("There is no file {path}.", path=path))
    return {name: text for name, text in _TRANSCRIPT.findall(read_text(path)) if not is_blank(text)}


def _parse_means(means: Sequence[str], key: str, issues: list[Issue]) -> list[float]:
    """Return the raters' means of valence, activation and dominance, clamped to the scale of 1 to 5."""
    numbers = [float(mean) for mean in means]
    low, high = _SCALE
    clamped = [min(max(number, low), high) for number in numbers]
    if clamped != numbers:
        message = _("{numbers} exceed the scale from {low:g} to {high:g}; clamped.",
                    numbers=", ".join(means), low=low, high=high)  # fmt: skip
        issues.append(Issue("intensity_clamped", "note", message, key))
    return clamped
