"""For tests, Sentir's own and third parties': tiny backbones without downloads, and contract tests of backbones.

::

    weights = make_tiny_text_backbone("roberta-base", folder)
    encoder, tokenizer, spec = load_text_encoder("roberta-base", weights=str(weights))
    check_text_backbone("roberta-base", weights)
    check_audio_backbone("efficientnet_b0")
    check_speech_backbone("wav2vec2", make_tiny_speech_backbone("wav2vec2", folder))
"""

from sentir.testing.audio import check_audio_backbone
from sentir.testing.speech import check_speech_backbone
from sentir.testing.text import check_text_backbone
from sentir.testing.tiny_speech import make_tiny_speech_backbone
from sentir.testing.tiny_text import SENTENCES, make_tiny_text_backbone

__all__ = [
    "SENTENCES",
    "check_audio_backbone",
    "check_speech_backbone",
    "check_text_backbone",
    "make_tiny_speech_backbone",
    "make_tiny_text_backbone",
]
