"""A build compares some ids with those of the reference library, and stops where they differ."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from filters.batch import batch_of
from pipelines.engine import outputs
from pipelines.errors import BuildError
from pipelines.manifest import load_manifest
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.backends import Library
from pipelines.tokens.checking import CHECKED_CHARS, check_ids, come_back
from pipelines.tokens.encode import load_encoder
from pipelines.tokens.train import train_bpe
from pipelines.tokens.vocabulary import TableEncoder
from tests.filters.real_texts import needs_corpus
from tests.helpers import build_here, lines_source, write_lines, written
from tests.tokens.tokenizers_at_hand import TEXTS, published, trained

OPTIONS = TrainOptions(vocab_size=400)


def erring(word: str) -> TableEncoder:
    """Return an encoder that takes one word otherwise than its library does."""
    encoder = trained()
    assert isinstance(encoder, TableEncoder)
    right = encoder.library
    assert isinstance(right, Library)
    wrong = Library("wrong", lambda text: [*right.encode_text(text), *([5] if word in text else [])])
    return replace(encoder, backend=wrong)


def test_documents_with_the_ids_of_the_library_pass() -> None:
    check_ids(trained(), batch_of(TEXTS).documents)
    check_ids(erring("absent"), batch_of(TEXTS).documents)


def test_the_first_document_with_other_ids_is_named() -> None:
    documents = batch_of(["good", "bad", "bad too"]).documents
    name = f"{documents.column('source')[1].as_py()}/{documents.column('id')[1].as_py()}"
    with pytest.raises(BuildError, match=rf"{name} other ids .* `library: true` under `tokenizer`"):
        check_ids(erring("bad"), documents)


def test_long_documents_are_looked_at_in_their_beginning() -> None:
    check_ids(erring("bad"), batch_of(["x " * CHECKED_CHARS + "bad"]).documents)


def test_texts_that_come_back_are_counted_and_those_that_do_not_by_their_reason() -> None:
    documents = batch_of(TEXTS).documents
    encoder = trained()
    assert isinstance(encoder, TableEncoder)
    assert come_back(encoder, documents) == Counter(exact=len(TEXTS))
    forgetful = replace(encoder, table=tuple(b"" for _ in range(400)))
    assert come_back(forgetful, documents) == Counter(other=len(TEXTS))
    upper = replace(forgetful, about=replace(forgetful.about, normalized=str.upper))
    assert come_back(upper, documents) == Counter(normalizer=len(TEXTS))


@needs_corpus
def test_a_blank_that_the_tokenizer_puts_before_a_text_does_not_count() -> None:
    assert come_back(published("llama2"), batch_of([*TEXTS, " x"]).documents) == Counter(exact=len(TEXTS) + 1)


def test_with_library_the_library_encodes_under_the_same_name() -> None:
    artifact = train_bpe(TEXTS, OPTIONS)
    fast, slow = (load_encoder(artifact, TokenizerSpec(train=OPTIONS, library=library)) for library in (False, True))
    assert isinstance(fast, TableEncoder)
    assert isinstance(slow, TableEncoder)
    assert (fast.backend.name, slow.backend.name) == ("gristmill", "tokenizers")
    assert fast.hash == slow.hash
    text = pa.array(TEXTS, pa.large_string())
    assert fast.encode(text).ids.tolist() == slow.encode(text).ids.tolist()


def test_a_build_stops_at_a_difference_and_not_with_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"id": "one", "text": TEXTS[0]}, {"id": "two", "text": "bad"}])
    wanted = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "tokenizer": {"train": {"vocab_size": 300}}}
    build_here(wanted, tmp_path / "good")

    def lying(encoder: TableEncoder, documents: pa.RecordBatch) -> None:
        assert encoder.backend.name == "gristmill"
        check_ids(replace(encoder, backend=erring("bad").backend, library=erring("bad").library), documents)

    monkeypatch.setattr(outputs, "check_ids", lying)
    with pytest.raises(BuildError, match="a/two other ids"):
        build_here(wanted, tmp_path / "bad")


def test_whose_code_encodes_is_no_part_of_a_manifest_s_hash(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "one"}])
    source = {"a": lines_source(tmp_path / "a")}
    canonical = []
    for library in (False, True):
        tokenizer = {"train": {"vocab_size": 300}, "library": library}
        manifest = {"name": "n", "sources": source, "tokenizer": tokenizer}
        path = written(manifest, tmp_path / f"{library}")
        canonical.append(load_manifest(path).canonical())
    assert canonical[0] == canonical[1]
