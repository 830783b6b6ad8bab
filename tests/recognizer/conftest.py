"""Fixtures for recognizers."""

import pytest
from audio_files import tone, write_wav

from sentir.corpus.utterances import Clip, Utterance


@pytest.fixture
def outside(tmp_path):
    """Utterances from outside any corpus: complete, without one or both modalities, and with an invalid clip."""
    (tmp_path / "broken.wav").write_bytes(b"RIFF no audio")
    clip = Clip(write_wav(tmp_path / "tone.wav", tone(1.3, 1800), 16_000))
    return [
        Utterance("complete", text="I am fine.", clip=clip, speaker="Ana", dialogue="d", turn=0),
        Utterance("no audio", text="So lonely", dialogue="d", turn=1),
        Utterance("no text", clip=clip, dialogue="d", turn=2),
        Utterance("nothing"),
        Utterance("broken", text="They look fine!", clip=Clip(tmp_path / "broken.wav")),
        Utterance("missing", clip=Clip(tmp_path / "missing.wav")),
    ]
