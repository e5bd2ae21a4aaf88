"""Encoders from a SentencePiece model (Llama 2, Mistral).

In:  its bytes and the manifest's `tokenizer`.
Out: a `TableEncoder`.
Guaranteed: ids equal those of `sentencepiece`; control symbols are not found in text (user-defined symbols are, since
     they are vocabulary).

A model with `add_dummy_prefix` puts a space before each text, so that the bytes of a run are b" " + text; none can tell
U+2581 in a text from a space.
"""

from collections.abc import Iterator
from typing import Any

from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

from filters.kernels.encoding import Model
from filters.kernels.pretokens import MARKED
from pipelines.errors import RequestError
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.about import About
from pipelines.tokens.backends import Backend, Careful, Library
from pipelines.tokens.bytepairs import MOST_TOKENS, BytePairs, marked, merges, splits
from pipelines.tokens.vocabulary import TableEncoder, hash_of, policy_for, table_of

ModelProto: Any = sentencepiece_model_pb2.ModelProto  # type: ignore[attr-defined]  # generated when imported
BPE = sentencepiece_model_pb2.TrainerSpec.BPE  # type: ignore[attr-defined]  # likewise

SPACE_MARK = "\u2581"


def load_sentencepiece(artifact: bytes, spec: TokenizerSpec) -> TableEncoder:
    """Return the encoder that a SentencePiece model describes.

    Raises:
        RequestError: it cannot be read.
        ManifestError: the manifest asks for BOS or EOS where it has none.
    """
    processor, model = _parse(artifact)
    library = Library("sentencepiece", lambda text: processor.encode(text, num_threads=1))
    about = _about(processor, model)
    found = [_known(number) for number in (processor.bos_id(), processor.eos_id(), processor.pad_id())]
    policy = policy_for(found, about.specials, spec)
    return TableEncoder(
        name="sentencepiece",
        hash=hash_of(_content(model), policy),
        table=table_of(dict(_pieces(model))),
        policy=policy,
        backend=library if spec.library else _backend(library, model),
        library=library,
        about=about,
    )


def _about(processor: Any, model: Any) -> About:  # noqa: ANN401 - the library has no types
    return About(
        specials={piece.piece: number for number, piece in enumerate(model.pieces) if piece.type in _special_kinds()},
        normalizer=_normalizer_words(model.normalizer_spec),
        words="words begin with their space (U+2581)",
        obstacle=_obstacle(model),
        normalized=lambda text: str(processor.normalize(text)).replace(SPACE_MARK, " "),
        dead=lambda: frozenset(_dead(model)),
    )


def _special_kinds() -> set[int]:
    kinds = ModelProto.SentencePiece
    return {kinds.CONTROL, kinds.UNKNOWN}


def _dead(model: Any) -> Iterator[int]:  # noqa: ANN401 - a protocol buffer
    """Yield the pieces that no text becomes: control and unused ones, and the unknown one where bytes stand for it."""
    kinds = ModelProto.SentencePiece
    held = {kinds.CONTROL, kinds.UNUSED, *([kinds.UNKNOWN] if model.trainer_spec.byte_fallback else [])}
    yield from (number for number, piece in enumerate(model.pieces) if piece.type in held)


def _normalizer_words(normalizer: Any) -> str:  # noqa: ANN401 - a protocol buffer
    """Return what changes texts before they are cut, in words."""
    parts = [normalizer.name or "a table of its own"] if normalizer.precompiled_charsmap else []
    parts += ["white space is joined"] if normalizer.remove_extra_whitespaces else []
    parts += ["a space is put before each text"] if normalizer.add_dummy_prefix else []
    return ", ".join(parts) or "none"


def _parse(artifact: bytes) -> tuple[Any, Any]:
    model = ModelProto()
    processor = SentencePieceProcessor()
    try:
        model.ParseFromString(artifact)
        processor.LoadFromSerializedProto(artifact)
    except Exception as error:
        raise RequestError(f"this SentencePiece model cannot be read: {error}") from error
    return processor, model


def _known(token: int) -> int | None:
    return token if token >= 0 else None


def _pieces(model: Any) -> Iterator[tuple[int, bytes]]:  # noqa: ANN401 - a protocol buffer
    """Yield each id and its bytes."""
    kinds = ModelProto.SentencePiece
    for number, piece in enumerate(model.pieces):
        if piece.type in {kinds.CONTROL, kinds.UNKNOWN, kinds.UNUSED}:
            yield number, b""
        elif piece.type == kinds.BYTE:
            yield number, bytes([int(piece.piece[3:5], 16)])
        else:
            yield number, piece.piece.replace(SPACE_MARK, " ").encode()


def _backend(library: Library, model: Any) -> Backend:  # noqa: ANN401 - a protocol buffer
    """Return our own back-end where it can serve; symbols of a user it leaves to the library."""
    fast = _byte_pairs(model)
    if fast is None:
        return library
    symbols = tuple(piece.piece for piece in model.pieces if piece.type == ModelProto.SentencePiece.USER_DEFINED)
    return Careful(fast, library, symbols) if symbols else fast


def _byte_pairs(model: Any) -> BytePairs | None:  # noqa: ANN401 - a protocol buffer
    """Return our own back-end, where the model merges pairs, falls back to bytes, and leaves texts as they are."""
    return BytePairs(MARKED, lambda: _model(model), spaced=True) if not _obstacle(model) else None


def _model(model: Any) -> Model:  # noqa: ANN401 - a protocol buffer
    kinds = ModelProto.SentencePiece
    pieces = {piece.piece: number for number, piece in enumerate(model.pieces) if piece.type == kinds.NORMAL}
    of_bytes = {int(piece.piece[3:5], 16): at for at, piece in enumerate(model.pieces) if piece.type == kinds.BYTE}
    scores = sorted({-model.pieces[number].score for number in pieces.values()})
    rank_of = {score: rank for rank, score in enumerate(scores)}
    ranks = {piece: rank_of[-model.pieces[number].score] for piece, number in pieces.items()}
    of_codes = {ord(piece): number for piece, number in pieces.items() if len(piece) == 1}
    of_codes[ord(" ")] = of_codes[ord(SPACE_MARK)]
    return marked([of_bytes[byte] for byte in range(256)], of_codes, pieces, merges(splits(pieces, ranks)))


def _obstacle(model: Any) -> str:  # noqa: ANN401 - a protocol buffer
    """Return why our own back-end cannot serve; "" for models like Llama 2's: BPE over U+2581, texts as they are."""
    trainer, normalizer, kinds = model.trainer_spec, model.normalizer_spec, ModelProto.SentencePiece
    spaced = normalizer.add_dummy_prefix and normalizer.escape_whitespaces and not trainer.treat_whitespace_as_suffix
    symbols = (piece.piece for piece in model.pieces if piece.type == kinds.USER_DEFINED)
    obstacles = {
        "its model is no BPE": trainer.model_type != BPE,
        "it has no bytes to fall back to": not trainer.byte_fallback,
        "its words do not begin with their space": not spaced or not _marks_spaces(model),
        "a normalizer changes texts first": normalizer.remove_extra_whitespaces or normalizer.precompiled_charsmap,
        "some of its pieces are marked as unused": kinds.UNUSED in {piece.type for piece in model.pieces},
        f"it has {MOST_TOKENS:,} ids or more": len(model.pieces) >= MOST_TOKENS,
        "a symbol of its user holds a space": any(SPACE_MARK in symbol or " " in symbol for symbol in symbols),
    }
    return next((words for words, found in obstacles.items() if found), "")


def _marks_spaces(model: Any) -> bool:  # noqa: ANN401 - a protocol buffer
    return any(piece.piece == SPACE_MARK and piece.type == ModelProto.SentencePiece.NORMAL for piece in model.pieces)


def _content(model: Any) -> list[object]:  # noqa: ANN401 - a protocol buffer
    """Return what decides ids: pieces with scores and kinds, the algorithm, the normalizer."""
    normalizer, trainer = model.normalizer_spec, model.trainer_spec
    return [
        [[piece.piece, piece.score, piece.type] for piece in model.pieces],
        [trainer.model_type, trainer.byte_fallback, trainer.treat_whitespace_as_suffix],
        [normalizer.precompiled_charsmap.hex(), normalizer.add_dummy_prefix],
        [normalizer.remove_extra_whitespaces, normalizer.escape_whitespaces],
    ]
