"""What `gristmill tokenizer` tells of builds, manifests and files, and what `plan` says of whose code will encode."""

import io
import json
from html import escape
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tokenizers import Tokenizer, models, pre_tokenizers
from typer.testing import CliRunner

from pipelines.audit.encoding import encoding_of, planned_encoder
from pipelines.audit.forecast import forecast
from pipelines.audit.forecast_page import print_forecast
from pipelines.audit.passport import PASSPORT, read_passport
from pipelines.audit.passport_html import passport_as_html
from pipelines.audit.passport_page import print_told
from pipelines.audit.passport_words import listings, passport_lines
from pipelines.audit.tokenizer_told import Told, tell_of
from pipelines.cli import app
from pipelines.engine.job import Resources
from pipelines.errors import RequestError
from pipelines.manifest import load_manifest
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.train import train_bpe
from tests.filters.real_texts import needs_corpus
from tests.helpers import build_here, lines_source, write_lines, written
from tests.tokens.tokenizers_at_hand import PUBLISHED, TEXTS

ARTIFACT = train_bpe(TEXTS, TrainOptions(vocab_size=400))


def byte_level(model: Any) -> bytes:  # noqa: ANN401 - a model of the library
    """A tokenizer.json whose words are GPT-2's."""
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return str(tokenizer.to_str()).encode()


def unigram() -> bytes:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    return byte_level(models.Unigram([("<unk>", 0.0), *((letter, -2.0) for letter in letters)], 0, byte_fallback=False))


def shown(told: Told) -> str:
    out = io.StringIO()
    print_told(Console(file=out, width=200), told)
    return out.getvalue()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told")
    write_lines(folder / "a" / "x.jsonl", [{"text": text} for text in TEXTS])
    wanted = {"name": "n", "sources": {"a": lines_source(folder / "a")}, "stages": [{"language": {}}]}
    build_here({**wanted, "tokenizer": {"train": {"vocab_size": 300}}}, folder / "out")
    return folder


def test_of_a_build_it_tells_the_passport_that_lies_there(built: Path) -> None:
    told = tell_of(str(built / "out"))
    assert told.passport == read_passport((built / "out" / PASSPORT).read_bytes())
    assert told.encoding == "gristmill, in the last run (runs.jsonl)"
    page = shown(told)
    for words in (told.passport.hash, "300 ids, uint16", "<|endoftext|> (0), ends each document", "Tokens by source"):
        assert words in page
    assert "Tokens by language" in page


def test_the_page_for_a_browser_says_the_same_and_shows_names_as_text(built: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    CliRunner().invoke(app, ["tokenizer", str(built / "out"), "--html", str(page)])
    told, html = tell_of(str(built / "out")), page.read_text()
    assert html == passport_as_html(told)
    for name, words in passport_lines(told.passport, told.encoding):
        assert f"<th>{name}</th><td>{escape(words)}</td>" in html
    assert "&lt;|endoftext|&gt; (0), ends each document" in html
    assert "<|endoftext|>" not in html
    for each in listings(told.passport):
        assert f"<h2>{each.title}</h2>" in html
        assert all(f"<td>{cell}</td>" in html for row in each.rows for cell in row)


def test_of_a_manifest_that_trains_it_tells_what_is_decided(built: Path) -> None:
    told = tell_of(str(built / "out.yaml"))
    assert (told.passport.hash, told.passport.vocab_size, told.passport.kind) == ("", 300, "train")
    assert "The build trains it" in shown(told)
    with pytest.raises(RequestError, match="trains its tokenizer"):
        tell_of(str(built / "out.yaml"), [built / "out.yaml"])


def test_of_a_manifest_with_a_file_it_tells_of_the_vocabulary_with_its_edits(built: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes(ARTIFACT)
    spec = {"json": str(tmp_path / "tokenizer.json"), "edit": {"add": ["<|user|>"], "multiple_of": 64}}
    manifest = {"name": "n", "sources": {"a": lines_source(built / "a")}, "tokenizer": spec}
    told = tell_of(str(written(manifest, tmp_path / "m")))
    assert told.passport.vocab_size % 64 == 0
    assert "<|user|>" in told.passport.special_tokens
    assert "Fertility is counted by a build" in shown(told)
    assert "filled up" in shown(told)


def test_of_a_file_it_counts_the_texts_that_are_given_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes(ARTIFACT)
    (tmp_path / "text.txt").write_text(TEXTS[1])
    where = str(tmp_path / "tokenizer.json")
    assert tell_of(where).passport.by_source == []
    (each,) = tell_of(where, [tmp_path / "text.txt"]).passport.by_source
    expected = len(Tokenizer.from_str(ARTIFACT.decode()).encode(TEXTS[1]).ids)
    assert (each.tokens, each.characters, each.bytes) == (expected, len(TEXTS[1]), len(TEXTS[1].encode()))
    assert each.per_word is None
    assert tell_of(where, [tmp_path / "text.txt"]).passport.round_trip[0].exact == 1


@needs_corpus
def test_of_a_sentencepiece_model_it_says_that_a_space_is_put_before_each_text(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXTS[0])
    told = tell_of(str(PUBLISHED["llama2"]), [tmp_path / "text.txt"])
    assert told.passport.normalizer == "a space is put before each text"
    assert told.passport.round_trip[0].exact == 1
    assert "<s> (1), begins each document" in shown(told)


def test_what_is_no_tokenizer_is_refused(built: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no build"):
        tell_of(str(tmp_path))
    (tmp_path / "file").write_bytes(b"what?")
    with pytest.raises(RequestError, match="this is no tokenizer"):
        tell_of(str(tmp_path / "file"))
    plain = written({"name": "n", "sources": {"a": lines_source(built / "a")}}, tmp_path / "plain")
    with pytest.raises(RequestError, match="no tokens are made"):
        tell_of(str(plain))
    (tmp_path / "tokenizer.json").write_bytes(ARTIFACT)
    with pytest.raises(RequestError, match="no UTF-8 text"):
        tell_of(str(tmp_path / "tokenizer.json"), [tmp_path / "absent"])
    with pytest.raises(RequestError, match="counts its own texts"):
        tell_of(str(built / "out"), [tmp_path / "file"])


def test_the_command_prints_a_page_or_json(built: Path) -> None:
    ended = CliRunner().invoke(app, ["tokenizer", str(built / "out"), "--json"])
    assert json.loads(ended.stdout)["passport"]["vocab_size"] == 300
    assert "300 ids" in CliRunner().invoke(app, ["tokenizer", str(built / "out")]).stdout


@pytest.mark.parametrize(
    ("artifact", "library", "backend", "reason"),
    [
        (ARTIFACT, False, "gristmill", ""),
        (ARTIFACT, True, "tokenizers", "the manifest says `library: true`"),
        (unigram(), False, "tokenizers", "its model is Unigram, no BPE"),
        (unigram(), True, "tokenizers", "its model is Unigram, no BPE"),
    ],
)
def test_who_encodes_is_told_with_the_reason(
    tmp_path: Path, artifact: bytes, library: bool, backend: str, reason: str
) -> None:
    (tmp_path / "tokenizer.json").write_bytes(artifact)
    spec = TokenizerSpec(file=str(tmp_path / "tokenizer.json"), library=library)
    encoding = encoding_of(planned_encoder(spec))
    assert (encoding.backend, encoding.reason) == (backend, reason)


def test_a_pattern_of_ones_own_is_encoded_by_the_library_and_plan_says_so_and_plans_more_time(built: Path) -> None:
    pages, seconds = [], []
    for pattern in ("gpt2", r"\w+|\W"):
        loaded = load_manifest(built / "out.yaml", [f"tokenizer.train.pattern='{pattern}'"])
        seen = forecast(loaded, "", Resources())
        out = io.StringIO()
        print_forecast(Console(file=out, width=300), seen)
        pages.append(out.getvalue())
        seconds.append(next(step.seconds for step in seen.steps if step.name == "pass 2"))
    assert "Tokens: kernels of gristmill encode, about 50 MB of text a second on a core." in pages[0]
    assert "Tokens: the library tokenizers encodes, about 2 MB" in pages[1]
    assert "its words are neither GPT-2's nor cl100k's" in pages[1]
    assert (seconds[1] or 0) > (seconds[0] or 0)
