"""For tests, Sentir's own and third parties': contract tests of all that plug-ins register, and tiny backbones.

::

    weights = make_tiny_text_backbone("roberta-base", folder)
    encoder, tokenizer, spec = load_text_encoder("roberta-base", weights=str(weights))
    check_text_backbone("roberta-base", weights)
    check_audio_backbone("efficientnet_b0")
    check_speech_backbone("wav2vec2", make_tiny_speech_backbone("wav2vec2", folder))
    check_reader("demo-meld")
    check_fusion("gated")
    check_feature_set("lexical")
    check_metric("weighted_f1")
"""

from sentir import torchvision_operators  # noqa: F401  (before transformers and timm)
from sentir.testing.audio import check_audio_backbone
from sentir.testing.feature_set import check_feature_set
from sentir.testing.fusion import check_fusion
from sentir.testing.metric import check_metric
from sentir.testing.reader import check_reader
from sentir.testing.speech import check_speech_backbone
from sentir.testing.text import check_text_backbone
from sentir.testing.tiny_speech import make_tiny_speech_backbone
from sentir.testing.tiny_text import SENTENCES, make_tiny_text_backbone

__all__ = [
    "SENTENCES",
    "check_audio_backbone",
    "check_feature_set",
    "check_fusion",
    "check_metric",
    "check_reader",
    "check_speech_backbone",
    "check_text_backbone",
    "make_tiny_speech_backbone",
    "make_tiny_text_backbone",
]
