"""Losses equal those of torch with class weights of mean 1; unlabeled utterances do not count."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Categorical, kl_divergence
from torch.nn import functional

from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.evaluation.metrics import compute_scores
from sentir.recipe import TrainSettings
from sentir.training.losses import (
    UNLABELED,
    class_weights,
    encode_soft_targets,
    encode_targets,
    make_loss,
    multi_task_loss,
    recipe_loss,
    stack_targets,
)

SINGLE = SingleLabelSpace("emotion", ("anger", "joy", "neutral"))
MULTI = MultiLabelSpace("emotion", ("anger", "joy", "neutral"))
WEIGHTINGS = ["none", "sqrt", "inverse"]
POWER = {"none": 0, "sqrt": 0.5, "inverse": 1}
ONE = [("joy",), ("neutral",), None, ("neutral",), ("neutral",), ("anger",), None, ("neutral",)]
SEVERAL = [("joy",), (), None, ("neutral", "joy"), ("neutral",), ("anger",), None, ("neutral",)]


def logits(rows=8, k=3):
    return torch.randn(rows, k, generator=torch.Generator().manual_seed(0), requires_grad=True)


def test_targets_are_label_indices_and_unlabeled_rows_are_marked():
    assert encode_targets(SINGLE, ONE).tolist() == [1, 2, UNLABELED, 2, 2, 0, UNLABELED, 2]
    several = encode_targets(MULTI, SEVERAL)
    assert several.dtype == torch.float32 and several.shape == (8, 3)
    assert several[3].tolist() == [0, 1, 1] and several[1].tolist() == [0, 0, 0]
    assert several[2].tolist() == [UNLABELED] * 3


def test_targets_without_any_label():
    assert encode_targets(SINGLE, [None, None]).tolist() == [UNLABELED, UNLABELED]
    assert encode_targets(MULTI, [None]).tolist() == [[UNLABELED] * 3]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_the_single_label_loss_is_the_cross_entropy_of_labeled_rows(weighting):
    targets, scores = encode_targets(SINGLE, ONE), logits()
    weights = class_weights(SINGLE, targets, weighting)
    known = targets != UNLABELED
    expected = (
        functional.cross_entropy(scores[known], targets[known], weight=weights, reduction="sum") / known.sum()
    )
    torch.testing.assert_close(make_loss(SINGLE, weights)(scores, targets), expected)
    if weighting == "none":
        torch.testing.assert_close(expected, functional.cross_entropy(scores, targets, ignore_index=UNLABELED))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_the_multi_label_loss_is_the_binary_cross_entropy_of_labeled_rows(weighting):
    targets, scores = encode_targets(MULTI, SEVERAL), logits()
    weights = class_weights(MULTI, targets, weighting)
    known = targets[:, 0] != UNLABELED
    expected = functional.binary_cross_entropy_with_logits(scores[known], targets[known], pos_weight=weights)
    torch.testing.assert_close(make_loss(MULTI, weights)(scores, targets), expected)


def as_scores(space, row):
    return {} if row is None else {name: float(name in row) for name in space.names}


@pytest.mark.parametrize(("space", "labels"), [(SINGLE, ONE), (MULTI, SEVERAL)])
@pytest.mark.parametrize(
    "settings", [{}, {"loss": "focal"}, {"label_smoothing": 0.2}, {"class_weights": "inverse"}]
)
def test_unanimous_votes_have_the_loss_of_their_label(space, labels, settings):
    hard, outputs, recipe = encode_targets(space, labels), logits(), TrainSettings(**settings)
    soft = encode_soft_targets(space, labels, [as_scores(space, row) for row in labels])
    assert torch.equal(soft, encode_soft_targets(space, labels, [{}] * len(labels)))  # labels stand in for votes
    found = recipe_loss(space, soft, recipe)(outputs, soft)
    torch.testing.assert_close(found, recipe_loss(space, hard, recipe)(outputs, hard))


def test_divided_votes_have_their_cross_entropy_and_count_without_a_label():
    votes = [{"anger": 3, "joy": 1, "neutral": 0}, {"anger": 1, "joy": 1, "neutral": 0}, {}]
    soft, outputs = encode_soft_targets(SINGLE, [("anger",), None, None], votes), logits(3)
    assert soft.tolist() == [[0.75, 0.25, 0], [0.5, 0.5, 0], [UNLABELED] * 3]
    torch.testing.assert_close(
        recipe_loss(SINGLE, soft, TrainSettings())(outputs, soft), functional.cross_entropy(outputs[:2], soft[:2])
    )
    assert make_loss(SINGLE, torch.ones(3))(outputs, soft[2:].expand(3, 3)).item() == 0
    twice = torch.stack([outputs, outputs.flip(0)])
    plain, penalized = (make_loss(SINGLE, torch.ones(3), rdrop=r)(twice, soft) for r in (0.0, 1.0))
    p, q = (z.log_softmax(-1) for z in twice[:, :2])
    expected = (
        sum(functional.kl_div(a, b, log_target=True, reduction="batchmean") for a, b in ((p, q), (q, p))) / 2
    )
    torch.testing.assert_close(penalized - plain, expected)


def test_intensities_are_parts_of_the_highest_one():
    space = MultiLabelSpace("emotion", ("anger", "joy"), max_intensity=3.0)
    soft, outputs = encode_soft_targets(space, [("joy",), None], [{"anger": 0, "joy": 1.5}, {}]), logits(2, 2)
    assert soft[0].tolist() == [0, 0.5]
    expected = functional.binary_cross_entropy_with_logits(outputs[:1], soft[:1])
    torch.testing.assert_close(recipe_loss(space, soft, TrainSettings())(outputs, soft), expected)


AROUSAL, VALENCE = RegressionSpace("arousal", "a", (0.0, 1.0)), RegressionSpace("valence", "v", (1.0, 5.0))
NUMBERS = [(4.5,), (1.0,), None, (2.0,), (3.5,), None, (5.0,), (2.5,)]


def test_the_concordance_loss_is_1_minus_the_metric_over_labeled_rows():
    targets, outputs = encode_targets(VALENCE, NUMBERS), logits(k=1)
    loss = recipe_loss(VALENCE, targets, TrainSettings(loss="ccc"))(outputs, targets)
    known = targets != UNLABELED
    truth = VALENCE.encode([row for row in NUMBERS if row is not None])
    scores = compute_scores(VALENCE, truth, VALENCE.probabilities(outputs[known].detach().numpy()))
    assert loss.item() == pytest.approx(1 - scores["ccc"], abs=1e-6)
    loss.backward()
    assert outputs.grad[known].abs().min() > 0 and outputs.grad[~known].abs().max() == 0


@pytest.mark.parametrize("labels", [[None, None], [(2.0,), None], [(3.0,), (3.0,)]])
def test_the_concordance_loss_of_too_few_or_equal_numbers_has_a_finite_gradient(labels):
    outputs = torch.zeros(2, 1, requires_grad=True)
    targets = encode_targets(VALENCE, labels)
    loss = make_loss(VALENCE, torch.ones(1), ccc=True)(outputs, targets)
    loss.backward()
    assert loss.item() == pytest.approx(float(labels[0] is not None)) and outputs.grad.isfinite().all()


def test_the_concordance_loss_is_that_of_every_number_and_of_no_label():
    spaces, rows = [VALENCE, AROUSAL, SINGLE], [NUMBERS, [(0.1 * n,) for n in range(8)], ONE]
    targets, settings = [*map(encode_targets, spaces, rows)], TrainSettings(loss="ccc")
    outputs = logits(k=5)
    total = multi_task_loss(spaces, targets, settings)(outputs, stack_targets(targets[0], targets[1:]))
    parts = zip(spaces, outputs.split([1, 1, 3], dim=1), targets, strict=True)
    plain = [make_loss(space, torch.ones(len(space)), ccc=True)(z, t) for space, z, t in parts]
    torch.testing.assert_close(total, sum(plain))
    torch.testing.assert_close(
        plain[2], functional.cross_entropy(outputs[:, 2:], targets[2], ignore_index=UNLABELED)
    )


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.sampled_from(WEIGHTINGS))
def test_class_weights_have_mean_1_over_train_and_decrease_with_the_counts(labels, weighting):
    space = SingleLabelSpace("task", tuple("abcde"))
    targets = torch.tensor([*labels, UNLABELED])
    weights = class_weights(space, targets, weighting)
    assert weights[labels].mean().item() == pytest.approx(1, abs=1e-5)
    assert weights.isfinite().all() and (weights > 0).all()
    counts = torch.bincount(torch.tensor(labels), minlength=5)
    seen = counts > 0
    flat = (weights * counts ** POWER[weighting])[seen]
    assert flat.max().item() == pytest.approx(flat.min().item(), rel=1e-4)


def test_multi_label_weights_are_the_ratio_of_absent_to_present():
    targets = encode_targets(MULTI, SEVERAL)
    assert class_weights(MULTI, targets, "inverse").tolist() == [5, 2, 1]
    assert class_weights(MULTI, targets, "none").tolist() == [1, 1, 1]


@pytest.mark.parametrize(("space", "labels"), [(SINGLE, ONE), (MULTI, SEVERAL)])
def test_unlabeled_rows_have_no_gradient(space, labels):
    scores, targets = logits(), encode_targets(space, labels)
    make_loss(space, torch.ones(3))(scores, targets).backward()
    moved = scores.grad.abs().sum(1) > 0
    assert moved.tolist() == [label is not None for label in labels]


@pytest.mark.parametrize("space", [SINGLE, MULTI])
def test_the_loss_of_a_batch_without_labels_is_zero(space):
    scores = logits(2)
    loss = make_loss(space, torch.ones(3))(scores, encode_targets(space, [None, None]))
    loss.backward()
    assert loss.item() == 0 and scores.grad.abs().sum() == 0


def test_the_number_of_labels_from_trainer_divides_the_sum():
    targets, scores = encode_targets(SINGLE, ONE), logits()
    loss = make_loss(SINGLE, torch.ones(3))
    torch.testing.assert_close(loss(scores, targets, 12) * 2, loss(scores, targets))


# R-Drop


@pytest.mark.parametrize(("space", "labels"), [(SINGLE, ONE), (MULTI, SEVERAL)])
def test_rdrop_adds_the_divergence_of_labeled_rows_to_the_mean_of_two_passes(space, labels):
    targets, passes = encode_targets(space, labels), torch.stack([logits(), logits().flip(0)])
    found = make_loss(space, torch.ones(3), rdrop=0.7)(passes, targets)
    plain = make_loss(space, torch.ones(3))
    mean = (plain(passes[0], targets) + plain(passes[1], targets)) / 2
    torch.testing.assert_close(plain(passes, targets), mean)
    p, q = (distribution(space, one) for one in passes)
    both = (kl_divergence(p, q) + kl_divergence(q, p)) / 2
    torch.testing.assert_close(found, mean + 0.7 * both[targets != UNLABELED].mean())


def distribution(space, one):
    return Categorical(logits=one) if space is SINGLE else Bernoulli(logits=one)


@pytest.mark.parametrize("space", [SINGLE, MULTI])
def test_equal_passes_have_no_penalty(space):
    targets, scores = encode_targets(space, [("joy",), None, ("anger",)]), logits(3)
    plain, rdrop = make_loss(space, torch.ones(3)), make_loss(space, torch.ones(3), rdrop=5.0)
    torch.testing.assert_close(rdrop(torch.stack([scores, scores]), targets), plain(scores, targets))


def settings(**changes):
    return TrainSettings.model_validate(changes)


@pytest.mark.parametrize("space", [SINGLE, MULTI])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_focal_loss_with_gamma_zero_is_cross_entropy(space, weighting):
    targets, scores = encode_targets(space, ONE if space is SINGLE else SEVERAL), logits()
    weights = class_weights(space, targets, weighting)
    for smoothing in (0.0, 0.2):
        plain = make_loss(space, weights, label_smoothing=smoothing)(scores, targets)
        focal = make_loss(space, weights, focal_gamma=1e-9, label_smoothing=smoothing)(scores, targets)
        torch.testing.assert_close(focal, plain)


def test_focal_losses_computed_by_hand():
    p, weights = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([2.0, 3.0, 5.0])
    loss = make_loss(SINGLE, weights, focal_gamma=2.0)
    for label, expected in enumerate([2 * 0.3**2 * 0.356675, 3 * 0.8**2 * 1.609438, 5 * 0.9**2 * 2.302585]):
        torch.testing.assert_close(loss(p.log()[None], torch.tensor([label])).item(), expected, rtol=1e-5, atol=0)
    scores = (p / (1 - p)).log()[None]
    expected = (2 * 0.3**2 * 0.356675 + 0.2**2 * 0.223144 + 5 * 0.9**2 * 2.302585) / 3
    found = make_loss(MULTI, weights, focal_gamma=2.0)(scores, torch.tensor([[1.0, 0.0, 1.0]]))
    torch.testing.assert_close(found.item(), expected, rtol=1e-5, atol=0)


def test_the_multi_label_focal_loss_is_that_of_torchvision():
    from torchvision.ops import sigmoid_focal_loss

    targets, scores = encode_targets(MULTI, [row or () for row in SEVERAL]), logits()
    found = make_loss(MULTI, torch.ones(3), focal_gamma=2.0)(scores, targets)
    torch.testing.assert_close(found, sigmoid_focal_loss(scores, targets, alpha=-1, gamma=2.0, reduction="mean"))


@pytest.mark.parametrize("space", [SINGLE, MULTI])
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_a_focal_loss_has_a_finite_gradient_at_probability_one(space, gamma):
    targets = encode_targets(space, [("joy",)])
    scores = (200 * torch.tensor([[-1.0, 1.0, -1.0]])).requires_grad_()
    make_loss(space, torch.ones(3), focal_gamma=gamma)(scores, targets).backward()
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_label_smoothing_is_that_of_torch(weighting):
    targets, scores = encode_targets(SINGLE, ONE), logits()
    weights, known = class_weights(SINGLE, targets, weighting), targets != UNLABELED
    expected = functional.cross_entropy(
        scores[known], targets[known], weights, label_smoothing=0.1, reduction="sum"
    )
    found = make_loss(SINGLE, weights, label_smoothing=0.1)(scores, targets)
    torch.testing.assert_close(found, expected / known.sum())


def test_multi_label_smoothing_moves_targets_towards_one_half():
    targets, scores = torch.tensor([[1.0, 0.0, 1.0]]), logits(1)
    expected = functional.binary_cross_entropy_with_logits(scores, torch.tensor([[0.9, 0.1, 0.9]]))
    torch.testing.assert_close(make_loss(MULTI, torch.ones(3), label_smoothing=0.2)(scores, targets), expected)


def test_logit_adjustment_adds_log_priors_to_the_logits_of_the_loss():
    targets, scores = encode_targets(SINGLE, ONE), logits()
    shares = torch.tensor([1, 1, 4]) / 6
    expected = functional.cross_entropy(scores + 1.5 * shares.log(), targets, ignore_index=UNLABELED)
    found = recipe_loss(SINGLE, targets, settings(logit_adjustment=1.5))(scores, targets)
    torch.testing.assert_close(found, expected)


def test_logit_adjustment_learns_equal_logits_from_priors_alone():
    targets = torch.tensor([0] * 1 + [1] * 10 + [2] * 89)
    loss, bias = recipe_loss(SINGLE, targets, settings(logit_adjustment=1.0)), torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.LBFGS([bias], max_iter=100)

    def closure():
        optimizer.zero_grad()
        found = loss(bias.expand(100, 3), targets)
        found.backward()
        return found

    optimizer.step(closure)
    torch.testing.assert_close(bias.detach().softmax(0), torch.full((3,), 1 / 3), atol=1e-3, rtol=0)


def test_the_default_loss_is_cross_entropy():
    targets, scores = encode_targets(SINGLE, ONE), logits()
    expected = functional.cross_entropy(scores, targets, ignore_index=UNLABELED)
    torch.testing.assert_close(recipe_loss(SINGLE, targets, settings())(scores, targets), expected)
    focal = recipe_loss(SINGLE, targets, settings(loss="focal"))(scores, targets)
    torch.testing.assert_close(focal, make_loss(SINGLE, torch.ones(3), focal_gamma=2.0)(scores, targets))
