"""MinHash bands as RedPajama v2 publishes them, as keys.

In:  an open Parquet file of {shard_id, id, id_int, signature_sim<s>: list<binary>}.
Out: the ids, and per document a key for each band.
Guaranteed: keys are those of `filters.kernels.minhash.band_keys` for the numbers that the bytes are; so they are equal
where the bands are. A document without a signature, or with one of another shape, has none.

RedPajama-Data, app/src/dedupe/minhash.py: 128 permutations (seed 42) of word 13-grams, hashed by the first 32 bits of
SHA-1; a band is its numbers' bytes, uint32, the highest byte first. A document of fewer than 13 words has null.
"""

from collections.abc import Sequence
from typing import BinaryIO, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.kernels.minhash import band_keys
from pipelines.sources.columnar import column_groups
from pipelines.sources.companions import BANDS, Companion
from pipelines.sources.joining import Told
from pipelines.sources.streams import Problem

U32 = npt.NDArray[np.uint32]
Bools = npt.NDArray[np.bool_]

Signature: TypeAlias = Literal["signature_sim0.7", "signature_sim0.8", "signature_sim0.9", "signature_sim1.0"]
SIGNATURES: Sequence[Signature] = get_args(Signature)

BANDS_AND_ROWS: dict[Signature, tuple[int, int]] = dict(
    zip(SIGNATURES, ((14, 9), (9, 13), (5, 25), (1, 128)), strict=True)
)
"""Column -> bands, and numbers of each: what `optimal_param(similarity, 128)` gives (app/src/dedupe/utils.py there)."""

NUMBER_BYTES = 4


def read_bands(companion: Companion, file: BinaryIO) -> Told:
    """Return the keys of the signatures that the companion's fields name; one row group is held at a time."""
    names = [name for name in SIGNATURES if name in companion.fields]
    ids = [pa.array([], pa.string())]
    keys = {name: [pa.array([], BANDS)] for name in names}
    problems, strange = list[str](), 0
    for group in column_groups(file, [companion.id, *(companion.fields[name] for name in names)]):
        if isinstance(group, Problem):
            problems.append(str(group))
            continue
        ids.append(group.column(0))
        for name, signatures in zip(names, group.columns[1:], strict=True):
            found, wrong = _keys(signatures, BANDS_AND_ROWS[name])
            keys[name].append(found)
            strange += wrong
    if strange:
        problems.append(f"{strange} signatures are not of the published numbers of bands and rows")
    columns: dict[str, pa.Array] = {name: pa.concat_arrays(found) for name, found in keys.items()}
    return Told(pa.concat_arrays(ids), columns, problems[0] if problems else "")


def _keys(signatures: pa.Array, shape: tuple[int, int]) -> tuple[pa.ListArray, int]:
    """Return the keys of each signature, and how many are there but of another shape."""
    given = len(signatures) - signatures.null_count
    try:
        signatures = signatures.cast(pa.list_(pa.large_binary()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(signatures), BANDS), given
    bands, rows = shape
    fitting = _fitting(signatures, bands, rows * NUMBER_BYTES)
    numbers = _numbers(signatures.filter(pa.array(fitting)).flatten()).reshape(-1, bands * rows)
    offsets = np.concatenate([[0], np.cumsum(fitting * bands)]).astype(np.int32)
    flat = pa.array(band_keys(numbers, bands, rows).reshape(-1))
    keys = pa.ListArray.from_arrays(pa.array(offsets), flat, mask=pa.array(~fitting))
    return keys, given - int(fitting.sum())


def _numbers(bands: pa.LargeBinaryArray) -> U32:
    """Return the numbers whose bytes the bands are; none of them is null."""
    _, offsets, data = bands.buffers()
    bounds = np.frombuffer(offsets, np.int64, len(bands) + 1, bands.offset * 8)
    return np.frombuffer(data or b"", ">u4", (bounds[-1] - bounds[0]) // NUMBER_BYTES, bounds[0]).astype(np.uint32)


def _fitting(signatures: pa.ListArray, bands: int, size: int) -> Bools:
    """Tell which signatures have `bands` bands of `size` bytes each."""
    counts = signatures.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    sized = pc.equal(pc.binary_length(signatures.flatten()), size).fill_null(False).to_numpy(zero_copy_only=False)
    owners = np.repeat(np.arange(len(signatures)), counts)
    right = np.bincount(owners[sized], minlength=len(signatures))
    fitting: Bools = (counts == bands) & (right == bands)
    return fitting
