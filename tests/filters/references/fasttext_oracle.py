"""fastText itself, asked as the stage `language` asks: a whole document as one line."""

from pathlib import Path

import fasttext
import numpy as np


class Oracle:
    """A model in fastText's own hands.

    Args:
        path: its file.
    """

    def __init__(self, path: Path) -> None:
        self._model = fasttext.load_model(str(path)).f

    def predict(self, text: str) -> tuple[str, float]:
        """Return label and score; "" and 0 where fastText predicts nothing."""
        found = self._ask(text, 1)
        return found[0] if found else ("", 0.0)

    def scores(self, text: str) -> dict[str, float]:
        """Return the score of every label."""
        return dict(self._ask(text, -1))

    def _ask(self, text: str, count: int) -> list[tuple[str, float]]:
        line = text.replace("\n", " ") + "\n"
        found = self._model.predict(line, count, 0.0, "strict")
        return [(label.removeprefix("__label__"), float(np.float32(score))) for score, label in found]
