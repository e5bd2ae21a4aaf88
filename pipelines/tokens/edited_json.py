"""The tokenizer.json of a changed vocabulary, for whoever decodes what was trained on it.

In:  the bytes of a tokenizer.json, and the encoder that the manifest's edits made of it.
Out: the bytes of another tokenizer.json.
Guaranteed: `tokenizers` gives texts the build's ids by it, and frames them as the build does; ids that fill up the size
     are not in it, since it has no place for ids without a token. The same file and edits give the same bytes.
"""

import json
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from pipelines.errors import ManifestError
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.about import Edits
from pipelines.tokens.encode import Encoder
from pipelines.tokens.huggingface import Document, load_json


def edited_json(artifact: bytes, encoder: Encoder) -> bytes:
    """Return the file with its vocabulary changed; the file itself where nothing was.

    Raises:
        ManifestError: it cannot hold the ids, for there are gaps before its added tokens.
    """
    edits = encoder.about.edits
    if edits is None:
        return artifact
    document: Document = json.loads(artifact)
    added = _added_tokens(artifact, document, edits)
    document |= {"model": _model(document["model"], edits), "added_tokens": added}
    document |= {"post_processor": _template(encoder), "truncation": None, "padding": None}
    data = json.dumps(document, ensure_ascii=False).encode()
    _check(data, encoder, edits)
    return data


def _new_id(edits: Edits, number: int) -> int | None:
    """Return the id that an id of the file has now; None where it is gone."""
    below = int(np.searchsorted(edits.removed, number))
    return None if edits.removed[below : below + 1] == (number,) else number - below


def _model(model: Document, edits: Edits) -> Document:
    """Return the model without what is gone; of a vocabulary that is a list, nothing ever is."""
    if not isinstance(model["vocab"], dict):
        return model
    renumbered = {token: _new_id(edits, number) for token, number in model["vocab"].items()}
    vocab = {token: number for token, number in renumbered.items() if number is not None}
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    merges = [[left, right] for left, right in pairs if {left, right, left + right} <= vocab.keys()]
    return {**model, "vocab": vocab, "merges": merges}


def _added_tokens(artifact: bytes, document: Document, edits: Edits) -> list[dict[str, Any]]:
    """Return the added tokens that stayed, by the ids that the library gives them, and the new ones."""
    numbers = {
        token.content: at for at, token in Tokenizer.from_str(artifact.decode()).get_added_tokens_decoder().items()
    }
    held = [{**each, "id": _new_id(edits, numbers[each["content"]])} for each in document.get("added_tokens") or ()]
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    new = [{"id": number, "content": token, **plain} for token, number in edits.added.items()]
    return [each for each in held if each["id"] is not None] + new


def _template(encoder: Encoder) -> Document | None:
    """Return what frames a text as the build does; None where nothing does."""
    policy, name_of = encoder.policy, {number: token for token, number in encoder.about.specials.items()}
    head, tail = ([name_of[number] for number in ids] for ids in (policy.head, policy.tail))
    if not head and not tail:
        return None
    sides = [[{"SpecialToken": {"id": token, "type_id": 0}} for token in side] for side in (head, tail)]
    single = [*sides[0], {"Sequence": {"id": "A", "type_id": 0}}, *sides[1]]
    pair = [*single, *sides[0], {"Sequence": {"id": "B", "type_id": 0}}, *sides[1]]
    ids = {token: encoder.about.specials[token] for token in (*head, *tail)}
    known = {token: {"id": token, "ids": [number], "tokens": [token]} for token, number in ids.items()}
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": known}


def _check(data: bytes, encoder: Encoder, edits: Edits) -> None:
    """Refuse a file in which the library finds other ids than the build's."""
    read = load_json(data, TokenizerSpec(tokenizer_json="", bos=False, eos=False))
    sizes = (read.vocab_size, encoder.vocab_size - edits.padding)
    if read.about.specials != encoder.about.specials or sizes[0] != sizes[1]:
        remedy = (
            "a tokenizer.json has no place for ids without a token, and this one skips some; write `remove: unused`"
        )
        raise ManifestError("tokenizer.edit", list(edits.added), remedy)
