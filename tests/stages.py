"""Stages that only tests have."""

from typing import ClassVar

import numpy as np
import pyarrow as pa

from filters.batch import Batch, Columns, Stage, judging
from pipelines.dedup.exchanges import HOME, Documents, Standing
from pipelines.engine.exchange import Layout, Rows


class CutSecondLines(Stage):
    """An exchange that takes every second line out of a text: what later issues do with repeated lines."""

    version: ClassVar[int] = 1
    layout: ClassVar[Layout] = Layout()
    cuts: ClassVar[bool] = True
    reads_text: ClassVar[bool] = True
    rule: ClassVar[str] = "second_line"
    keep: list[str] = judging([], "who keeps")
    exempt: list[str] = judging([], "who loses nothing")
    max_loss: float = judging(1.0, "what a source may lose")

    def measure(self, batch: Batch) -> Columns:
        return {"line_count": pa.array([text.count("\n") for text in batch.text.to_pylist()], pa.int64())}

    def emit(self, documents: Documents, standing: Standing) -> Rows:
        del standing
        spans = [
            (row, at, *span)
            for row, text in zip(documents["row"].tolist(), documents.text.to_pylist(), strict=True)
            for at, span in enumerate(_second_lines(text))
        ]
        payloads = [np.array([start, end], "<u4").tobytes() for _, _, start, end in spans]
        rows, slots = [row for row, *_ in spans], [at for _, at, *_ in spans]
        keys = [hash((row, at)) % 2**64 for row, at, *_ in spans]
        return Rows.build(
            self.layout,
            key=np.array(keys, np.uint64),
            row=np.array(rows, np.uint32),
            slot=np.array(slots, np.uint32),
            payloads=payloads,
        )

    def reduce(self, rows: Rows) -> Rows:
        address = rows["split"].astype(np.uint64) << np.uint64(32) | rows["row"].astype(np.uint64)
        return Rows.build(
            HOME,
            key=address,
            row=rows["row"],
            slot=rows["slot"],
            kept_uid=np.zeros(len(rows), np.uint64),
            similarity=np.zeros(len(rows), np.float32),
            cluster=np.zeros(len(rows), np.uint32),
            dropped=np.zeros(len(rows), np.uint8),
            payloads=rows.payloads(),
        )


def _second_lines(text: str) -> list[tuple[int, int]]:
    lines = text.encode().splitlines(keepends=True)
    ends = np.cumsum([len(line) for line in lines]).tolist()
    return [(ends[at - 1], ends[at]) for at in range(1, len(lines), 2)]
