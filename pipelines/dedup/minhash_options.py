"""Options of the stage for near duplicates, and what two of its exchanges make of texts.

In:  a manifest; texts.
Out: the options; shingles; the keys of bands.
Guaranteed: published bands set the options by which they were made, and refuse others.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import model_validator

from filters.batch import Stage, judging, measuring
from filters.kernels.minhash import Scheme, band_keys, permutations, signatures
from filters.kernels.scans import Scans, WordDefinition
from filters.kernels.shingles import VERSION, Shingles, shingles
from filters.shingling import Normalization
from pipelines.dedup.earlier import EarlierBuild, EarlierBuilds, listed
from pipelines.dedup.options import against_option, exempt_option, keep_option, max_loss_option
from pipelines.dedup.published import as_published
from pipelines.dedup.ranking import Preference
from pipelines.dedup.scope import Scope
from pipelines.sources.bands import SIGNATURES, Signature

U64 = npt.NDArray[np.uint64]


class MinhashOptions(Stage):
    """What a MinHash dedup may be told; two exchanges share it."""

    ngram: int = measuring(5, "words of a shingle", ge=1, le=64)
    words: WordDefinition = measuring("whitespace", "what a word is: whitespace, or uax29")
    normalization: Normalization = measuring("none", "what is done to texts before they are cut into shingles")
    bands: int = measuring(14, "bands of a signature: two documents that share one are candidates", ge=1, le=1024)
    rows: int = measuring(8, "numbers of a signature that make one band", ge=1, le=1024)
    scheme: Scheme = measuring("affine32", "how permutations are computed; datatrove and RedPajama v2: legacy")
    seed: int = measuring(1, "seed of the permutations, as datasketch takes it", ge=0, lt=1 << 32)
    published: Signature | None = measuring(
        None, "published bands that the sources carry, to take instead of computing them"
    )
    jaccard: float = judging(
        0.8, "least Jaccard similarity, of shingles, of a duplicate with the one that stays", gt=0, le=1
    )
    verify: bool = judging(True, "whether similarity is measured; false: one document of each component stays")
    scope: Scope = judging(
        "global", "where duplicates are looked for: `global`, columns, or {documents: N}", names="columns"
    )
    keep: list[str] = keep_option("copy")
    prefer: Preference = judging("first", "Who stays among equals of `keep`.")
    exempt: list[str] = exempt_option()
    max_loss: float = max_loss_option()
    against: EarlierBuilds = against_option()
    store_shingles: bool = judging(False, "Whether later builds may be verified `against` this one: 8 bytes a shingle.")

    @property
    def earlier(self) -> tuple[EarlierBuild, ...]:
        """The earlier builds that documents are compared with."""
        return listed(self.against)

    @property
    def compares_texts(self) -> bool:
        """Shingles are made of texts."""
        return True

    @property
    def needs_shingles(self) -> bool:
        """Whether similarity is measured, also with documents of earlier builds."""
        return self.verify

    @property
    def shingling(self) -> list[object]:
        """All that decides what the shingles of a text are."""
        return [VERSION, self.ngram, self.words, self.normalization]

    @model_validator(mode="before")
    @classmethod
    def _as_published(cls, options: Any) -> Any:  # noqa: ANN401 - as pydantic hands it over
        known = isinstance(options, dict) and options.get("published") in SIGNATURES
        return as_published(options) if known else options

    @property
    def rule(self) -> str:
        """What the ledger says of a duplicate."""
        return "near_duplicate"

    def shingle_bytes(self, text: pa.LargeStringArray) -> pa.LargeBinaryArray:
        """Return the shingles of each text, ascending uint64, little-endian."""
        found = shingles(Scans(text), self.words, self.ngram, self.normalization)
        offsets, data = pa.py_buffer(found.first * 8), pa.py_buffer(np.ascontiguousarray(found.hashes))
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(text), [None, offsets, data])

    def band_keys_of(self, found: Shingles) -> U64:
        """Return uint64[texts, bands]: a key per band of the signature of each text; none counts without shingles."""
        drawn = permutations(self.bands * self.rows, self.seed, self.scheme)
        return band_keys(signatures(found, *drawn, self.scheme), self.bands, self.rows)
