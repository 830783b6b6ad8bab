"""The audio features of a corpus, and which of its clips are duplicates."""

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
    """The audio features of a corpus' clips, compared with one another.

    Attributes:
        audio: utterance id → audio features, of all utterances with a clip.
        duplicate_of: utterance id → id of the first utterance with the same audio, of all usable clips.
        num_compared: distinct clips with enough active audio for a comparison.
        num_uncompared: distinct clips with less; precomputed spectrograms are compared only by content.
    """

    audio: Mapping[str, AudioFeatures]
    duplicate_of: Mapping[str, str]
    num_compared: int
    num_uncompared: int


def scan_audio(corpus: Corpus, *, folder: Path | None = None, workers: int | None = None) -> AudioScan:
    """Decode all clips, which the store keeps, and find duplicates among them.

    Args:
        corpus: with clips.
        folder, workers: as in `sentir.audio.store.attach_audio`.

    Raises:
        SentirError: if the store cannot be written or a worker is killed.
    """
    clips = [u for u in corpus if u.clip is not None]
    mel_kind = infer_mel_kind(u.clip for u in clips)
    utterances = attach_audio(clips, mel_kind=mel_kind, folder=folder, workers=workers)
    audio = {u.id: u.audio for u in utterances if u.audio is not None}
    ids_by_content: dict[str, list[str]] = defaultdict(list)
    for utterance_id, features in audio.items():
        if features.mel is not None:
            ids_by_content[features.key].append(utterance_id)
    contents = list(ids_by_content.values())
    mels = (audio[ids[0]].mel for ids in contents)
    compared_mels = track(mels, _("Fingerprints"), len(contents)) if mel_kind == "mel" else ()
    fingerprints = [compute_audio_fingerprint(mel) for mel in compared_mels if mel is not None]
    num_compared = sum(one is not None for one in fingerprints)
    transcripts = [normalize_text(corpus.by_id[ids[0]].text) for ids in contents]
    groups = _find_components(len(contents), find_duplicate_clips(fingerprints, transcripts))
    duplicate_of = {
        utterance_id: contents[first][0]
        for ids, first in zip(contents, groups, strict=True)
        for utterance_id in ids
    }
    return AudioScan(audio, duplicate_of, num_compared, len(fingerprints) - num_compared)


def _find_components(n: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return for each of n nodes the first node of its connected component."""
    parents = list(range(n))

    def find_root(node: int) -> int:
        while parents[node] != node:
            node = parents[node]
        return node

    for one, other in pairs:
        low, high = sorted((find_root(one), find_root(other)))
        parents[high] = low
    return [find_root(node) for node in range(n)]
