"""Repeated substrings: against the rule written out over all documents, and in real builds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.batch import InputFile, batch_of
from pipelines.dedup import substrings
from pipelines.dedup.exchanges import HOME, Documents, ExchangeStage, Standing, ranges_of
from pipelines.dedup.scope import BucketSize, buckets
from pipelines.dedup.substrings import DedupSubstrings
from pipelines.engine.cutting import cut_texts
from pipelines.engine.exchange import Emitter, Rows, read_keys, read_partition
from pipelines.engine.storage import open_storage
from pipelines.errors import BuildError
from tests.filters.references.suffixes import copied_windows, in_characters, spans

SOURCES = {"keeper": Standing(0, exempt=False), "plain": Standing(1, exempt=False), "safe": Standing(1, exempt=True)}
TEXTS = st.lists(st.sampled_from(["a", "b", "é", "中"]), max_size=12).map("".join)
PARTS = st.lists(st.tuples(st.sampled_from(sorted(SOURCES)), st.lists(TEXTS, max_size=4)), min_size=1, max_size=4)
Parts = Sequence[tuple[str, list[str]]]


@dataclass(frozen=True)
class Left:
    """What is left of a document: its text, or None where it fell; the share of its characters cut, and for whom."""

    text: str | None
    share: float = 0.0
    kept: int = 0


def emitted(stage: DedupSubstrings, number: int, part: tuple[str, list[str]]) -> Rows:
    """Return the rows of one split; a uid is the split's number times 100 and the row, and 1."""
    source, texts = part
    row = np.arange(len(texts))
    columns: dict[str, npt.NDArray[np.generic]] = {
        "row": row.astype(np.uint32),
        "uid": (row + 100 * number + 1).astype(np.uint64),
    }
    signals = {"language": pa.array(["de" if "b" in text else "en" for text in texts], pa.string())}
    return stage.emit(Documents(columns, pa.array(texts, pa.large_string()), signals), SOURCES[source])


def decide(stage: DedupSubstrings, parts: Parts, partitions: int) -> list[list[Left]]:
    """Run the exchange through files, take the answers home, and cut."""
    stage = stage.for_documents(sum(len(texts) for _, texts in parts))
    partitions = ranges_of(stage) or partitions
    with TemporaryDirectory() as folder:
        storage = open_storage(folder)
        for number, part in enumerate(parts):
            with Emitter(storage, f"{number}.rows", stage.layout, spill_bytes=100) as emitter:
                emitter.add(emitted(stage, number, part))
        paths = [(number, f"{number}.rows") for number in reversed(range(len(parts)))]
        for at in range(partitions):
            with Emitter(storage, f"{at}.home", HOME) as emitter:
                emitter.add(stage.reduce(read_partition(storage, paths, at, partitions)))
        home = [(0, f"{at}.home") for at in range(partitions)]
        splits = [read_keys(storage, home, number << 32, (number + 1) << 32) for number in range(len(parts))]
    return [_left(rows, texts) for rows, (_, texts) in zip(splits, parts, strict=True)]


def _left(home: Rows, texts: list[str]) -> list[Left]:
    assert len(set(home["row"].tolist())) == len(home)
    pieces: dict[int, list[int]] = defaultdict(list)
    for row, payload in zip(home["row"].tolist(), home.payloads().to_pylist(), strict=True):
        pieces[row] = np.frombuffer(payload, "<u4").tolist()
    cuts = pa.array([pieces[row] for row in range(len(texts))], pa.list_(pa.uint32()))
    cut = cut_texts(pa.array(texts, pa.large_string()), cuts).to_pylist()
    said = {row: (share, kept) for row, share, kept in home.header[["row", "similarity", "kept_uid"]].tolist()}
    fell = set(home["row"][home["dropped"] != 0].tolist())
    return [Left(None if row in fell else text, *said.get(row, ())) for row, text in enumerate(cut)]


def scope_of(stage: DedupSubstrings, uid: int, text: str, documents: int) -> int | str:
    if isinstance(stage.scope, BucketSize):
        count = -(-documents // stage.scope.documents)
        return int(buckets(np.array([uid], np.uint64), count)[0])
    return "" if stage.scope == "global" else "de" if "b" in text else "en"


def expected(stage: DedupSubstrings, parts: Parts) -> list[list[Left]]:
    """Decide by looking at every window of every document."""
    documents = sum(len(texts) for _, texts in parts)
    scopes: dict[object, list[tuple[int, int, int]]] = defaultdict(list)
    for number, (source, texts) in enumerate(parts):
        for row, text in enumerate(texts):
            scope = scope_of(stage, 100 * number + row + 1, text, documents)
            scopes[scope].append((SOURCES[source].position, number, row))
    left = [[Left(text) for text in texts] for _, texts in parts]
    for group in scopes.values():
        members = [(number, row) for _, number, row in sorted(group)]
        encoded = [parts[number][1][row].encode() for number, row in members]
        copies = copied_windows(encoded, stage.min_length, first_stays=stage.first_stays)
        for place, (number, row) in enumerate(members):
            found = [] if SOURCES[parts[number][0]].exempt else spans(copies, place, stage.min_length)
            whole = [(*in_characters(encoded[place], *span), origin) for *span, origin in found]
            some = [(start, end, 100 * members[origin][0] + members[origin][1] + 1) for start, end, origin in whole]
            left[number][row] = _expected_left(stage, encoded[place], [span for span in some if span[0] < span[1]])
    return left


def _expected_left(stage: DedupSubstrings, data: bytes, found: list[tuple[int, int, int]]) -> Left:
    text = data.decode()
    if not found:
        return Left(text)
    gone = sum(len(data[start:end].decode()) for start, end, _ in found)
    share = float(np.float32(gone / len(text)))
    kept = max(found, key=lambda span: span[1] - span[0])[2] if stage.first_stays else 0
    if stage.apply == "drop":
        return Left(None if share > np.float32(stage.drop_share) else text, share, kept)
    if gone == len(text):
        return Left(None, share, kept)
    for start, end, _ in reversed(found):
        data = data[:start] + data[end:]
    return Left(data.decode(), share, kept)


@st.composite
def stages(draws: Any) -> DedupSubstrings:  # noqa: ANN401 - hypothesis has no name for it
    options = {
        "min_length": st.integers(1, 7),
        "first_stays": st.booleans(),
        "scope": st.sampled_from(["global", ["language"], {"documents": 3}, {"documents": 1}]),
        "apply": st.sampled_from(["cut", "drop"]),
        "drop_share": st.sampled_from([0.0, 0.5, 2 / 3, 1.0]),
    }
    return DedupSubstrings(**draws(st.fixed_dictionaries(options)))


@settings(max_examples=200, deadline=None)
@given(stages(), PARTS, st.integers(1, 5))
def test_what_is_cut_is_what_the_rule_says(stage: DedupSubstrings, parts: Parts, partitions: int) -> None:
    assert decide(stage, parts, partitions) == expected(stage, parts)


def cut(texts: list[str], **options: Any) -> list[str | None]:  # noqa: ANN401 - options of the stage
    """Return what is left of documents of one source."""
    stage = DedupSubstrings(**{"scope": "global", **options})
    return [left.text for left in decide(stage, [("plain", texts)], 2)[0]]


def test_the_first_copy_of_a_stretch_stays_and_later_ones_go() -> None:
    texts = ["Read more here! One.", "Two? Read more here!", "Three; Read more here!, four", "Read more"]
    assert cut(texts, min_length=15) == [texts[0], "Two? ", "Three;, four", "Read more"]
    assert cut(texts, min_length=15, first_stays=False) == [" One.", "Two?", "Three;, four", "Read more"]


def test_a_stretch_that_overlaps_its_first_copy_is_none_of_its_copies() -> None:
    assert cut(["aaaaa"], min_length=3) == ["aaaaa"]
    assert cut(["aaaaaaa"], min_length=3) == ["aaa"]
    assert cut(["aaaa"], min_length=3, first_stays=False) == [None]


def test_two_documents_that_are_the_same_are_one() -> None:
    first, second, third = decide(DedupSubstrings(min_length=3), [("plain", ["same text"] * 3)], 1)[0]
    assert first == Left("same text")
    assert second == third == Left(None, 1.0, kept=1)


def test_half_a_character_is_never_cut() -> None:
    texts = ["\u4e2d x", "\u4e2e x", "\u4e2d y"]
    assert [text.encode()[:2] for text in texts] == [b"\xe4\xb8"] * 3
    assert cut(texts, min_length=2) == [texts[0], "\u4e2e", "y"]


def test_the_source_that_keeps_its_copies_is_first_wherever_its_files_lie() -> None:
    parts = [("plain", ["a shared stretch, too"]), ("keeper", ["a shared stretch"]), ("safe", ["a shared stretch"])]
    left = decide(DedupSubstrings(min_length=16), parts, 1)
    assert left == [
        [Left(", too", float(np.float32(16 / 21)), kept=101)],
        [Left("a shared stretch")],
        [Left(parts[2][1][0])],
    ]


def test_documents_that_are_too_short_to_hold_a_stretch_send_nothing() -> None:
    rows = emitted(DedupSubstrings(min_length=4), 0, ("plain", ["abc", "abcd", "", "éé"]))
    assert rows["row"].tolist() == [1, 3]
    assert rows.payloads().to_pylist() == [b"abcd", "éé".encode()]


def test_a_bucket_of_documents_is_one_range_of_keys() -> None:
    stage = DedupSubstrings(scope=BucketSize(documents=10), min_length=1).for_documents(95)
    rows = emitted(stage, 0, ("plain", ["a"] * 95))
    ranges = [int(key) * 10 >> 64 for key in rows["key"]]
    assert ranges_of(stage) == 10
    assert ranges == buckets(rows["uid"], 10).tolist()
    assert ranges_of(DedupSubstrings(scope="global").for_documents(95)) == 0
    assert ranges_of(DedupSubstrings(scope=["language"]).for_documents(95)) == 0


def test_buckets_ask_how_many_documents_there_are() -> None:
    stage = DedupSubstrings(min_length=1)
    with pytest.raises(ValueError, match="for_documents"):
        stage.reduce(emitted(stage, 0, ("plain", ["a"])).of_split(0))


@pytest.mark.parametrize("hostile", ["one letter", "random", "the same", "nothing", "one long and many empty"])
def test_hostile_texts_are_cut_as_any_others(hostile: str) -> None:
    chance = np.random.default_rng(5)
    noise = chance.integers(97, 123, 200_000).astype(np.uint8).tobytes().decode()
    texts = {
        "one letter": ["a" * 200_000],
        "random": [noise],
        "the same": [noise[:1000]] * 300,
        "nothing": [""] * 100,
        "one long and many empty": ["", noise, ""] * 2,
    }[hostile]
    wanted = {
        "one letter": ["a" * 500],
        "random": texts,
        "the same": [noise[:1000], *[None] * 299],
        "nothing": texts,
        "one long and many empty": ["", noise, "", "", None, ""],
    }[hostile]
    assert cut(texts) == wanted


def test_more_than_can_be_sorted_stops_the_build_and_says_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(substrings, "MOST_BYTES", 8)
    assert cut(["abcd", "efg"], min_length=2) == ["abcd", "efg"]
    with pytest.raises(BuildError, match=r"dedup_substrings\.scope: 9 bytes .* at most 8 can be: .*smaller N"):
        cut(["abcd", "efgh"], min_length=2)


def test_scopes_that_share_a_partition_are_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(substrings, "MOST_BYTES", 8)
    with pytest.raises(BuildError, match="9 bytes"):
        DedupSubstrings(scope=BucketSize(documents=5)).admit(9)
    stage = DedupSubstrings(scope=["language"], min_length=2)
    stage.admit(9)
    left = decide(stage, [("plain", ["ab", "abcd", "ef", "efgh"])], 1)[0]
    assert [each.text for each in left] == ["ab", "cd", "ef", "gh"]


def test_units_have_their_published_lengths() -> None:
    tokens = {"unit": "tokens", "tokenizer": InputFile(path="some.json")}
    lengths = [DedupSubstrings(**options).min_length for options in ({}, tokens, {**tokens, "min_length": 7})]
    assert lengths == [500, 50, 7]


def test_tokens_are_not_compared_before_the_tokenizer_is_loaded() -> None:
    stage = DedupSubstrings(unit="tokens", tokenizer=InputFile(path="some.json"), min_length=1, scope="global")
    with pytest.raises(ValueError, match="call load"):
        stage.reduce(emitted(stage, 0, ("plain", ["a"])).of_split(0))


def test_the_stage_is_an_exchange_that_measures_nothing() -> None:
    stage = DedupSubstrings()
    assert isinstance(stage, ExchangeStage)
    outcome = stage(batch_of(["a"]))
    assert (outcome.rule, outcome.text, dict(outcome.columns)) == (None, None, {})


def test_the_rule_says_why_a_document_falls() -> None:
    rules = [DedupSubstrings(apply=way).rule for way in ("cut", "drop")]
    assert rules == ["no_text_left", "repeated_substrings"]
