"""Text backbones agree with plain transformers, for every architecture and whatever the padding."""

import json
import shutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import T5Config

from sentir.errors import RecipeError, UnknownNameError, WeightsError
from sentir.models import pooling, text_encoder
from sentir.models.device import to_tensors
from sentir.models.pooling import masked_max
from sentir.models.robertuito import normalize_robertuito
from sentir.models.text_backbones import get_text_backbone, normalize_twitter
from sentir.models.text_encoder import load_text_encoder
from sentir.models.tokenization import TextTokenizer
from sentir.testing import SENTENCES, check_text_backbone, make_tiny_text_backbone

TEXTS = (
    "",
    "Hi!",
    *SENTENCES,
    "a quite unknown Zürich-word, ¿no? \t 漢字",
    "@ross look: https://a.b/c I’m happy",
)
LONG = " ".join(SENTENCES * 40)


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def plain_text(tiny, text):
    return tiny.spec.normalize(text)


def test_every_backbone_keeps_the_contract(tiny):
    check_text_backbone(tiny.name, tiny.weights)


def test_the_contract_detects_pooled_padding(tiny, monkeypatch):
    monkeypatch.setitem(pooling.POOLINGS, tiny.spec.pooling, lambda states, mask: states.mean(1))
    with pytest.raises(AssertionError, match="padding changes the vectors"):
        check_text_backbone(tiny.name, tiny.weights)


def test_the_contract_detects_pooled_context(tiny, monkeypatch):
    join = TextTokenizer._join_turns

    def pool_everything(self, *turns):
        row = join(self, *turns)
        return row | {"pool_mask": row["attention_mask"]}

    monkeypatch.setattr(TextTokenizer, "_join_turns", pool_everything)
    with pytest.raises(AssertionError, match="are not its own"):
        check_text_backbone(tiny.name, tiny.weights)


def test_the_contract_detects_a_parameter_without_gradient(tiny, monkeypatch):
    monkeypatch.setattr(
        "sentir.testing.text.load_text_encoder",
        lambda name, **keywords: frozen_embedding(load_text_encoder(name, **keywords)),
    )
    with pytest.raises(AssertionError, match=r"depends on .*embed.*, which no gradient reaches"):
        check_text_backbone(tiny.name, tiny.weights)


def frozen_embedding(loaded):
    loaded[0].transformer.get_input_embeddings().requires_grad_(False)
    return loaded


def test_a_batch_of_many_lengths_is_encoded_in_parts_with_equal_results(tiny, monkeypatch):
    encoder, tokenizer, _spec = load_text_encoder(tiny.name, weights=str(tiny.weights))
    encoder.eval()
    rows = [tokenizer.encode(text) for text in (*TEXTS, *SENTENCES * 4)]
    batch = {
        name: tensor for name, tensor in to_tensors(tokenizer.pad(rows)).items() if name in encoder.input_names
    }
    shapes = []
    encoder.transformer.register_forward_hook(
        lambda module, _args, inputs, _output: shapes.append(tuple(inputs["input_ids"].shape)), with_kwargs=True
    )
    with torch.inference_mode():
        split = encoder(**batch)
        monkeypatch.setattr(text_encoder, "_CPU_BATCH_SIZE", len(rows))
        whole = encoder(**batch)
    assert len(shapes) > 2 and shapes[-1] == batch["input_ids"].shape and shapes[0][1] < shapes[-1][1]
    assert torch.allclose(split, whole, atol=1e-5)


def test_the_same_arguments_write_the_same_tiny_backbone(tiny, tmp_path):
    again = make_tiny_text_backbone(tiny.name, tmp_path)
    files = {path.name: path.read_bytes() for path in again.iterdir() if path.name != "config.json"}
    assert files == {name: (tiny.weights / name).read_bytes() for name in files} and len(files) >= 3


def test_token_ids_are_those_of_the_plain_tokenizer(tiny):
    for text in TEXTS:
        expected = tiny.plain_tokenizer(plain_text(tiny, text))["input_ids"]
        row = tiny.tokenizer.encode(text)
        assert row["input_ids"] == expected
        assert row["pool_mask"] == row["attention_mask"] == [1] * len(expected)


def test_texts_mostly_consist_of_known_tokens(tiny):
    tokens = [token for text in SENTENCES for token in tiny.tokenizer.encode(text)["input_ids"]]
    assert tokens.count(tiny.plain_tokenizer.unk_token_id) < 0.05 * len(tokens)
    assert len(set(tokens)) > 50
    assert len(tokens) < 3 * sum(len(text.split()) for text in SENTENCES), "words are not split into letters"


def test_a_long_text_is_truncated_as_by_the_plain_tokenizer(tiny):
    short = ("bertweet-base-sentiment-analysis", "multilingual-minilm", "robertuito")
    limit = 128 if tiny.name in short else 256 if tiny.name == "minilm" else 512
    assert tiny.tokenizer.max_length == limit
    row = tiny.tokenizer.encode(LONG)
    plain = tiny.plain_tokenizer(plain_text(tiny, LONG), truncation=True, max_length=limit)
    assert len(row["input_ids"]) == limit and row["input_ids"] == plain["input_ids"]
    assert tiny.vectors([row]).isfinite().all()


def test_a_shorter_maximum_length_can_be_set_but_not_a_longer_one(tiny):
    short = load_text_encoder(tiny.name, weights=str(tiny.weights), max_length=16)[1]
    assert len(short.encode(LONG)["input_ids"]) == 16
    assert load_text_encoder(tiny.name, weights=str(tiny.weights), max_length=9999)[1].max_length <= 512


def test_vectors_are_pooled_from_every_layer_alone_and_in_a_batch(tiny):
    check_vectors(tiny, TEXTS)


def test_newer_architectures_keep_the_contract_and_agree_with_transformers(newer):
    check_text_backbone(newer.name, newer.weights)
    check_vectors(newer, TEXTS[:4])
    for text in TEXTS[:6]:
        assert (
            newer.tokenizer.encode(text)["input_ids"]
            == newer.plain_tokenizer(plain_text(newer, text))["input_ids"]
        )


def check_vectors(tiny, texts):
    pool = {"mean": lambda layer: layer.mean(0), "last": lambda layer: layer[-1]}[tiny.spec.pooling]
    expected = []
    for text in texts:
        tokens = tiny.plain_tokenizer(plain_text(tiny, text), return_tensors="pt")
        with torch.no_grad():
            states = tiny.plain_model(**tokens, output_hidden_states=True)
        torch.testing.assert_close(states.hidden_states[-1], states.last_hidden_state, atol=1e-6, rtol=0)
        expected.append(torch.stack([pool(layer[0]) for layer in states.hidden_states]))
    rows = [tiny.tokenizer.encode(text) for text in texts]
    assert len({len(row["input_ids"]) for row in rows}) > 3, "rows of one length need no padding"
    together = tiny.vectors(rows)
    assert together.shape == (len(texts), 3, 32)
    for n, vector in enumerate(expected):
        torch.testing.assert_close(together[n], vector, atol=1e-5, rtol=0)
        torch.testing.assert_close(tiny.vectors([rows[n]])[0], vector, atol=1e-5, rtol=0)
        beside_long = tiny.vectors([tiny.tokenizer.encode(LONG[:600]), rows[n]])[1]
        torch.testing.assert_close(beside_long, vector, atol=1e-5, rtol=0)


def test_padding_is_on_the_architectures_side_and_masked(tiny):
    batch = tiny.pad([tiny.tokenizer.encode("Hi!"), tiny.tokenizer.encode(SENTENCES[1])])
    is_padding = [not used for used in batch["attention_mask"][0].tolist()]
    assert set(batch["input_ids"][0][is_padding].tolist()) == {tiny.plain_tokenizer.pad_token_id}
    assert 0 < sum(is_padding) < len(is_padding)
    assert is_padding == sorted(is_padding, reverse="xlnet" in tiny.name or "qwen" in tiny.name)
    assert batch["attention_mask"][0].tolist() == batch["pool_mask"][0].tolist()
    assert {value.dtype for value in batch.values()} == {torch.int64}


def test_without_the_mask_padding_matters(tiny):
    batch = tiny.pad([tiny.tokenizer.encode("Hi!"), tiny.tokenizer.encode(SENTENCES[1])])
    inputs = {key: value for key, value in batch.items() if key in tiny.encoder.input_names}
    with torch.no_grad():
        masked = tiny.encoder(**inputs)[0]
        unmasked = tiny.encoder(**inputs | {"attention_mask": torch.ones_like(batch["input_ids"])})[0]
    assert not torch.allclose(masked[-1], unmasked[-1], atol=1e-5)


def test_layers_are_chosen_by_number_from_either_end(tiny):
    rows = [tiny.tokenizer.encode(text) for text in SENTENCES]
    chosen = load_text_encoder(tiny.name, weights=str(tiny.weights), layers=(-1, 0))[0].eval()
    batch = {k: v for k, v in tiny.pad(rows).items() if k in chosen.input_names}
    with torch.no_grad():
        torch.testing.assert_close(chosen(**batch), tiny.vectors(rows)[:, [2, 0]])


def test_max_pooling_follows_mean_pooling(tiny):
    rows = [tiny.tokenizer.encode(text) for text in ("", *SENTENCES)]
    options = {"layers": (0, -1), "pooling": ("mean", "max")}
    both = load_text_encoder(tiny.name, weights=str(tiny.weights), **options)[0].eval()
    batch = {k: v for k, v in tiny.pad(rows).items() if k in both.input_names}
    with torch.no_grad():
        vectors = both(**batch)
        plain = [both.transformer(torch.tensor([row["input_ids"]]), output_hidden_states=True) for row in rows]
    assert vectors.shape == (len(rows), *both.states_shape) == (len(rows), 4, both.width)
    means = torch.stack([torch.stack([o.hidden_states[n][0].mean(0) for n in (0, -1)]) for o in plain])
    torch.testing.assert_close(vectors[:, :2], means, atol=1e-5, rtol=1e-4)
    largest = torch.stack([torch.stack([o.hidden_states[n][0].amax(0) for n in (0, -1)]) for o in plain])
    torch.testing.assert_close(vectors[:, 2:], largest, atol=1e-5, rtol=1e-4)


def test_last_pooling_takes_the_last_unmasked_position_whatever_the_side_of_the_padding():
    states = torch.arange(12.0).reshape(3, 4, 1)
    mask = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]])
    assert pooling.masked_last(states, mask).squeeze(1).tolist() == [1, 7, 0]


def test_robertuito_normalizes_tweets_as_its_authors_do():
    tweet = "@ana_2 mirá www.ejemplo.com/x #QueAlegria holaaaaa jajajaja «sí» 😂"
    expected = 'mirá url hashtag que alegria holaaa jaja "sí"  emoji cara llorando de risa emoji'
    assert normalize_robertuito(tweet) == f"@usuario {expected}"


def test_robertuito_names_the_package_that_it_needs(tiny_weights, monkeypatch):
    monkeypatch.setattr("sentir.models.tokenizer_loading.importlib.util.find_spec", lambda name: None)
    with pytest.raises(RecipeError, match="needs the package emoji"):
        load_text_encoder("robertuito", weights=str(tiny_weights("robertuito")))


def test_a_repository_with_code_of_its_own_is_refused_even_if_transformers_has_the_architecture(
    tiny_weights, tmp_path
):
    folder = shutil.copytree(tiny_weights("eurobert-210m"), tmp_path / "eurobert")
    config = json.loads((folder / "config.json").read_text())
    code = config | {"auto_map": {"AutoModel": "modeling_eurobert.EuroBertModel"}}
    (folder / "config.json").write_text(json.dumps(code))
    with pytest.raises(WeightsError, match="requires code from its repository"):
        load_text_encoder("eurobert-210m", weights=str(folder))


@given(st.data())
def test_max_pooling_ignores_masked_values(data):
    length = data.draw(st.integers(1, 6))
    states = torch.tensor(data.draw(st.lists(st.floats(-9, 9), min_size=length, max_size=length)))[None, :, None]
    mask = torch.tensor(data.draw(st.lists(st.booleans(), min_size=length, max_size=length)))[None]
    unmasked = states[0, mask[0], 0]
    assert masked_max(states, mask.long()).item() == (unmasked.max().item() if len(unmasked) else 0)


def test_random_weights_keep_the_architecture_and_differ_from_the_pretrained(tiny):
    fresh = load_text_encoder(tiny.name, weights=str(tiny.weights), pretrained=False)[0]
    shapes = {name: tensor.shape for name, tensor in fresh.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in tiny.encoder.state_dict().items()}
    same = [torch.equal(t, tiny.encoder.state_dict()[n]) for n, t in fresh.state_dict().items() if t.ndim == 2]
    assert not all(same)


def test_tweet_normalization_replaces_names_and_links():
    assert normalize_twitter("@joey, look http://x.y @ 5") == "@user look http @ 5"


def test_bertweet_normalizes_text(tmp_path):
    name = "bertweet-base-sentiment-analysis"
    tokenizer = load_text_encoder(name, weights=str(make_tiny_text_backbone(name, tmp_path)))[1]
    one, other = (tokenizer.encode(f"@{who} see http://{who}.org") for who in ("joey", "ross"))
    assert one == other != tokenizer.encode("joey see ross")
    assert tokenizer.encode("I’m") == tokenizer.encode("I'm")


def test_an_unknown_name_suggests_the_most_similar():
    with pytest.raises(UnknownNameError, match=r"called 'roberta-bse'; did you mean roberta-base"):
        load_text_encoder("roberta-bse")


def test_hub_ids_and_folders_need_no_registration(roberta):
    assert get_text_backbone("someone/some-model").hub_id == "someone/some-model"
    encoder, tokenizer, spec = load_text_encoder(str(roberta))
    assert encoder.width == 32 and tokenizer.max_length == 512 and spec.name == str(roberta)


@pytest.mark.parametrize("name", ["roberta-base", "sentir-tests/no-such-encoder"])
def test_an_unreachable_hub_is_an_error_that_names_the_setting(name, offline, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=r"--set model\.weights=FOLDER"):
        load_text_encoder(name)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"no config\.json"):
        load_text_encoder("roberta-base", weights=str(tmp_path))


def test_missing_tensors_are_rejected_and_not_randomly_initialized(roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "incomplete")
    tensors = load_file(folder / "model.safetensors")
    missing = next(name for name in tensors if "layer.1.output.dense.weight" in name)
    rest = {name: tensor for name, tensor in tensors.items() if name != missing}
    save_file(rest, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lack 1 tensors of the encoder, '.*layer\.1\.output\.dense\.weight'"):
        load_text_encoder("roberta-base", weights=str(folder))
    assert load_text_encoder("roberta-base", weights=str(folder), pretrained=False)[0].width == 32


def truncate(path):
    path.write_bytes(path.read_bytes()[:1000])


def change_shape(path):
    tensors = load_file(path)
    first = next(name for name in tensors if name.endswith("dense.weight"))
    save_file(tensors | {first: torch.zeros(3, 5)}, path, metadata={"format": "pt"})


@pytest.mark.parametrize("damage", [truncate, change_shape])
def test_unreadable_weights_are_named(damage, roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "damaged")
    damage(folder / "model.safetensors")
    with pytest.raises(WeightsError, match=r"damaged (are damaged|has no usable encoder \(config.json claims)"):
        load_text_encoder("roberta-base", weights=str(folder))


@pytest.mark.parametrize("layer", [99, 3, -4])
def test_a_layer_that_the_encoder_lacks_is_rejected(layer, roberta):
    with pytest.raises(RecipeError, match=rf"'model\.layers' names layer {layer}; the encoder has -3 to 2"):
        load_text_encoder("roberta-base", weights=str(roberta), layers=(0, layer))


def test_a_tokenizer_without_padding_is_rejected(roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "unpadded")
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"pad_token": "<none>"}))
    with pytest.raises(WeightsError, match="no padding token"):
        load_text_encoder("roberta-base", weights=str(folder))


def test_an_encoder_decoder_model_is_rejected(tmp_path):
    T5Config(d_model=8, d_ff=8, num_layers=1, num_heads=1, vocab_size=9).save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="an encoder-decoder model"):
        load_text_encoder(str(tmp_path))
