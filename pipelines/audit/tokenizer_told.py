"""What `gristmill tokenizer` tells: the passport of a build, or what is known of a tokenizer before one.

In:  a build folder, a manifest, or a tokenizer's file; perhaps texts.
Out: a `Told`.
Guaranteed: nothing is written. Fertility is counted, of a build's texts or of those given, and never guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.audit.encoding import encoding_of, file_bytes, planned_encoder
from pipelines.audit.opened import Opened, open_folder
from pipelines.audit.passport import (
    PASSPORT,
    Fertility,
    Passport,
    RoundTrip,
    fertility_of,
    passport_of,
    read_passport,
)
from pipelines.engine.runner import LOG
from pipelines.errors import RequestError
from pipelines.manifest import load_manifest
from pipelines.sources.chats import Chat
from pipelines.sources.options import chats_of
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.backends import NO_FRAME
from pipelines.tokens.checking import OUTCOMES, come_back
from pipelines.tokens.encode import Encoder
from pipelines.tokens.marks import check_marks


@dataclass(frozen=True)
class Told:
    """What is told of a tokenizer.

    Args:
        where: what was named.
        encoding: whose code encodes, in words.
        passport: all else.
        note: what is not known yet, and when it will be; "" where all is known.
    """

    where: str
    encoding: str
    passport: Passport
    note: str = ""


class _Event(msgspec.Struct):
    """A line of the log, as far as it is asked for here."""

    event: str
    backend: str = ""


def tell_of(where: str, texts: Sequence[Path] = ()) -> Told:
    """Return what is known of the tokenizer of a build folder, a manifest or a tokenizer's file.

    Args:
        where: one of the three.
        texts: files of UTF-8 text, each a document, to count fertility on; of a build, its own are counted already.

    Raises:
        RequestError: it is none of the three, or has no tokenizer.
    """
    if not Path(where).is_file():
        if texts:
            raise RequestError("--text: a build's passport counts its own texts; name a manifest or a tokenizer's file")
        return _of_build(open_folder(where))
    spec, chats = TokenizerSpec(file=where), dict[str, Chat]()
    if Path(where).suffix in {".yaml", ".yml"}:
        manifest = load_manifest(where)
        if manifest.tokenizer is None:
            raise RequestError(f"{where}: tokenizer: nothing stands there, so no tokens are made")
        spec, chats = manifest.tokenizer, chats_of(manifest.sources)
    encoder = planned_encoder(spec)
    check_marks(chats, encoder.about.specials)
    told = Told(where, str(encoding_of(encoder)), passport_of(encoder, spec, chats))
    return _before_a_build(told, encoder, spec, texts)


def passport_in(build: Opened) -> Passport:
    """Return the passport of a build.

    Raises:
        RequestError: it has no tokenizer.
    """
    try:
        return read_passport(build.storage.read(PASSPORT))
    except FileNotFoundError:
        raise RequestError(f"{build.storage.url} has no tokenizer: its manifest makes no tokens") from None


def _of_build(build: Opened) -> Told:
    return Told(build.storage.url, _last_backend(build), passport_in(build))


def _last_backend(build: Opened) -> str:
    """Return whose code encoded in the last run, in words."""
    events = (msgspec.json.decode(line, type=_Event) for line in build.storage.read(LOG).splitlines())
    names = [event.backend for event in events if event.event == "tokenizer"]
    return f"{names[-1]}, in the last run ({LOG})" if names else f"not in {LOG}"


def _before_a_build(told: Told, encoder: Encoder, spec: TokenizerSpec, texts: Sequence[Path]) -> Told:
    """Return what is told of an encoder, with what texts say of it."""
    if spec.train is not None:
        if texts:
            raise RequestError("--text: this manifest trains its tokenizer, so there is none to count with yet")
        known = msgspec.structs.replace(told.passport, hash="", vocab_size=spec.train.vocab_size)
        note = "The build trains it: its hash, its tokens and their fertility come then."
        return replace(told, passport=known, note=note)
    held = [(path.name, _text(path)) for path in texts]
    counted = msgspec.structs.replace(
        told.passport,
        by_source=[_fertility(encoder, name, text) for name, text in held],
        round_trip=[_round_trip(encoder, name, text) for name, text in held],
    )
    note = "" if texts else "Fertility is counted by a build, or on texts that are named with --text."
    return replace(told, passport=counted, note=note)


def _text(path: Path) -> pa.LargeStringArray:
    try:
        return pa.array([file_bytes(path).decode()], pa.large_string())
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"--text {path}: this is no UTF-8 text: {error}") from error


def _fertility(encoder: Encoder, name: str, text: pa.LargeStringArray) -> Fertility:
    """Return the fertility of one document; its words are not counted."""
    tokens = len(encoder.backend.encode(text, NO_FRAME).ids)
    amounts = {"documents": 1, "tokens": tokens, "words": 0, "tokens_of_words": 0}
    amounts |= {"characters": pc.utf8_length(text)[0].as_py(), "bytes": pc.binary_length(text)[0].as_py()}
    return fertility_of(name, amounts)


def _round_trip(encoder: Encoder, name: str, text: pa.LargeStringArray) -> RoundTrip:
    found = come_back(encoder, pa.record_batch({"text": text}))
    return RoundTrip(name, found.total(), *(found[outcome] for outcome in OUTCOMES))
