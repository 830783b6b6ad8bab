"""Speech recognition by pocketsphinx, with the model of its wheel."""

import pytest

import sentir
from sentir.demo.voice import load_voice  # noqa: F401
from sentir.errors import TimelineError
from sentir.timelines.adapters import DIARIZERS, SPEECH_RECOGNIZERS, make_adapter


def test_adapters_say_what_to_install(monkeypatch):
    monkeypatch.setattr("sentir.timelines.adapters.import_module", _not_installed)
    with pytest.raises(TimelineError, match="pip install faster-whisper"):
        make_adapter("faster-whisper:tiny", SPEECH_RECOGNIZERS)
    with pytest.raises(TimelineError, match="pip install sherpa-onnx"):
        make_adapter("sherpa-onnx:models", DIARIZERS)


def _not_installed(name):
    raise ImportError(name)
