"""Vocabulary edits: an encoder with tokens added, ids removed, and a round size.

In:  the encoder of a file, and the manifest's `tokenizer`.
Out: an encoder.
Guaranteed: only ids that no text becomes are removed, so texts get the tokens that the file's library gives them. Ids
     that stay close up in their order: the new id is the old one less the removed ids below it. Added tokens follow, in
     the manifest's order, and are special: no text becomes one. They are BOS, EOS or padding where the manifest says
     so, or they have such a name (`vocabulary.py`) and the vocabulary has no other. The hash covers the edits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import numpy.typing as npt

from pipelines.engine.keys import key_of
from pipelines.errors import ManifestError
from pipelines.refusals import nearest
from pipelines.tokenizer_edit import EditOptions
from pipelines.tokenizer_spec import ROLES, TokenizerSpec
from pipelines.tokens.about import Edits
from pipelines.tokens.backends import Backend
from pipelines.tokens.renumbered import GONE, Renumbered
from pipelines.tokens.vocabulary import (
    BOS_TOKENS,
    EOS_TOKENS,
    PAD_TOKENS,
    Policy,
    TableEncoder,
    first_of,
    policy_for,
)

KEY = "tokenizer.edit"


def without_edits(spec: TokenizerSpec) -> TokenizerSpec:
    """Return what the manifest says of the file as it is: what frames documents is decided behind the edits."""
    return spec.model_copy(update={**dict.fromkeys(ROLES), "edit": None})


def edited(base: TableEncoder, spec: TokenizerSpec, edit: EditOptions) -> TableEncoder:
    """Return an encoder with a changed vocabulary.

    Args:
        base: of the file as it is, loaded by `without_edits`.
        spec: the manifest's `tokenizer`.
        edit: what it asks to change.

    Raises:
        ManifestError: a token is not there, is there already, or texts become it; or BOS, EOS or padding is asked for
            where there is none.
    """
    removed = _removed(base, spec, edit)
    kept = np.setdiff1d(np.arange(base.vocab_size), sorted(removed))
    edits = _edits(base, removed, _added(base, removed, edit), edit.multiple_of)
    forward = _forward(base.vocab_size, kept, len(edits.added))
    _check_named(edits, spec)
    specials = {token: int(forward[number]) for token, number in base.about.specials.items() if number not in removed}
    policy = _policy(base.policy, forward, (specials, edits.added), spec)
    backend = _renumbered(base.backend, forward, removed)
    table = (*(base.table[number] for number in kept), *[b""] * (len(edits.added) + edits.padding))
    return replace(
        base,
        hash=key_of([base.hash, edits.removed, list(edits.added), len(table), asdict(policy)]),
        table=table,
        policy=policy,
        backend=backend,
        library=backend if base.library is base.backend else _renumbered(base.library, forward, removed),
        inside=None if base.inside is None else _renumbered(base.inside, forward, removed),
        about=replace(
            base.about,
            specials={**specials, **edits.added},
            edits=edits,
            lstrip=base.about.lstrip - edits.added.keys(),
            rstrip=base.about.rstrip - edits.added.keys(),
        ),
    )


def _edits(base: TableEncoder, removed: set[int], tokens: Sequence[str], multiple_of: int) -> Edits:
    """Return what is changed: who goes, who comes with which id, and how many ids fill up the size."""
    gone, kept = tuple(sorted(removed)), base.vocab_size - len(removed)
    added = {token: kept + place for place, token in enumerate(tokens)}
    return Edits(gone, tuple(_name(base, number) for number in gone), added, -(kept + len(added)) % multiple_of)


def _removed(base: TableEncoder, spec: TokenizerSpec, edit: EditOptions) -> set[int]:
    """Return the ids that go."""
    if edit.remove == ():
        return set()
    dead = base.about.dead()
    if edit.remove == "unused":
        return set(dead - _in_use(base, spec))
    return {_removable(base, dead, name) for name in edit.remove}


def _in_use(base: TableEncoder, spec: TokenizerSpec) -> set[int | None]:
    """Return the ids that frame documents or fill up sequences: those that the manifest names, or else the usual."""
    usual = (base.bos_id, base.eos_id, base.pad_id)
    asked = [getattr(spec, role) for role in ROLES]
    kept = (None if each is False else number for each, number in zip(asked, usual, strict=True) if not _named(each))
    return {*kept, *(base.about.specials.get(each) for each in asked if _named(each))}


def _named(asked: bool | str | None) -> bool:
    return isinstance(asked, str)


def _removable(base: TableEncoder, dead: frozenset[int], name: str | int) -> int:
    number = name if isinstance(name, int) else _id_of(base, name)
    if number is None or not 0 <= number < base.vocab_size:
        known = nearest(name, base.about.specials) if isinstance(name, str) else f"ids end at {base.vocab_size - 1}"
        raise ManifestError(f"{KEY}.remove", name, f"the vocabulary has no such token; {known}")
    if number not in dead:
        remedy = "texts become it: only special tokens, gaps and ids that no text becomes can be removed"
        raise ManifestError(f"{KEY}.remove", name, f"token {number}, {_name(base, number)!r}: {remedy}")
    return number


def _id_of(base: TableEncoder, name: str) -> int | None:
    """Return the id of a token: a special one of this name, or else the one that stands for these bytes."""
    spelt = name.replace("\u2581", " ").encode()
    found = (number for number, held in enumerate(base.table) if held == spelt)
    return base.about.specials[name] if name in base.about.specials else next(found, None)


def _name(base: TableEncoder, number: int) -> str:
    """Return what an id is called; "" of a gap."""
    special = next((token for token, held in base.about.specials.items() if held == number), "")
    return special or base.table[number].decode(errors="backslashreplace")


def _added(base: TableEncoder, removed: set[int], edit: EditOptions) -> tuple[str, ...]:
    """Return the tokens that are added; none of them may be there already."""
    for token in edit.add:
        number = _id_of(base, token)
        if number is not None and number not in removed:
            raise ManifestError(
                f"{KEY}.add", token, f"the vocabulary has it already, with the id {number}; leave it out"
            )
    return edit.add


def _forward(size: int, kept: npt.NDArray[np.int64], added: int) -> npt.NDArray[np.uint32]:
    """Return the new id of each old one, and behind them those of the added tokens."""
    forward = np.full(size + added, GONE, np.uint32)
    forward[kept] = np.arange(len(kept))
    forward[size:] = np.arange(len(kept), len(kept) + added)
    return forward


def _check_named(edits: Edits, spec: TokenizerSpec) -> None:
    """Refuse to frame documents by a token that goes."""
    for role in ROLES:
        asked = getattr(spec, role)
        if asked in edits.names and asked not in edits.added:
            raise ManifestError(f"tokenizer.{role}", asked, "`edit` removes it; take it out of `remove`")


def _policy(
    old: Policy,
    forward: npt.NDArray[np.uint32],
    specials: tuple[Mapping[str, int], Mapping[str, int]],
    spec: TokenizerSpec,
) -> Policy:
    """Return who frames documents: who is named, else the file's own where they stayed, else added ones of usual names.

    Args:
        old: of the file.
        forward: old id -> new id.
        specials: those that stayed, and those that are added.
        spec: the manifest's `tokenizer`.
    """
    stayed, added = specials
    pairs = ((old.bos_id, BOS_TOKENS), (old.eos_id, EOS_TOKENS), (old.pad_id, PAD_TOKENS))
    kept = [
        (None if number is None or forward[number] == GONE else int(forward[number]), names) for number, names in pairs
    ]
    found = [first_of(names, added) if number is None else number for number, names in kept]
    return policy_for(found, {**stayed, **added}, spec)


def _renumbered(backend: Backend, forward: npt.NDArray[np.uint32], removed: set[int]) -> Backend:
    """Return a back-end with the new ids; where none is removed they are the old ones."""
    return Renumbered(backend, forward) if removed else backend
