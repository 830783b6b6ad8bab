"""`HybridTransformerClassifier`: the thesis' keywords, gradients, and batch invariance."""

import itertools

import pytest
import torch

from sentir.models.context import DialogueContextConfig
from sentir.models.device import to_tensors
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.models.pooling import LAYER_POOLINGS, LayerConcat, ScalarMix
from sentir.models.text_encoder import load_text_encoder
from sentir.testing import SENTENCES

DIALOGUE = torch.tensor([0, 0, 0, 1, 1, 1, 1, 2, 2, 3])
TURN = torch.tensor([0, 1, 2, 0, 1, 2, 3, 0, 1, 0])
ROWS = len(DIALOGUE)
CONTEXTS = ("none", "window", "dialogue")
SETUPS = list(itertools.product(CONTEXTS, LAYER_POOLINGS, ["frozen", "finetune"], [0, 4]))


def build(weights, context, pooling, mode, features, **keywords):
    torch.manual_seed(0)
    encoder, tokenizer, _spec = load_text_encoder("roberta-base", weights=str(weights))
    model = HybridTransformerClassifier(
        "roberta-base",
        features,
        3,
        text_encoder=encoder if mode == "finetune" else None,
        text_states_shape=(3, 32) if mode == "frozen" else None,
        layer_pooling=pooling,
        context=context,
        hidden_size=16,
        **keywords,
    )
    inputs = {"dialogue": DIALOGUE, "turn": TURN}
    if features:
        inputs["features"] = torch.randn(ROWS, features)
    if mode == "frozen":
        inputs["text_states"] = torch.randn(ROWS, 3, 32)
    texts = [
        tokenizer.encode(SENTENCES[n], [SENTENCES[n - 1]] if context == "window" else []) for n in range(ROWS)
    ]
    return model, inputs, (texts, tokenizer) if mode == "finetune" else None


def batch(inputs, tokens, rows):
    """Inputs of some rows, texts padded to the longest among them."""
    selected = {name: tensor[rows] for name, tensor in inputs.items()}
    if tokens is None:
        return selected
    texts, tokenizer = tokens
    padded = to_tensors(tokenizer.pad([texts[n] for n in rows]))
    return selected | {key: value for key, value in padded.items() if key != "token_type_ids"}


@pytest.fixture(params=SETUPS, ids=["-".join(map(str, setup)) for setup in SETUPS])
def setup(request, roberta):
    return build(roberta, *request.param)


def test_the_constructor_takes_the_thesis_arguments(roberta):
    model = HybridTransformerClassifier(str(roberta), 4)
    assert model.input_names == (*model.encoder.input_names, "features", "dialogue", "turn")
    tokenizer = load_text_encoder(str(roberta))[1]
    tokens = to_tensors(tokenizer.pad([tokenizer.encode(text) for text in SENTENCES]))
    assert model(**tokens, features=torch.randn(len(SENTENCES), 4)).shape == (len(SENTENCES), 3)
    assert (
        HybridTransformerClassifier(model_name=str(roberta), num_features=0, num_classes=7).head[-1].out_features
        == 7
    )


def test_it_gives_one_row_of_logits_per_utterance(setup):
    model, inputs, tokens = setup
    assert model(**batch(inputs, tokens, list(range(ROWS)))).shape == (ROWS, 3)


def test_input_names_are_exactly_its_inputs(setup):
    model, inputs, tokens = setup
    given = set(batch(inputs, tokens, [0, 1]))
    assert given == set(model.input_names) - {"token_type_ids"}


def test_gradients_reach_every_trainable_parameter(setup):
    model, inputs, tokens = setup
    model.eval()
    logits = model(**batch(inputs, tokens, list(range(ROWS))))
    torch.nn.functional.cross_entropy(logits, torch.arange(ROWS) % 3).backward()
    unreached = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or (not name.endswith("key.bias") and not parameter.grad.abs().sum() > 0)
    ]
    assert unreached == [], "softmax cancels a bias of attention keys; everything else must get a gradient"


def test_a_dialogue_gets_the_same_output_in_any_batch(setup):
    model, inputs, tokens = setup
    model.eval()
    with torch.no_grad():
        everything = model(**batch(inputs, tokens, list(range(ROWS))))
        shuffled = torch.randperm(ROWS, generator=torch.Generator().manual_seed(1)).tolist()
        torch.testing.assert_close(
            model(**batch(inputs, tokens, shuffled)), everything[shuffled], atol=1e-5, rtol=0
        )
        for key in DIALOGUE.unique():
            rows = (key == DIALOGUE).nonzero().flatten().tolist()
            torch.testing.assert_close(model(**batch(inputs, tokens, rows)), everything[rows], atol=1e-5, rtol=0)


@pytest.mark.parametrize("layer", ["gru", "attention"])
@pytest.mark.parametrize("direction", ["bidirectional", "causal"])
def test_gradients_reach_an_encoder_through_the_context(roberta, layer, direction):
    config = DialogueContextConfig(layer, direction, speakers=True)
    model, inputs, tokens = build(roberta, "dialogue", "mix", "finetune", 0, dialogue=config)
    assert model.input_names[-1] == "speaker"
    model.eval()
    given = batch(inputs | {"speaker": torch.tensor([0, 1, 0, 2, 3, 3, 2, 4, 5, 6])}, tokens, list(range(ROWS)))
    embeddings = model.encoder.transformer.get_input_embeddings().weight
    model(**given)[2].sum().backward()
    only_first = set(tokens[0][0]["input_ids"]) - {n for row in tokens[0][1:] for n in row["input_ids"]}
    assert only_first and all(embeddings.grad[n].abs().sum() > 0 for n in only_first)
    unreached = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert unreached == []


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
def test_only_dialogue_context_depends_on_other_rows(roberta, mode):
    depends = {}
    for context in CONTEXTS:
        model, inputs, tokens = build(roberta, context, "mix", mode, 0)
        model.eval()
        with torch.no_grad():
            whole = model(**batch(inputs, tokens, [3, 4, 5, 6]))[1]
            alone = model(**batch(inputs, tokens, [4]))[0]
        depends[context] = not torch.allclose(whole, alone, atol=1e-5)
    assert depends == {"none": False, "window": False, "dialogue": True}


def test_features_matter_to_a_model_that_has_them(roberta):
    model, inputs, tokens = build(roberta, "none", "mix", "frozen", 4)
    model.eval()
    rows = list(range(ROWS))
    changed = inputs | {"features": inputs["features"] + 1}
    assert not torch.allclose(model(**batch(inputs, tokens, rows)), model(**batch(changed, tokens, rows)))


def test_mix_starts_as_a_mean_and_concat_concatenates():
    states = torch.randn(4, 3, 8)
    normed = torch.nn.functional.layer_norm(states, (8,))
    torch.testing.assert_close(ScalarMix(3, 8)(states), normed.mean(1))
    concat = LayerConcat(3, 8)
    torch.testing.assert_close(concat(states), torch.cat([normed[:, n] for n in range(3)], dim=1))
    assert concat.width_out == 24


def test_the_mix_follows_its_weights():
    mix = ScalarMix(3, 8)
    mix.layer_logits.data = torch.tensor([-50.0, 50.0, -50.0])
    states = torch.randn(4, 3, 8)
    torch.testing.assert_close(mix(states), torch.nn.functional.layer_norm(states[:, 1], (8,)))
