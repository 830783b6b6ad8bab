"""Enrollment: clips of a speaker, without labels, by which further clips of the speaker are normalized."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from sentir.array_files import load_arrays
from sentir.errors import RecognizerError
from sentir.features.speaker_normalization import SpeakerMoments, SpeakerNormalizer
from sentir.i18n import _, format_count
from sentir.io import atomic_write, write_errors
from sentir.paths import PathLike
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.preprocessing.speaker_columns import SpeakerColumns

PROFILE_SUFFIX = ".npz"
_PARTS = ("counts", "sums", "squares")
_ANYONE = ""  # the name of the one speaker of clips that name none


FromInputs = Literal["others", "earlier"]
"""Which inputs of a call an input is normalized by: all others of its speaker, or those before it."""


@dataclass(frozen=True, eq=False)
class SpeakerProfiles:
    """What a model knows of enrolled speakers: sums over their clips, from which no clip can be reconstructed.

    Attributes:
        moments: model → speaker → ``(D,)`` moments; an ensemble's profiles are those of its members. A single
            speaker called ``""`` is used for all inputs.
    """

    moments: Mapping[str, Mapping[str, SpeakerMoments]]

    @property
    def num_clips(self) -> dict[str, int]:
        """Speaker → number of enrolled clips."""
        counts: dict[str, int] = {}
        for speakers in self.moments.values():
            for name, one in speakers.items():
                counts[name] = max(_count_clips(one), counts.get(name, 0))
        return counts

    def digest(self) -> str:
        """Return a SHA-256 of the profiles."""
        hasher = hashlib.sha256(self._list_speakers().encode())
        for speakers in self.moments.values():
            for one in speakers.values():
                for part in _PARTS:
                    hasher.update(getattr(one, part).tobytes())
        return hasher.hexdigest()

    def _list_speakers(self) -> str:
        return json.dumps({model: list(speakers) for model, speakers in self.moments.items()})

    def __repr__(self) -> str:
        return f"SpeakerProfiles({self.num_clips})"

    def __or__(self, other: SpeakerProfiles) -> SpeakerProfiles:
        """Return the profiles of both, for different models."""
        return SpeakerProfiles({**self.moments, **other.moments})

    def __add__(self, other: SpeakerProfiles) -> SpeakerProfiles:
        """Return the profiles over the clips of both."""
        added = {model: dict(speakers) for model, speakers in self.moments.items()}
        for model, speakers in other.moments.items():
            own = added.setdefault(model, {})
            own |= {name: own[name] + one if name in own else one for name, one in speakers.items()}
        return SpeakerProfiles(added)

    def find(self, model: str, speaker: str | None) -> SpeakerMoments | None:
        """Return the moments of a speaker; ``None`` if none of the speaker's clips is enrolled.

        Raises:
            RecognizerError: if the profiles are of another model.
        """
        if model not in self.moments:
            raise RecognizerError(
                _("The speaker profiles were made for another model; enroll the clips with this one.")
            )
        speakers = self.moments[model]
        return speakers.get(_ANYONE, speakers.get(speaker or _ANYONE))

    def save(self, path: PathLike) -> None:
        """Write an ``.npz`` file without pickles.

        Raises:
            SentirError: if it cannot be written.
        """
        path, arrays = Path(path), dict[str, Any]()
        for n, speakers in enumerate(self.moments.values()):
            stacked = SpeakerMoments.stack(list(speakers.values()))
            arrays |= {f"{n}.{part}": getattr(stacked, part) for part in _PARTS}
        with write_errors(path), atomic_write(path) as draft, draft.open("wb") as file:
            np.savez_compressed(file, speakers=np.array(self._list_speakers()), **arrays)

    @classmethod
    def load(cls, path: PathLike) -> SpeakerProfiles:
        """Read a file that `save` wrote.

        Raises:
            RecognizerError: if it is missing or damaged.
        """
        try:
            arrays = load_arrays(Path(path))
            listed = TypeAdapter(dict[str, list[str]]).validate_json(str(arrays["speakers"]))
            parts = [[arrays[f"{n}.{part}"] for part in _PARTS] for n in range(len(listed))]
            moments = {
                model: _unstack(names, own) for (model, names), own in zip(listed.items(), parts, strict=True)
            }
        except (OSError, ValueError, KeyError) as error:
            raise RecognizerError(
                _("The speaker profiles {path} cannot be read ({why}); enroll the clips again.",
                  path=path, why=str(error).rstrip("."))
            ) from error  # fmt: skip
        return cls(moments)


def _unstack(names: Sequence[str], parts: Sequence[NDArray[np.float64]]) -> dict[str, SpeakerMoments]:
    """Return speaker → moments of the parts of a file; raise a `ValueError` if they are none."""
    if len({part.shape for part in parts}) > 1 or parts[0].ndim != 2 or len(parts[0]) != len(names) or not names:
        raise ValueError(_("its parts do not fit"))
    if any(part.dtype != np.float64 or not np.isfinite(part).all() for part in parts):
        raise ValueError(_("its numbers are not finite"))
    return {name: SpeakerMoments(*(part[n] for part in parts)) for n, name in enumerate(names)}


@dataclass(frozen=True, eq=False)
class Enrollment:
    """What inputs are normalized by.

    Attributes:
        profiles: of enrolled speakers.
        from_inputs: which inputs of the same call with the same speaker are enrolled too; ``earlier`` takes those
            that name no speaker as of one, ``others`` as strangers.
        earlier: of inputs of earlier calls, for ``earlier``.
    """

    profiles: SpeakerProfiles | None = None
    from_inputs: FromInputs | None = None
    earlier: SpeakerProfiles = field(default_factory=lambda: SpeakerProfiles({}))

    def after(self, clips: SpeakerProfiles) -> Enrollment:
        """Return the enrollment of a later call, which has the clips of this one too."""
        return replace(self, earlier=self.earlier + clips)

    def describe(self) -> dict[str, Any]:
        """Return what identifies it, as plain JSON values."""
        profiles = SpeakerProfiles({}) if self.profiles is None else self.profiles
        digest = "" if self.profiles is None else profiles.digest()
        clips = sum(profiles.num_clips.values())
        return {"profiles_sha256": digest, "clips": clips, "from_inputs": self.from_inputs}


def identify(normalizer: SpeakerNormalizer) -> str:
    """Return a hash of a model's normalizer, which profiles for the model carry."""
    return hashlib.sha256(json.dumps(normalizer.to_dict()).encode()).hexdigest()[:16]


def require_normalizer(normalizer: SpeakerNormalizer | None) -> SpeakerNormalizer:
    """Return the normalizer of a model.

    Raises:
        RecognizerError: if it has none.
    """
    if normalizer is None:
        raise no_speaker_normalization_error()
    return normalizer


def no_speaker_normalization_error() -> RecognizerError:
    """Return the error of enrollment with a model without speaker normalization."""
    return RecognizerError(
        _("The model has no speaker normalization, so no speaker can be enrolled; train one with "
          "'model.speaker_normalization = true', or leave out the enrollment.")
    )  # fmt: skip


def make_profiles(
    normalizer: SpeakerNormalizer, columns: SpeakerColumns, inputs: ModelInputs, speakers: Sequence[str | None]
) -> SpeakerProfiles:
    """Return the profiles of the speakers of N clips.

    Raises:
        RecognizerError: if only some of the clips name their speaker.
    """
    if any(speakers) and not all(speakers):
        raise RecognizerError(
            _("Only some of the clips to enroll name their speaker; name every speaker, or none if there is one.")
        )  # fmt: skip
    moments = normalizer.moments(columns.take(inputs.arrays))
    rows = _rows_by_speaker([speaker or _ANYONE for speaker in speakers])
    return SpeakerProfiles({identify(normalizer): {name: moments.total(own) for name, own in rows.items()}})


def normalize_speakers(
    normalizer: SpeakerNormalizer,
    columns: SpeakerColumns,
    inputs: ModelInputs,
    speakers: Sequence[str | None],
    enrollment: Enrollment,
) -> tuple[ModelInputs, dict[str, tuple[str, ...]]]:
    """Normalize N utterances by what is enrolled of their speakers, never by themselves.

    Returns:
        The inputs, and id → a sentence on how many clips an utterance was normalized by.

    Raises:
        RecognizerError: if the profiles are of another model.
    """
    own = normalizer.moments(columns.take(inputs.arrays))
    enrolled = _find_enrolled(own, speakers, enrollment, identify(normalizer))
    num_enrolled, num_own = (part.counts.max(axis=1, initial=0) for part in (enrolled, own))
    rows = zip(inputs.ids, num_enrolled, num_own, strict=True)
    notes: dict[str, tuple[str, ...]] = {key: (_describe(round(n)),) for key, n, has_audio in rows if has_audio}
    return normalize_by(normalizer, columns, inputs, enrolled), notes


def normalize_by(
    normalizer: SpeakerNormalizer, columns: SpeakerColumns, inputs: ModelInputs, enrolled: SpeakerMoments
) -> ModelInputs:
    """Normalize N utterances by the ``(N, D)`` moments of their speakers."""
    values = normalizer.normalize(columns.take(inputs.arrays), enrolled)
    return replace(inputs, arrays=columns.put(inputs.arrays, values))


def _find_enrolled(
    own: SpeakerMoments, speakers: Sequence[str | None], enrollment: Enrollment, model: str
) -> SpeakerMoments:
    """Return the ``(N, D)`` moments that N rows with their ``own`` moments are normalized by."""
    nothing = SpeakerMoments.none(own.counts.shape[1])
    known = [enrollment.profiles and enrollment.profiles.find(model, speaker) for speaker in speakers]
    enrolled = SpeakerMoments.stack([one or nothing for one in known])
    if enrollment.from_inputs is None:
        return enrolled
    if enrollment.from_inputs == "earlier":
        return enrolled + _sum_earlier(own, speakers, enrollment.earlier.moments.get(model, {}))
    totals = {name: own.total(rows) for name, rows in _rows_by_speaker(speakers).items() if name}
    of_inputs = SpeakerMoments.stack([totals.get(speaker or _ANYONE, nothing) for speaker in speakers])
    is_named = np.array([bool(speaker) for speaker in speakers], dtype=float)[:, None]
    itself = SpeakerMoments(*(getattr(own, part) * is_named for part in _PARTS))
    return enrolled + (of_inputs - itself)


def _sum_earlier(
    own: SpeakerMoments, speakers: Sequence[str | None], before: Mapping[str, SpeakerMoments]
) -> SpeakerMoments:
    """Return the ``(N, D)`` moments of the speakers of N rows before each of them."""
    totals, sums = dict(before), []
    for n, speaker in enumerate(speakers):
        name = speaker or _ANYONE
        sums.append(totals.get(name, SpeakerMoments.none(own.counts.shape[1])))
        totals[name] = sums[-1] + own.total([n])
    return SpeakerMoments.stack(sums)


def _rows_by_speaker(speakers: Sequence[str | None]) -> dict[str, NDArray[np.int64]]:
    rows: dict[str, list[int]] = {}
    for n, speaker in enumerate(speakers):
        rows.setdefault(speaker or _ANYONE, []).append(n)
    return {name: np.array(own) for name, own in rows.items()}


def _describe(num_clips: int) -> str:
    if not num_clips:
        return _("Not normalized by speaker: no clip of the speaker is enrolled.")
    return _("Normalized by speaker, with {n} other clips.", n=format_count(num_clips))


def _count_clips(moments: SpeakerMoments) -> int:
    return round(float(moments.counts.max(initial=0)))
