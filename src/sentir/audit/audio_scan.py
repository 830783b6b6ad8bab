"""What a corpus sounds like: the measures of its clips, and which of them are copies of one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sentir.audio.extraction import infer_mel_kind
from sentir.audio.fingerprinting import compute_audio_fingerprint, find_duplicate_clips
from sentir.audio.store import attach_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.text_similarity import normalize_text
from sentir.corpus.utterances import AudioFeatures
from sentir.i18n import _
from sentir.progress import track


@dataclass(frozen=True, slots=True)
class AudioScan:
    """The clips of a corpus, listened to.

    Attributes:
        audio: utterance id → sound, of all that have a clip.
        duplicate_of: utterance id → the first one with the same sound, of all clips that can be used.
        num_compared: how many different clips have enough sound to be compared, those of the same content once.
        num_uncompared: how many have less; spectrograms made elsewhere are compared by content alone.
    """

    audio: Mapping[str, AudioFeatures]
    duplicate_of: Mapping[str, str]
    num_compared: int
    num_uncompared: int


def scan_audio(corpus: Corpus, *, folder: Path | None = None, workers: int | None = None) -> AudioScan:
    """Listen to every clip, each decoded once for all times, and compare them with one another.

    Args:
        corpus: with clips.
        folder, workers: as `sentir.audio.store.listen` takes them.

    Raises:
        SentirError: if the store cannot be written or a worker is killed.
    """
    clips = [u for u in corpus if u.clip is not None]
    kind = infer_mel_kind(u.clip for u in clips)
    heard = attach_audio(clips, mel_kind=kind, folder=folder, workers=workers)
    sounds = {u.id: u.audio for u in heard if u.audio is not None}
    ids_of: dict[str, list[str]] = defaultdict(list)  # by content
    for key, sound in sounds.items():
        if sound.mel is not None:
            ids_of[sound.key].append(key)
    mels = (sounds[ids[0]].mel for ids in ids_of.values())
    wanted = track(mels, _("Fingerprints"), len(ids_of)) if kind == "mel" else ()
    prints = [compute_audio_fingerprint(mel) for mel in wanted if mel is not None]
    compared = sum(found is not None for found in prints)
    said = [normalize_text(corpus.by_id[ids[0]].text) for ids in ids_of.values()]
    groups = _find_components(len(ids_of), find_duplicate_clips(prints, said))
    contents = list(ids_of.values())
    copies = {key: contents[first][0] for place, first in enumerate(groups) for key in contents[place]}
    return AudioScan(sounds, copies, compared, len(prints) - compared)


def _find_components(n: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return for each of n places the first of those it is joined with, directly or through others."""
    first = list(range(n))

    def root(place: int) -> int:
        while first[place] != place:
            place = first[place]
        return place

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return [root(place) for place in range(n)]
