"""Training: a classifier out of its examples, tested on those that were held out.

In:  examples of all splits.
Out: a model among the inputs of the build, and how well it tells held-out documents apart.
Guaranteed: the same examples give the same model; no held-out document was trained on.
"""

from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.classifier import MODEL_FILE, Training
from filters.fasttext_models import POSITIVE, Model, train
from pipelines.engine.examples import sampled
from pipelines.engine.fit import save_artifact
from pipelines.engine.job import Job
from pipelines.engine.keys import draw, key_of
from pipelines.engine.receipts import Receipt
from pipelines.engine.sealing import keep_input
from pipelines.errors import BuildError

Bools = npt.NDArray[np.bool_]

Numbers = dict[str, int | float | None]


class Trained(msgspec.Struct, frozen=True):
    """What a training found.

    Args:
        content: the model, among the inputs of the build.
        numbers: how many documents it saw, and how well it does on others.
    """

    content: str
    numbers: Numbers


@dataclass(frozen=True)
class TrainClassifierTask:
    """Trains a classifier.

    Args:
        name: of the fit.
        training: what the manifest says of it.
        examples: parts with the examples of all splits.
        content: hash of what is in them.
    """

    name: str
    training: Training
    examples: tuple[str, ...]
    content: str

    def part(self, job: Job) -> str:
        """Return the path of what was found."""
        options = self.training.model_dump(mode="json", exclude={"labels", "positive", "negative", "on"})
        return f"work/fits/classifier-{key_of([self.name, job.manifest.seed, options, self.content])}.json"


def run_train_classifier(job: Job, task: TrainClassifierTask) -> Receipt:
    """Train, test, and write both down.

    Raises:
        BuildError: a class has no document to train on, or no document has a word.
    """
    examples = sampled(job, task.examples, task.training.sample_documents)
    positive = examples.column("positive").to_numpy()
    held_out = _held_out(job, task, examples.column("uid").to_numpy())
    _check(task, positive, held_out)
    data = _model(task, examples.filter(pa.array(~held_out)))
    content = keep_input(job.storage, {MODEL_FILE: data})
    tests = examples.filter(pa.array(held_out))
    model = Model(data, POSITIVE)
    scores = np.array([model.score(text.as_py()) for text in tests.column("text")], np.float32)
    numbers: Numbers = {
        "trained_positive": int((positive & ~held_out).sum()),
        "trained_negative": int((~positive & ~held_out).sum()),
        **quality(scores, positive[held_out]),
        "model_bytes": len(data),
    }
    return save_artifact(job, task.part(job), msgspec.json.encode(Trained(content, numbers)), {})


def _held_out(job: Job, task: TrainClassifierTask, uids: npt.NDArray[np.uint64]) -> Bools:
    chance = draw(f"held_out:{task.name}", job.manifest.seed, uids)
    return chance < np.uint64(int(task.training.held_out * 2**64))


def _check(task: TrainClassifierTask, positive: Bools, held_out: Bools) -> None:
    for name, members in (("positive", positive), ("negative", ~positive)):
        if not (members & ~held_out).any():
            raise BuildError(
                f"{task.name}: no {name} document is left to train on ({members.sum():,} are alive at its place, "
                f"{(members & held_out).sum():,} of them held out): name other {name} sources or labels, put the "
                "stage before those that drop them, or lower `held_out`"
            )


def _model(task: TrainClassifierTask, examples: pa.Table) -> bytes:
    pairs = zip(examples.column("text"), examples.column("positive"), strict=True)
    try:
        return train(((text.as_py(), positive.as_py()) for text, positive in pairs), task.training.options)
    except (ValueError, RuntimeError) as error:
        raise BuildError(f"{task.name}: fastText cannot be trained on its documents: {error}") from error


def quality(scores: npt.NDArray[np.float32], positive: Bools) -> Numbers:
    """Return how well scores tell classes apart.

    Precision, recall and F1 are those of the positive class where scores above 0.5 are taken for it; AUC is the
    probability that a positive document scores higher than a negative one, half of ties counted (Hanley and McNeil
    1982). A number that divides by zero is null.
    """
    said = scores > np.float32(0.5)
    hits, found, real = (int(each.sum()) for each in (said & positive, said, positive))
    others = len(positive) - real
    return {
        "held_out_positive": real,
        "held_out_negative": others,
        "precision": _share(hits, found),
        "recall": _share(hits, real),
        "f1": _share(2 * hits, found + real),
        "auc": _share(_pairs(scores, positive), real * others),
    }


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _pairs(scores: npt.NDArray[np.float32], positive: Bools) -> float:
    """Return the pairs of a positive and a negative document of which the positive scores higher; ties count half."""
    others = np.sort(scores[~positive])
    below = np.searchsorted(others, scores[positive], "left")
    up_to = np.searchsorted(others, scores[positive], "right")
    return float((below + up_to).sum()) / 2
