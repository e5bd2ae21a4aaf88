"""Wrong manifests: each is refused with the key, the value and the remedy, and nothing else ever happens.

The cases change one place of a valid manifest that uses everything; the random ones change any.
"""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import ManifestError
from pipelines.manifest import Manifest, load_manifest
from tests.manifest_samples import GONE, SAMPLE, changed, way_to, write_files, write_manifest

Case = tuple[str, object, str, object, str]

STRUCTURE: list[Case] = [
    # place that is changed, what is put there, key of the refusal, its value, words of its remedy
    ("sede", 17, "sede", 17, "did you mean 'seed'?"),
    ("name", GONE, "name", None, "this key is needed"),
    ("name", "", "name", "", "a name has letters, digits"),
    ("name", "../up", "name", "../up", "a name has letters, digits"),
    ("name", ".hidden", "name", ".hidden", "does not begin with a dot"),
    ("name", "line\n", "name", "line\n", "a name has letters, digits"),
    ("name", "n" * 101, "name", "n" * 101, "at most 100"),
    ("name", 5, "name", 5, "write text"),
    ("name", ["a"], "name", ["a"], "write text"),
    ("seed", -1, "seed", -1, "at least 0"),
    ("seed", 2**64, "seed", 2**64, "less than"),
    ("seed", 1.5, "seed", 1.5, "whole number"),
    ("seed", True, "seed", True, "whole number"),
    ("seed", "17", "seed", "17", "whole number"),
    ("split_bytes", 0, "split_bytes", 0, "above zero"),
    ("split_bytes", -5, "split_bytes", -5, "above zero"),
    ("split_bytes", "64 megs", "split_bytes", "64 megs", "128MB or 64MiB"),
    ("split_bytes", "1.5B", "split_bytes", "1.5B", "whole number of bytes"),
    ("split_bytes", None, "split_bytes", None, "128MB or 64MiB"),
]

SOURCES: list[Case] = [
    ("sources", GONE, "sources", None, "this key is needed"),
    ("sources", {}, "sources", {}, "at least 1"),
    ("sources", ["web"], "sources", ["web"], "keys and values"),
    ("sources.web", "data/web", "sources.web", "data/web", "{format: jsonl, path:"),
    ("sources.a b", {"format": "text", "path": "data"}, "sources.a b", "a b", "a name has letters"),
    ("sources.web.format", GONE, "sources.web.format", None, "known: c4, dolma, jsonl"),
    ("sources.web.format", "refined_web", "sources.web.format", "refined_web", "did you mean 'refinedweb'?"),
    ("sources.web.format", ["c4"], "sources.web.format", ["c4"], "unknown format"),
    ("sources.web.pth", "x", "sources.web.pth", "x", "did you mean 'path'?"),
    ("sources.web.text_field", "x", "sources.web.text_field", "x", "unknown key"),
    ("sources.books.loss_spans", "", "sources.books.loss_spans", "", "at least 1"),
    ("sources.books.loss_spans", "loss", "sources.books.loss_spans", "loss", "'normalize' changes it"),
    ("sources.web.path", GONE, "sources.web.path", None, "this key is needed"),
    ("sources.web.path", 5, "sources.web.path", 5, "write text, or write a list"),
    ("sources.web.path", "", "sources.web.path", "", "write a path"),
    ("sources.web.path", [], "sources.web.path", [], "write a path"),
    ("sources.web.path", [" "], "sources.web.path.0", " ", "write the path"),
    ("sources.web.path", "data/nowhere/*.parquet", "sources.web.path", "data/nowhere/*.parquet", "no such file"),
    ("sources.web.path", "data/web/[", "sources.web.path", "data/web/[", "no such file"),
    ("sources.web.path", "gs://bucket/x", "sources.web.path", "gs://bucket/x", "not supported yet"),
    ("sources.web.path", "ftp://host/x", "sources.web.path", "ftp://host/x", "not known"),
    ("sources.web.path", "nul\0", "sources.web.path", "nul\0", "cannot be looked up"),
    ("sources.pile.path.1", "data/pile/a.jsonl", "sources.pile.path.1", "data/pile/a.jsonl", "name each file once"),
    ("sources.pile.path.1", 7, "sources.pile.path.1", 7, "write text"),
    ("sources.web.tags", "prose", "sources.web.tags", "prose", "write a list"),
    ("sources.web.tags", ["pile"], "sources.web.tags.0", "pile", "cannot be called like a source"),
    ("sources.dolma.sample", 0.5, "sources.dolma.sample", 0.5, "keys and values"),
    ("sources.dolma.sample.fraction", 0, "sources.dolma.sample.fraction", 0, "greater than 0"),
    ("sources.dolma.sample.fraction", 1.5, "sources.dolma.sample.fraction", 1.5, "at most 1"),
    ("sources.dolma.sample.fraction", "half", "sources.dolma.sample.fraction", "half", "write a number"),
    ("sources.dolma.sample.fraction", True, "sources.dolma.sample.fraction", True, "write a number"),
    ("sources.dolma.sample", {"documents": 10}, "sources.dolma.sample.documents", 10, "known: fraction"),
    ("sources.books.fields.score.tpye", "x", "sources.books.fields.score.tpye", "x", "did you mean 'type'?"),
    ("sources.books.fields.score.type", "float", "sources.books.fields.score.type", "float", "'float64'"),
    ("sources.pile.select", {"genre": "x"}, "sources.pile.select.genre", "x", "not declared in `fields`"),
    ("sources.pile.select", {"language": 5}, "sources.pile.select.language", 5, "cannot be compared with a number"),
    ("sources.pile.select", {"language": []}, "sources.pile.select.language", [], "at least one value"),
    ("sources.books.select", {"score": "high"}, "sources.books.select.score", "high", "compared with a string"),
    ("sources.pile.where", "chars >", "sources.pile.where", "chars >", "expected a column"),
    ("sources.pile.where", "chars = 5", "sources.pile.where", "chars = 5", "write =="),
    ("sources.pile.where", "chras > 5", "sources.pile.where", "chras > 5", "did you mean 'chars'?"),
    ("sources.pile.where", "word_count > 5", "sources.pile.where", "word_count > 5", "no column 'word_count'"),
    ("sources.pile.where", "word_count > 6", "sources.pile.where", "word_count > 6", "write a stage, `- where: ...`"),
    ("sources.pile.where", "language_id > 'd'", "sources.pile.where", "language_id > 'd'", "write a stage"),
    ("sources.pile.where", "pile_set_name > 5", "sources.pile.where", "pile_set_name > 5", "with a number"),
    ("sources.pile.where", "chars", "sources.pile.where", "chars", "not a condition"),
    ("sources.pile.where", "date > 'soon'", "sources.pile.where", "date > 'soon'", "is no date"),
    ("sources.pile.where", "1 < 2", "sources.pile.where", "1 < 2", "names no column"),
    ("sources.pile.where", 5, "sources.pile.where", 5, "write text"),
]

STAGES: list[Case] = [
    ("stages", "normalize", "stages", "normalize", "write a list"),
    ("stages", None, "stages", None, "write a list"),
    ("stages.2", "normalise", "stages.2", "normalise", "did you mean 'normalize'?"),
    ("stages.2", 5, "stages.2", 5, "write one stage"),
    ("stages.2", {}, "stages.2", {}, "write one stage"),
    (
        "stages.2",
        {"normalize": {}, "where": "chars > 1"},
        "stages.2",
        {"normalize": {}, "where": "chars > 1"},
        "its own",
    ),
    ("stages.2", {"nromalize": {}}, "stages.2.nromalize", {}, "did you mean 'normalize'?"),
    ("stages.2", {"normalize": [1]}, "stages.2.normalize", [1], "keys and values"),
    ("stages.2", {"normalize": {"form": "NFC"}}, "stages.2.normalize.form", "NFC", "known: on"),
    ("stages.0.gopher_quality.min_words", 5, "stages.0.gopher_quality.min_words", 5, "did you mean 'min_word_count'?"),
    ("stages.0.gopher_quality.min_word_count", "5", "stages.0.gopher_quality.min_word_count", "5", "whole number"),
    ("stages.0.gopher_quality.on", "prose", "stages.0.gopher_quality.on", "prose", "write a list"),
    ("stages.0.gopher_quality.on.0", "prsoe", "stages.0.gopher_quality.on.0", "prsoe", "did you mean 'prose'?"),
    ("stages.0.gopher_quality.on.0", "long", "stages.0.gopher_quality.on.0", "long", "no source and no tag"),
    ("stages.1.where", "word_cuont > 1", "stages.1.where", "word_cuont > 1", "did you mean 'word_count'?"),
    ("stages.1.where", "genre == 'x'", "stages.1.where", "genre == 'x'", "source 'web' has no column 'genre'"),
    ("stages.1.where", "word_count@normalize > 1", "stages.1.where", "word_count@normalize > 1", "another text"),
    ("stages.1.where", "language_id == 'en'", "stages.1.where", "language_id == 'en'", "add the stage `language`"),
    (
        "stages.3.where.expression",
        "url_blocked_pages@normalize == 0",
        "stages.3.where.expression",
        "url_blocked_pages@normalize == 0",
        "add the stage `url_filter`, with its option `blocked`",
    ),
    ("stages.1.where", "word_count > 'many'", "stages.1.where", "word_count > 'many'", "compared with a string"),
    ("stages.1.where", "word_count => 1", "stages.1.where", "word_count => 1", "write =="),
    ("stages.1", {"where": None}, "stages.1.where.expression", None, "this key is needed"),
    ("stages.3.where.expression", "scor > 1", "stages.3.where.expression", "scor > 1", "did you mean 'score'?"),
    ("stages.3.where.expression", "(score", "stages.3.where.expression", "(score", "expected `)`"),
    ("stages.4.dedup_exact.keep.1", "nobody", "stages.4.dedup_exact.keep.1", "nobody", "no source and no tag"),
    ("stages.4.dedup_exact.exempt.0", "all_late", "stages.4.dedup_exact.exempt.0", "all_late", "no source and no tag"),
    ("stages.4.dedup_exact.by", "uri", "stages.4.dedup_exact.by", "uri", "'content' or 'url'"),
    ("stages.4.dedup_exact.max_loss", 2, "stages.4.dedup_exact.max_loss", 2, "at most 1"),
]

TRAIN = {"vocab_size": 300}
EXPRESSION = {"pattern": r"\S+|\s+", "digits": "individual"}

TOKENIZER: list[Case] = [
    ("tokenizer", GONE, "tokenizer", None, "tokenizer: {train: {vocab_size: 32000}}"),
    ("tokenizer", {}, "tokenizer", {}, "exactly one of train, json"),
    ("tokenizer", "data/none.json", "tokenizer", "data/none.json", "no such file"),
    ("tokenizer", "data/pile", "tokenizer", "data/pile", "several files"),
    ("tokenizer", {"json": "data/none.json"}, "tokenizer.json", "data/none.json", "no such file"),
    ("tokenizer", {"tiktoken": "data/tokenizer.json", "pattern": "gpt3"}, "tokenizer.pattern", "gpt3", "mean 'gpt2'?"),
    ("tokenizer", {"jsno": "data/tokenizer.json"}, "tokenizer.jsno", "data/tokenizer.json", "did you mean 'json'?"),
    ("tokenizer.bos", 3, "tokenizer.bos", 3, "write true or false, or write text"),
    ("tokenizer.bos", "no", "tokenizer.bos", "no", "no such special token"),
    ("tokenizer.eos", "<|endoftxt|>", "tokenizer.eos", "<|endoftxt|>", "did you mean '<|endoftext|>'?"),
    (
        "tokenizer",
        {"train": TRAIN | {"specials": {"eos": "</s>"}}, "eos": "<|pad|>"},
        "tokenizer.eos",
        "<|pad|>",
        "'</s>'",
    ),
    ("tokenizer.pad", True, "tokenizer.pad", True, "write text"),
    ("tokenizer.train", {}, "tokenizer.train.vocab_size", None, "this key is needed"),
    ("tokenizer.train.vocab_size", 100, "tokenizer.train.vocab_size", 100, "at least 258"),
    ("tokenizer.train.vocab_size", "32 thousand", "tokenizer.train.vocab_size", "32 thousand", "2_000_000, 8M"),
    ("tokenizer.train.vocab_size", "5B", "tokenizer.train.vocab_size", "5B", "at most 4294967296"),
    ("tokenizer.train.vocabsize", 5, "tokenizer.train.vocabsize", 5, "did you mean 'vocab_size'?"),
    ("tokenizer.train.min_frequency", 0, "tokenizer.train.min_frequency", 0, "at least 1"),
    ("tokenizer.train.pattern", "gpt-2", "tokenizer.train.pattern", "gpt-2", "did you mean 'gpt2'?"),
    ("tokenizer.train.pattern", "(a", "tokenizer.train.pattern", "(a", "no regular expression"),
    ("tokenizer.train.weights", {"web": 0.5}, "tokenizer.train.weights", {"web": 0.5}, "sum to 0.5"),
    ("tokenizer.train.weights", {"web": 0}, "tokenizer.train.weights", {"web": 0}, "give some source a share"),
    ("tokenizer.train.weights", {"wbe": 1}, "tokenizer.train.weights.wbe", 1, "did you mean 'web'?"),
    ("tokenizer.train.weights", {"prose": 1}, "tokenizer.train.weights.prose", 1, "no source"),
    ("tokenizer.train.weights", {"web": -1}, "tokenizer.train.weights.web", -1, "at least 0"),
    ("tokenizer.train.short", "drop", "tokenizer.train.short", "drop", "'error', 'scale' or 'less'"),
    ("tokenizer.train.max_document_chars", 0, "tokenizer.train.max_document_chars", 0, "above zero"),
    ("tokenizer.train.digits", "single", "tokenizer.train.digits", "single", "'individual' or 'groups_of_three'"),
    ("tokenizer.train", {**TRAIN, **EXPRESSION}, "tokenizer.train.digits", "individual", "name a pattern: gpt2"),
    ("tokenizer.train.specials", {"bso": "<s>"}, "tokenizer.train.specials.bso", "<s>", "did you mean 'bos'?"),
    (
        "tokenizer.train.specials",
        {"eos": "e", "pad": "e"},
        "tokenizer.train.specials",
        {"eos": "e", "pad": "e"},
        "one token",
    ),
]

BY_SIZE = {"of": ["web", "web"], "alpha": 0.3}
BY_WEIGHT = {"of": {"by_size": 3, "books": 1}}
TWICE = {"web": 0.5, "by_size": 0.5}

MIX: list[Case] = [
    ("mix", 5, "mix", 5, "keys and values"),
    ("mix.sequence_len", 5, "mix.sequence_len", 5, "did you mean 'sequence_length'?"),
    ("mix.sequence_length", 0, "mix.sequence_length", 0, "above zero"),
    ("mix.sequence_length", "8B", "mix.sequence_length", "8B", "at most 2147483646"),
    ("mix.shard_tokens", 100, "mix.shard_tokens", 100, "at least one sequence"),
    ("mix.pack", "bestfit", "mix.pack", "bestfit", "'concat', 'best_fit' or 'pad_truncate'"),
    ("mix.pools.long.sources", [], "mix.pools.long.sources", [], "at least 1"),
    ("mix.pools.long.sources", "web", "mix.pools.long.sources", "web", "write a list"),
    ("mix.pools.long.sources.0", "wbe", "mix.pools.long.sources.0", "wbe", "did you mean 'web'?"),
    ("mix.pools.long.sources.0", "all_late", "mix.pools.long.sources.0", "all_late", "no source and no tag"),
    ("mix.pools.long.where", "word_count >", "mix.pools.long.where", "word_count >", "found the end"),
    (
        "mix.pools.long.where",
        "language_id_score >= 0.5",
        "mix.pools.long.where",
        "language_id_score >= 0.5",
        "add the stage `language`",
    ),
    ("mix.pools.long.where", "score > 1", "mix.pools.long.where", "score > 1", "source 'dolma' has no column 'score'"),
    ("mix.pools.long.wehre", "x > 1", "mix.pools.long.wehre", "x > 1", "did you mean 'where'?"),
    ("mix.pools.web", {"sources": ["web"]}, "mix.pools.web", {"sources": ["web"]}, "call the pool otherwise"),
    ("mix.pools.prose", {"sources": ["web"]}, "mix.pools.prose", {"sources": ["web"]}, "call the pool otherwise"),
    ("mix.pools.a/b", {"sources": ["web"]}, "mix.pools.a/b", "a/b", "a name has letters"),
    ("mix.phases", GONE, "mix.phases", None, "this key is needed"),
    ("mix.phases", [], "mix.phases", [], "at least 1"),
    ("mix.phases.0.name", "anneal", "mix.phases.1.name", "anneal", "an earlier phase"),
    ("mix.phases.0.name", "..", "mix.phases.0.name", "..", "does not begin with a dot"),
    ("mix.phases.0.tokens", GONE, "mix.phases.0.tokens", None, "this key is needed"),
    ("mix.phases.0.tokens", "8 million", "mix.phases.0.tokens", "8 million", "8M or 1.5B"),
    ("mix.phases.0.tokens", "0.5", "mix.phases.0.tokens", "0.5", "whole number"),
    ("mix.phases.0.tokens", "1.2345K", "mix.phases.0.tokens", "1.2345K", "whole number"),
    ("mix.phases.0.tokens", 8.5, "mix.phases.0.tokens", 8.5, "whole number"),
    ("mix.phases.0.tokens", True, "mix.phases.0.tokens", True, "whole number"),
    ("mix.phases.0.tokens", "10000000T", "mix.phases.0.tokens", "10000000T", "8M or 1.5B"),
    ("mix.phases.0.weights", {}, "mix.phases.0.weights", {}, "at least 1"),
    ("mix.phases.0.weights.pile", 0.3, "mix.phases.0.weights", {"web": 0.7, "pile": 0.3, "long": 0.1}, "sum to 1.1"),
    ("mix.phases.1.normalize", False, "mix.phases.1.weights", {"books": 2, "long": 1}, "normalize: true"),
    ("mix.phases.1.weights", {"books": 0}, "mix.phases.1.weights", {"books": 0}, "all weights are 0"),
    ("mix.phases.1.weights.books", -1, "mix.phases.1.weights.books", -1, "at least 0"),
    ("mix.phases.1.weights.books", "two", "mix.phases.1.weights.books", "two", "write a number"),
    ("mix.phases.1.weights.boks", 1, "mix.phases.1.weights.boks", 1, "did you mean 'books'?"),
    ("mix.phases.1.weights.prose", 1, "mix.phases.1.weights.prose", 1, "a tag is no pool; declare one"),
    ("mix.phases.1.start", "again", "mix.phases.1.start", "again", "'continue' or 'restart'"),
    ("mix.phases.1.short", "drop", "mix.phases.1.short", "drop", "'error' or 'scale'"),
    ("mix.phases.1.wieghts", {}, "mix.phases.1.wieghts", {}, "did you mean 'weights'?"),
    ("mix.max_epochs", 256, "mix.max_epochs", 256, "at most 255"),
    ("mix.max_epochs", 0, "mix.max_epochs", 0, "greater than 0"),
    ("mix.max_epochs", "many", "mix.max_epochs", "many", "write a number"),
    ("mix.max_epochs.books", 255.5, "mix.max_epochs.books", 255.5, "at most 255"),
    ("mix.max_epochs.boks", 2, "mix.max_epochs.boks", 2, "did you mean 'books'?"),
    ("mix.max_epochs.by_size", 2, "mix.max_epochs.by_size", 2, "no pool and no source"),
    ("mix.groups.by_size.of", [], "mix.groups.by_size.of", [], "at least 1"),
    ("mix.groups.by_size.of", ["web", "web"], "mix.groups.by_size", BY_SIZE, "named twice"),
    ("mix.groups.by_size.of.0", "wbe", "mix.groups.by_size.of.wbe", None, "did you mean 'web'?"),
    ("mix.groups.by_size.of.0", "prose", "mix.groups.by_size.of.prose", None, "a tag is no pool; declare one"),
    ("mix.groups.by_size.of", ["by_weight"], "mix.groups.by_size.of", ["by_weight"], "by_size > by_weight > by_size"),
    ("mix.groups.by_size.of", ["by_size"], "mix.groups.by_size.of", ["by_size"], "by_size > by_size"),
    ("mix.groups.by_size.alpha", 1.5, "mix.groups.by_size.alpha", 1.5, "at most 1"),
    ("mix.groups.by_size.alpha", -1, "mix.groups.by_size.alpha", -1, "at least 0"),
    ("mix.groups.by_size.temperature", 2, "mix.groups.by_size.temperature", 2, "known: alpha, of"),
    ("mix.groups.by_weight.alpha", 0.3, "mix.groups.by_weight", {**BY_WEIGHT, "alpha": 0.3}, "members without weights"),
    ("mix.groups.by_weight.of", {"books": 0}, "mix.groups.by_weight", {"of": {"books": 0}}, "all weights are 0"),
    ("mix.groups.web", {"of": ["pile"]}, "mix.groups.web", "web", "call the group otherwise"),
    ("mix.groups.long", BY_WEIGHT, "mix.groups.long", "long", "call the group otherwise"),
    ("mix.phases.0.weights", TWICE, "mix.phases.0.weights", TWICE, "reach 'web' by two ways"),
    ("mix.pools.long.subset_of", "al_late", "mix.pools.long.subset_of", "al_late", "did you mean 'all_late'?"),
    ("mix.pools.long.subset_of", "long", "mix.pools.long.subset_of", "long", "no other pool"),
    ("mix.pools.long.subset_of", "all_late", "mix.pools.long.subset_of", "all_late", "no documents of source 'books'"),
    ("mix.holdout", 1, "mix.holdout", 1, "less than 1"),
    ("mix.holdout", 0, "mix.holdout", 0, "greater than 0"),
    ("mix.holdout.pile", "few", "mix.holdout.pile", "few", "write a number"),
    ("mix.holdout.piel", 0.1, "mix.holdout.piel", 0.1, "did you mean 'pile'?"),
    ("mix.holdout.prose", 0.1, "mix.holdout", {"pile": 0.01, "late": 0.02, "prose": 0.1}, "say what is held out of it"),
    ("mix.pools.holdout", {"sources": ["web"]}, "mix.pools", "holdout", "held-out documents have a pool"),
    ("mix.phases.0.name", "holdout", "mix.phases.0.name", "holdout", "which is not trained on; choose another"),
    ("mix.max_share.lat", 0.1, "mix.max_share.lat", 0.1, "did you mean 'late'?"),
    ("mix.max_share.web", 0.6, "mix.max_share.web", 0.6, "phase 'main' gives 0.7 to web"),
    ("mix.max_share.web", 1, "mix.max_share.web", 1, "less than 1"),
]

CASES = [*STRUCTURE, *SOURCES, *STAGES, *TOKENIZER, *MIX]

TEXTS = [
    # text of a manifest, key of the refusal, its value, words of its remedy
    ("", "manifest", None, "write keys and values"),
    ("- a\n- b\n", "manifest", ["a", "b"], "write keys and values"),
    ("name: a\nname: b\n", "name", "name", "given twice"),
    ("name: a\n name: b\n", "manifest", "name: b", "line 2, column 6"),
    ("name: [a\nseed: 1\n", "manifest", "seed: 1", "line 2"),
    ("name: a\n\tseed: 1\n", "manifest", "seed: 1", "line 2"),
    ("name: 'a\n", "manifest", "", "is not YAML"),
    ("name: *web\n", "manifest", "name: *web", "undefined alias"),
    ("name: &a [*a]\n", "name" + ".0" * 40, "", "too many values"),
    ("name: !!python/object/apply:os.system [ls]\n", "name", "", "tags are not allowed"),
    ("name: !secret x\n", "name", "x", "tags are not allowed"),
    ("name: !!int x\n", "name", "x", "int cannot be read"),
    ("name: a\nseed: 1e999\n", "seed", "1e999", "float cannot be read"),
    ("name: a\n--- \nname: b\n", "manifest", "---", "another document"),
    ("[a, b]: c\n", "manifest", "", "a key is a word"),
    ('name: "\\ud800"\n', "name", "'\\ud800'", "surrogate"),
    ("name: a\0b\n", "manifest", "", "special characters"),
    ("name: " + "[" * 5000, "manifest", "name: " + "[" * 34, "nested too deep"),
    ("<<: 5\n", "<<", "", "only mappings can be merged"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("manifests")
    write_files(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        yield path


def test_the_manifest_that_all_cases_start_from_is_valid(folder: Path) -> None:
    assert load_manifest(write_manifest(folder, SAMPLE)).name == "sample"


def test_there_are_at_least_sixty_cases() -> None:
    assert len(CASES) + len(TEXTS) >= 60
    assert len({(place, str(value)) for place, value, *_ in CASES}) == len(CASES)


def refusal(folder: Path, tree: object) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        load_manifest(write_manifest(folder, tree))
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}={str(case[1])[:30]!r}")
def test_a_wrong_value_is_refused_with_key_value_and_remedy(folder: Path, case: Case) -> None:
    place, value, key, shown, remedy = case
    error = refusal(folder, changed(SAMPLE, way_to(place), value))
    assert (error.key, error.value) == (key, shown)
    assert remedy in error.remedy, error.remedy
    assert "manifest.yaml, line " in error.remedy
    assert str(error).startswith(f"{key}: ")
    assert error.exit_code == 2


@pytest.mark.parametrize(("text", "key", "shown", "remedy"), TEXTS, ids=[repr(text[:30]) for text, *_ in TEXTS])
def test_a_wrong_text_is_refused_with_key_value_and_remedy(
    folder: Path, text: str, key: str, shown: object, remedy: str
) -> None:
    error = refusal(folder, text)
    assert (error.key, error.value) == (key, shown)
    assert remedy in error.remedy, error.remedy


def test_a_file_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "bytes.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(ManifestError, match="is not UTF-8 text"):
        load_manifest(folder / "bytes.yaml")


@pytest.mark.parametrize(("name", "why"), [("none.yaml", "No such file"), ("data", "Is a directory")])
def test_a_manifest_that_is_no_file_is_refused(folder: Path, name: str, why: str) -> None:
    with pytest.raises(ManifestError, match=why) as caught:
        load_manifest(folder / name)
    assert caught.value.value == str(folder / name)


def test_aliases_that_unfold_without_end_are_refused(folder: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "too many values" in refusal(folder, "\n".join(levels)).remedy


SETTINGS = [
    ("mix.phases.0.tokens", "mix.phases.0.tokens", "write --set key=value"),
    ("=5", "--set", "write --set key=value"),
    ("mix.phases.7.tokens=5", "mix.phases.7.tokens", "there is no '7'"),
    ("mix.phases.-1.tokens=5", "mix.phases.-1.tokens", "there is no '-1'"),
    ("seed.x=5", "seed.x", "there is no 'x'"),
    ("mix.phases.0.tokens=8.5", "mix.phases.0.tokens", "(--set mix.phases.0.tokens)"),
    ("mix.phases.0.weights.web=0.8", "mix.phases.0.weights", "sum to 1.1"),
    ("stages.5=nothing", "stages.5", "unknown stage"),
    ("stages.2.normalize.form=NFC", "stages.2.normalize.form", "known: on"),
    ("sources.new.path=data", "sources.new.format", "unknown format"),
    ("name=[", "manifest", "--set name, line 1"),
    ("name={a: 1, a: 2}", "a", "given twice"),
    ("sede=1", "sede", "did you mean 'seed'?"),
]


@pytest.mark.parametrize(("setting", "key", "remedy"), SETTINGS)
def test_a_wrong_setting_is_refused_with_key_and_remedy(folder: Path, setting: str, key: str, remedy: str) -> None:
    with pytest.raises(ManifestError) as caught:
        load_manifest(write_manifest(folder, SAMPLE), [setting])
    assert (caught.value.key, remedy in caught.value.remedy) == (key, True), str(caught.value)


# --- any change at all

Way = tuple[str | int, ...]


def ways(tree: object, way: Way = ()) -> Iterator[Way]:
    """Every place in a tree but its root."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for part, inner in items:
        yield (*way, part)
        yield from ways(inner, (*way, part))


# Not "/", "." or "~": a random path must not lead out of the test's own folder.
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="/.~"), max_size=6)
SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | PLAIN
    | st.sampled_from(["8M", "web", "prose", "chars > 1"])
)
KEYS = PLAIN | st.sampled_from(["on", "where", "path", "weights", "train", "1", "format"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=4,
)


def renamed(tree: object, way: Way, name: str) -> object:
    """Give the key at the end of a way another name, in its place."""
    tree = copy.deepcopy(tree)
    inner: Any = tree
    for part in way[:-1]:
        inner = inner[part]
    items = [(name if old == way[-1] else old, value) for old, value in inner.items()]
    inner.clear()
    inner.update(items)
    return tree


@st.composite
def mutants(draw: st.DrawFn) -> object:
    """Delete, rename, retype or copy one to three places of the valid manifest."""
    tree: Any = SAMPLE
    for _ in range(draw(st.integers(1, 3))):
        places = list(ways(tree))
        if not places:
            break
        way = draw(st.sampled_from(places))
        what = draw(st.sampled_from(["delete", "rename", "retype", "copy"]))
        if what == "rename" and isinstance(way[-1], str):
            tree = renamed(tree, way, draw(KEYS | st.just(way[-1][1:])))
        elif what == "copy":
            source: Any = tree
            for part in draw(st.sampled_from(places)):
                source = source[part]
            tree = changed(tree, way, copy.deepcopy(source))
        else:
            tree = changed(tree, way, GONE if what == "delete" else draw(VALUES))
    return tree


def loads_or_is_refused(folder: Path, tree: object, overrides: tuple[str, ...] = ()) -> None:
    try:
        manifest = load_manifest(write_manifest(folder, tree), overrides)
    except ManifestError as error:
        complaint: Manifest | str = error.remedy
    else:
        complaint = manifest
        assert manifest.canonical()
        assert all(manifest.sources_of(source) for pool in manifest.pools for source in pool.sources)
    assert complaint


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(tree=mutants())
def test_any_change_loads_or_is_refused_and_nothing_else(folder: Path, tree: object) -> None:
    loads_or_is_refused(folder, tree)


LINES = yaml.safe_dump(SAMPLE, sort_keys=False)


@settings(max_examples=100, deadline=None)
@given(
    at=st.integers(0, len(LINES)),
    cut=st.integers(0, 3),
    put=st.text("[]{}:,#&*!|>'\"%@`- \n\tax0", max_size=3),
)
def test_any_damage_to_the_text_loads_or_is_refused_and_nothing_else(folder: Path, at: int, cut: int, put: str) -> None:
    loads_or_is_refused(folder, LINES[:at] + put + LINES[at + cut :])


PARTS = st.sampled_from(["mix", "phases", "0", "1", "weights", "web", "stages", "normalize", "where", "name", "", "9"])


@settings(max_examples=100, deadline=None)
@given(parts=st.lists(PARTS, min_size=1, max_size=4), value=st.text("[]{}:,#&*!'\"0aM ", max_size=5))
def test_any_setting_loads_or_is_refused_and_nothing_else(folder: Path, parts: list[str], value: str) -> None:
    loads_or_is_refused(folder, SAMPLE, (f"{'.'.join(parts)}={value}",))
