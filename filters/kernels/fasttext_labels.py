"""The most probable label of a fastText vector, by hierarchical softmax or by softmax.

In:  the mean of a text's feature rows, and a model's output rows.
Out: the number of the label and the logarithm of its score.
Guaranteed: fastText's own choice (src/loss.cc, k = 1, threshold 0): float32 where it has float32, 1e-5 added under each
     logarithm, so that a score may exceed 1; branches are visited in its order and left where it leaves them; of equal
     scores the one seen last counts.
"""

import math

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, kernel

FLOOR = np.float32(math.log(1e-5))
"""The logarithm of the threshold 0; nothing below it is a candidate."""


@inlined
def padded_log(value: np.float32) -> np.float32:
    """Return fastText's logarithm."""
    return np.float32(math.log(np.float64(value) + 1e-5))


@kernel
def dot(left: npt.NDArray[np.float32], rows: npt.NDArray[np.float32], row: int) -> np.float32:
    """Return the product of a vector and a row."""
    total = np.float32(0)
    for column in range(rows.shape[1]):
        total += left[column] * rows[row, column]
    return total


@kernel
def best_leaf(
    mean: npt.NDArray[np.float32], output: npt.NDArray[np.float32], children: npt.NDArray[np.int32]
) -> tuple[int, np.float32]:
    """Return the leaf of the tree with the greatest score, and the logarithm of that; -1 where there is none."""
    nodes = np.empty(len(children) + 1, np.int64)
    scores = np.empty(len(children) + 1, np.float32)
    nodes[0], scores[0], waiting = len(children) - 1, np.float32(0), 1
    best, best_score = -1, np.float32(0)
    while waiting > 0:
        waiting -= 1
        node, score = nodes[waiting], scores[waiting]
        if score < FLOOR or (best >= 0 and score < best_score):
            continue
        if children[node, 0] < 0:
            best, best_score = node, score
            continue
        right = np.float32(1 / np.float64(np.float32(1) + math.exp(-dot(mean, output, node - len(output)))))
        nodes[waiting], scores[waiting] = children[node, 1], score + padded_log(right)
        nodes[waiting + 1] = children[node, 0]
        scores[waiting + 1] = score + padded_log(np.float32(1 - np.float64(right)))
        waiting += 2
    return best, best_score


@kernel
def best_of_all(mean: npt.NDArray[np.float32], output: npt.NDArray[np.float32]) -> tuple[int, np.float32]:
    """Return the label with the greatest softmax, and the logarithm of that."""
    values = np.empty(len(output), np.float32)
    greatest = np.float32(-np.inf)
    for label in range(len(output)):
        values[label] = dot(mean, output, label)
        greatest = max(greatest, values[label])
    total = np.float32(0)
    for label in range(len(output)):
        values[label] = math.exp(values[label] - greatest)
        total += values[label]
    best, best_score = -1, np.float32(0)
    for label in range(len(output)):
        score = padded_log(values[label] / total)
        if best < 0 or score >= best_score:
            best, best_score = label, score
    return best, best_score
