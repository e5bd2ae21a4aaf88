"""A published recipe as datatrove runs it: language, Gopher's rules, MinHash, its tokenizer, one worker.

In:  the benchmark's corpus, a tokenizer.json, an output folder.
Out: datatrove's token files, shuffled; the number of documents kept is the last line on standard output.
Guaranteed: its own blocks with their defaults, in the order of its example for FineWeb without C4's rules; its language
     filter has the model that ours has. Survivors wait for dedup as uncompressed JSON lines, the fastest it offers.

Run it: python -m benchmarks.whole_datatrove CORPUS TOKENIZER --out OUT
"""

from pathlib import Path

from datatrove.pipeline.dedup.minhash import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter, LanguageFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer
from datatrove.pipeline.writers import JsonlWriter

from benchmarks.dedup_datatrove import config_of, signature_step
from benchmarks.dedup_runs import BANDS
from benchmarks.with_datatrove import END_OF_TEXT, arguments, readers, run_step, statistic
from pipelines.language_model import default_model


def main() -> None:
    """Run the passes one after another and print how many documents stay."""
    given = arguments()
    out: Path = given.out
    signatures, pairs, removed, kept = (str(out / name) for name in ("signatures", "pairs", "removed", "kept"))
    config = config_of("own")
    filters = [_language(), GopherRepetitionFilter(), GopherQualityFilter()]
    writing = [JsonlWriter(kept, compression=None), signature_step(signatures, "own")]
    run_step(out, "filters", [*readers(given.corpus), *filters, *writing])
    run_step(out, "buckets", [MinhashDedupBuckets(signatures, pairs, config=config)], BANDS)
    run_step(out, "clusters", [MinhashDedupCluster(pairs, removed, config=config)])
    tokens = DocumentTokenizer(str(out / "tokens"), str(given.tokenizer), eos_token=END_OF_TEXT, seed=17)
    run_step(out, "tokens", [JsonlReader(kept, compression=None), MinhashDedupFilter(removed), tokens])
    print(statistic(out, "tokens", -2, "forwarded"))


def _language() -> LanguageFilter:
    """Return its language filter with the model of ours: its own is downloaded."""
    step = LanguageFilter(["en"], language_threshold=0.65)
    step.model.MODEL_URL = default_model().path
    return step


if __name__ == "__main__":
    main()
