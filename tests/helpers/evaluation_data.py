"""Random labels and probabilities for tests of evaluation; some classes may be absent."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from sentir.corpus.label_spaces import MultiLabelSpace, SingleLabelSpace

briefly = settings(max_examples=25, deadline=None)  # scikit-learn takes milliseconds per metric


def space_of(k, multilabel):
    return (MultiLabelSpace if multilabel else SingleLabelSpace)("emotion", tuple(f"label{i}" for i in range(k)))


def random_case(k, n, seed, *, multilabel, present=None, skill=0.5):
    """Return (space, truth, probabilities); ``present`` masks the labels that the truth may have."""
    rng = np.random.default_rng(seed)
    classes = np.arange(k) if present is None else np.flatnonzero(present)
    space = space_of(k, multilabel)
    if multilabel:
        truth = np.zeros((n, k), dtype=np.float32)
        truth[:, classes] = rng.random((n, len(classes))) < rng.random(len(classes))
        return space, truth, np.clip(rng.random((n, k)) * (1 - skill) + skill * truth, 0, 1).round(2)
    truth = rng.choice(classes, size=n)
    probabilities = rng.dirichlet(np.ones(k), size=n)
    is_correct = rng.random(n) < skill
    probabilities[is_correct] = 0.1 / k + 0.9 * np.eye(k)[truth[is_correct]]
    return space, truth, probabilities


def dialogues_of(n, count, seed):
    """Return n dialogue keys in which each of ``count`` dialogues occurs (for n >= count)."""
    rng = np.random.default_rng(seed)
    return [f"dia{i}" for i in rng.permutation(np.arange(n) % count)]


@st.composite
def cases(draw, *, multilabel):
    k = draw(st.integers(2, 6))
    present = draw(st.lists(st.booleans(), min_size=k, max_size=k))
    present[draw(st.integers(0, k - 1))] = True
    n, seed, skill = draw(st.integers(1, 40)), draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([0, 0.5, 1]))
    return random_case(k, n, seed, multilabel=multilabel, present=np.array(present), skill=skill)
