"""Stamps: ids of two tokenizers never mix.

In:  paths of token runs, shards and a tokenizer, and the hash of the build's tokenizer.
Out: nothing, or the tokenizer; or an error that names the first file with another one, and both hashes.
Guaranteed: only the ends of token runs and shards are read.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.fit import load_fitted_encoder
from pipelines.engine.job import Job
from pipelines.engine.storage import Storage
from pipelines.errors import OtherTokenizer, RequestError
from pipelines.tokens.encode import Encoder
from pipelines.tokens.stamp import tokenizer_of

AT_ONCE = 16
"""Files looked at a time: on an object store each is a few requests."""


def check_stamps(storage: Storage, paths: Sequence[str], tokenizer_hash: str) -> None:
    """Refuse files whose ids are of another tokenizer; of those that cannot be read, others speak.

    Raises:
        OtherTokenizer: the first of them.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        words = pool.map(partial(other_tokenizer, storage, tokenizer_hash), paths)
        if found := next(filter(None, words), ""):
            raise OtherTokenizer(found)


def other_tokenizer(storage: Storage, tokenizer_hash: str, path: str) -> str:
    """Return what is wrong with a file whose ids are not of the tokenizer of this hash; "" where nothing is."""
    try:
        with storage.open(path) as file:
            found = tokenizer_of(pq.read_schema(file))
    except (FileNotFoundError, pa.ArrowInvalid):
        return ""
    if found == tokenizer_hash:
        return ""
    return (
        f"{storage.url}/{path} holds ids of the tokenizer {found or '(it does not say which)'}, but this build's is "
        f"{tokenizer_hash}: ids of two tokenizers never mix. Put back what this build wrote, or build into a new folder"
    )


def own_encoder(job: Job, part: str, tokenizer_hash: str) -> Encoder:
    """Return the tokenizer of a build, by which its ids are spelt.

    Args:
        job: the build.
        part: where its tokenizer is.
        tokenizer_hash: what it was when ids were made.

    Raises:
        RequestError: it is gone, or no longer that.
    """
    place, remedy = f"{job.storage.url}/{part}", "put back what this build wrote, or build into a new folder"
    try:
        encoder = load_fitted_encoder(job, part)
    except FileNotFoundError:
        raise RequestError(f"{place} is gone, and no other tokenizer spells these ids: {remedy}") from None
    if encoder.hash != tokenizer_hash:
        raise RequestError(
            f"{place} is the tokenizer {encoder.hash}, but the ids are those of {tokenizer_hash}, and no other spells "
            f"them: {remedy}"
        )
    return encoder
