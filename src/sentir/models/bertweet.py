"""BERTweet's tokenizer: the normalization of tweets, and its byte-pair encoding in the form of ``tokenizers``.

Nguyen, Vu and Nguyen, "BERTweet: A pre-trained language model for English Tweets", EMNLP 2020. Its tokenizer in
transformers is written in Python only; token ids are the same.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE

from sentir.i18n import _
from sentir.models.pretrained_tokenizer import PretrainedTokenizer

VOCABULARY_FILE, MERGES_FILE = "vocab.txt", "bpe.codes"
DEFAULT_CONFIG: Mapping[str, Any] = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "model_input_names": ["input_ids", "attention_mask"],
    "normalization": False,
}
_END, _CONTINUED = "</w>", "@@"  # of the last symbol of a word, and in the vocabulary of all the others
_RESERVED = ("bos_token", "pad_token", "eos_token", "unk_token")  # ids 0 to 3
_PUNCTUATION = {"’": "'", "…": "..."}
_CONTRACTIONS = ("'m ", "'re ", "'s ", "'ll ", "'d ", "'ve ")
_NEGATIONS = (
    ("cannot ", "can not "),
    ("n't ", " n't "),
    ("n 't ", " n't "),
    ("ca n't", "can't"),
    ("ai n't", "ain't"),
)
_TIMES = ((" p . m .", "  p.m."), (" p . m ", " p.m "), (" a . m .", " a.m."), (" a . m ", " a.m "))


def build_bertweet_tokenizer(vocabulary: bytes, merges: bytes, config: Mapping[str, Any]) -> PretrainedTokenizer:
    """Build the tokenizer from the content of ``vocab.txt`` and ``bpe.codes``.

    The vocabulary marks continued symbols (``hel@@ lo``), ``tokenizers`` the last one of a word (``hel lo</w>``).
    Symbols of merges that the vocabulary lacks get ids beyond it, which become the unknown token.

    Args:
        vocabulary: lines of a token and a number.
        merges: lines of two symbols and a number, most frequent first.
        config: as in ``tokenizer_config.json``; `DEFAULT_CONFIG` holds where it says nothing.

    Raises:
        ValueError: if a file is damaged.
    """
    config = {**DEFAULT_CONFIG, **config}
    tokens = {config[key]: n for n, key in enumerate(_RESERVED)}
    for line in _read_lines(vocabulary):
        token, separator, _count = line.strip().rpartition(" ")
        if not separator:
            raise ValueError(_("{file} is damaged", file=VOCABULARY_FILE))
        tokens[token] = len(tokens)
    tokens.setdefault(config["mask_token"], len(tokens))
    special = [config[key] for key in (*_RESERVED, "mask_token")]
    triples = [line.split() for line in _read_lines(merges)]
    if any(len(triple) != 3 for triple in triples):
        raise ValueError(_("{file} is damaged", file=MERGES_FILE))
    pairs = [(left, right) for left, right, _count in triples]
    symbols = {token if token in special else _to_symbol(token): n for token, n in tokens.items()}
    num_tokens = 1 + max(symbols.values())
    missing = {symbol for left, right in pairs for symbol in (left, right, left + right)} - symbols.keys()
    symbols |= zip(sorted(missing), count(num_tokens))
    backend = Tokenizer(BPE(symbols, pairs, unk_token=config["unk_token"], end_of_word_suffix=_END))
    backend.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(" ")
    backend.post_processor = processors.RobertaProcessing(
        (config["eos_token"], tokens[config["eos_token"]]),
        (config["bos_token"], tokens[config["bos_token"]]),
        trim_offsets=False,
        add_prefix_space=False,
    )
    unknown = config["unk_token"]
    backend.decoder = decoders.Sequence([decoders.Replace(unknown, unknown + _END), decoders.BPEDecoder(_END)])
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    normalize = normalize_tweet if config["normalization"] else _split_words
    files = {VOCABULARY_FILE: vocabulary, MERGES_FILE: merges}
    return PretrainedTokenizer(backend, config, normalize, num_tokens, files)


def _read_lines(content: bytes) -> list[str]:
    return re.split(r"\r\n|\r|\n", content.decode())[:-1]


def _to_symbol(token: str) -> str:
    return token.removesuffix(_CONTINUED) if token.endswith(_CONTINUED) and token != _CONTINUED else token + _END


def _split_words(text: str) -> str:
    """Separate words by one space; line breaks stay, as unknown characters."""
    return " ".join(re.findall(r"\S+\n?", text))


def normalize_tweet(text: str) -> str:
    """Separate the tokens of a tweet, and replace mentions, links and emoji, as BERTweet's authors do."""
    for character, replacement in _PUNCTUATION.items():
        text = text.replace(character, replacement)
    text = " ".join(map(_normalize_token, _split_tweet(text)))
    for old, new in (*_NEGATIONS, *((one, f" {one}") for one in _CONTRACTIONS), *_TIMES):
        text = text.replace(old, new)
    return " ".join(text.split())


def _normalize_token(token: str) -> str:
    from emoji import demojize

    if token.startswith("@"):
        return "@USER"
    if token.lower().startswith(("http", "www")):
        return "HTTPURL"
    return _PUNCTUATION.get(token) or demojize(token) if len(token) == 1 else token


def _split_tweet(text: str) -> list[str]:
    """Return the tokens of a tweet: words, links, mentions, hashtags, numbers, emoticons, other characters."""
    entities, repeated, token = _tweet_patterns()
    return token(repeated(r"\1\1\1", entities(_decode_entity, text)))


@cache
def _tweet_patterns() -> tuple[Callable[..., str], Callable[..., str], Callable[[str], list[str]]]:
    import regex

    return (
        regex.compile(r"&(#?(x?))([^&;\s]+);").sub,
        regex.compile(r"([^a-zA-Z0-9])\1{3,}").sub,
        regex.compile("|".join(_TOKENS), regex.VERBOSE | regex.IGNORECASE).findall,
    )


def _decode_entity(match: re.Match[str]) -> str:
    """Return the character of an HTML entity; nothing if there is none."""
    numeric, hexadecimal, body = match.groups()
    try:
        number = int(body, 16 if hexadecimal else 10) if numeric else html.entities.name2codepoint[body]
        if numeric and 0x80 <= number <= 0x9F:  # what browsers take for Windows-1252
            return bytes((number,)).decode("cp1252")
        return chr(number)
    except (KeyError, ValueError, OverflowError):
        return ""


# The grammar of NLTK's TweetTokenizer (NLTK Project, Apache License 2.0), which BERTweet was trained with.
# Repetitions are bounded, host names and parentheses to 255 characters, so that no text takes seconds.
_PARENTHESES = r"\([^\s()]{0,255}?\([^\s()]{1,255}\)[^\s()]{0,255}?\) | \(\S{1,255}?\)"
_TOKENS = (
    # links
    rf"""(?: https?: (?: /{{1,3}} | [a-z0-9%] ) | [a-z0-9.\-]{{1,255}} \. [a-z]{{2,13}} / )
        (?: [^\s()<>{{}}\[\]] | {_PARENTHESES} )+
        (?: {_PARENTHESES} | [^\s`!()\[\]{{}};:'".,<>?«»“”‘’] )""",
    r"(?<!@) [a-z0-9]+ (?: [.\-] [a-z0-9]+ ){0,126} \. [a-z]{2,13} \b /? (?!@)",
    # telephone numbers
    r"(?: \+? [01] [ *\-.)]* )? (?: \(? \d{3} [ *\-.)]* )? \d{3} [ *\-.)]* \d{4}",
    # emoticons, with eyes and mouth in either order, and hearts
    r"[<>]? [:;=8] [\-o*']? [)\](\[dp/:}{@|\\]",
    r"[)\](\[dp/:}{@|\\] [\-o*']? [:;=8] [<>]?",
    r"<3",
    # tags, arrows, mentions, hashtags, mail addresses
    r"<[^>\s]+>",
    r"-+> | <-+",
    r"@\w+",
    r"\#+ \w+ [\w'\-]* \w+",
    r"[\w.+\-]{1,64} @ [\w\-]{1,63} \. (?: [\w\-] \.? ){1,251} [\w\-]",
    # words with an apostrophe or hyphen, numbers with a separator, other words, ellipses, any other character
    r"[^\W\d_] (?: [^\W\d_] | ['\-_] )+ [^\W\d_]",
    r"[+\-]? \d+ [,/.:\-] \d+ [+\-]?",
    r"\w+",
    r"\. (?: \s* \. )+",
    r"\S",
)
