"""The audio features of a corpus, and which of its clips are duplicates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sentir.audio.extraction import infer_mel_kind
from sentir.audio.fingerprinting import compute_audio_fingerprint, find_duplicate_clips
from sentir.audio.store import attach_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.text_similarity import normalize_text
from sentir.corpus.utterances import AudioFeatures, Utterance
from sentir.i18n import _
from sentir.progress import track

CLIPPING_THRESHOLD = 0.001  # share of samples at full scale from which on a clip counts as clipped


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

    def measured(self, utterance: Utterance) -> AudioFeatures | None:
        """Return the audio features of an utterance if it has descriptors; precomputed spectrograms have none."""
        audio = self.audio.get(utterance.id)
        return audio if audio and audio.descriptors else None


def get_annotated_seconds(utterance: Utterance) -> float | None:
    """Return the annotated duration of an utterance in seconds; ``None`` if unknown."""
    if utterance.clip is not None and utterance.clip.end is not None:
        return utterance.clip.end - (utterance.clip.start or 0.0)
    return utterance.numeric_features.get("duration")


def get_seconds(utterance: Utterance, audio_scan: AudioScan | None) -> float | None:
    """Return the duration of an utterance: as decoded, else as annotated."""
    audio = audio_scan.audio.get(utterance.id) if audio_scan else None
    return audio.seconds if audio and audio.seconds else get_annotated_seconds(utterance)


def compute_speech_rate(utterance: Utterance, audio_scan: AudioScan | None) -> float | None:
    """Return the words per second of an utterance; ``None`` without words or a duration."""
    seconds = get_seconds(utterance, audio_scan)
    return (
        len(utterance.text.split()) / seconds
        if utterance.text and not is_blank(utterance.text) and seconds
        else None
    )


def scan_audio(corpus: Corpus, *, workers: int | None = None) -> AudioScan:
    """Decode all clips, which the store keeps, and find duplicates among them.

    Args:
        corpus: with clips.
        workers: as in `sentir.audio.store.attach_audio`.

    Raises:
        SentirError: if the store cannot be written.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    clips = [u for u in corpus if u.clip is not None]
    mel_kind = infer_mel_kind(u.clip for u in clips)
    utterances = attach_audio(clips, mel_kind=mel_kind, workers=workers)
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
    rows, columns = np.array(find_duplicate_clips(fingerprints, transcripts), np.intp).reshape(-1, 2).T
    pairs = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(contents), len(contents)))
    first_of: dict[int, str] = {}  # group of duplicates → its first utterance
    duplicate_of = {
        utterance_id: first_of.setdefault(group, ids[0])
        for ids, group in zip(contents, connected_components(pairs, directed=False)[1].tolist(), strict=True)
        for utterance_id in ids
    }
    return AudioScan(audio, duplicate_of, num_compared, len(fingerprints) - num_compared)
