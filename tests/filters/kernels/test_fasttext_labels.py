"""The best label by a tree and by softmax, beside plain numpy over all labels."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.fasttext import spans_of
from filters.kernels.fasttext_labels import best_leaf, best_of_all

DIM = 5

F32 = npt.NDArray[np.float32]
Tree = npt.NDArray[np.int32]


def random_tree(leaves: int, chance: np.random.Generator) -> Tree:
    children = np.full((2 * leaves - 1, 2), -1, np.int32)
    roots = list(range(leaves))
    for parent in range(leaves, 2 * leaves - 1):
        children[parent] = [roots.pop(chance.integers(len(roots))) for _ in range(2)]
        roots.append(parent)
    return children


def leaf_scores(mean: F32, output: F32, children: Tree) -> Iterator[tuple[int, float]]:
    waiting = [(len(children) - 1, 0.0)]
    while waiting:
        node, score = waiting.pop()
        left, right = children[node].tolist()
        if left < 0:
            yield node, score
            continue
        share = 1 / (1 + math.exp(-float(mean @ output[node - len(output)])))
        waiting += [(left, score + math.log(1 - share + 1e-5)), (right, score + math.log(share + 1e-5))]


@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from([0.0, 0.1, 1.0, 5.0]))
def test_the_best_leaf_is_that_of_all_leaves(seed: int, leaves: int, scale: float) -> None:
    chance = np.random.default_rng(seed)
    mean = chance.normal(size=DIM).astype(np.float32)
    output = (chance.normal(size=(leaves, DIM)) * scale).astype(np.float32)
    children = random_tree(leaves, chance)
    scores = dict(leaf_scores(mean, output, children))
    leaf, score = best_leaf(mean, output, children)
    assert scores[leaf] == pytest.approx(max(scores.values()), abs=1e-3)
    assert score == pytest.approx(scores[leaf], abs=1e-3)


@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from([0.0, 0.1, 1.0, 50.0]))
def test_the_best_label_is_that_of_the_softmax(seed: int, labels: int, scale: float) -> None:
    chance = np.random.default_rng(seed)
    mean = chance.normal(size=DIM).astype(np.float32)
    output = (chance.normal(size=(labels, DIM)) * scale).astype(np.float32)
    values = (output @ mean).astype(np.float64)
    shares = np.exp(values - values.max()) / np.exp(values - values.max()).sum()
    label, score = best_of_all(mean, output)
    assert shares[label] == pytest.approx(shares.max(), abs=1e-5)
    assert math.exp(score) == pytest.approx(shares[label] + 1e-5, abs=1e-5)


def test_of_equal_scores_the_last_one_counts_as_in_fasttext() -> None:
    nothing, output = np.zeros(DIM, np.float32), np.zeros((4, DIM), np.float32)
    assert best_of_all(nothing, output)[0] == 3
    children = np.full((7, 2), -1, np.int32)
    children[4:] = [[0, 1], [2, 3], [4, 5]]
    assert best_leaf(nothing, output, children)[0] == 3


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.integers(0, 12))
def test_the_first_characters_end_where_a_slice_of_the_string_does(texts: list[str], characters: int) -> None:
    data = "".join(texts).encode()
    offsets = np.cumsum([0, *(len(text.encode()) for text in texts)], dtype=np.int64)
    spans = spans_of(np.frombuffer(data, np.uint8), offsets, characters)
    assert [data[first:last].decode() for first, last in spans] == [text[:characters] for text in texts]
    whole = spans_of(np.frombuffer(data, np.uint8), offsets, -1)
    assert [data[first:last].decode() for first, last in whole] == texts
