"""Chats become texts, and what counts for the loss is what the roles that count have said."""

import io
import re
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.sources.chats import Chat, Role, written
from pipelines.sources.options import LOSS_SPANS, TEMPLATE_SPANS
from pipelines.sources.reading import read_texts
from tests.sources.helpers import lines, rows_of, source_of

CHAT = {
    "messages": "talk.turns",
    "roles": {
        "system": {"after": "\n\n"},
        "user": {"before": "Q: ", "after": "\n"},
        "assistant": {"before": "A: ", "after": "\n", "loss": True},
    },
}
TURNS = [
    {"role": "system", "content": "Be br\u00e9f."},
    {"role": "user", "content": "1+1?", "name": "ann"},
    {"role": "assistant", "content": "2 \u6587"},
]
TEXT = "Be br\u00e9f.\n\nQ: 1+1?\nA: 2 \u6587\n"

roles = st.dictionaries(
    st.sampled_from("abc"), st.builds(Role, before=st.text(max_size=3), after=st.text(max_size=3), loss=st.booleans())
)


@given(roles, st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=5))))
def test_a_text_is_its_messages_as_the_roles_write_them(held: dict[str, Role], messages: list[tuple[str, str]]) -> None:
    chat = Chat.model_construct(messages="m", roles=held)
    value = [{"role": role, "content": content} for role, content in messages]
    unknown = next((number for number, (role, _) in enumerate(messages, 1) if role not in held), None)
    if unknown is not None:
        with pytest.raises(ValueError, match=f"message {unknown} of 'm' has role"):
            written(chat, value)
        return
    text, spans, template = written(chat, value)
    assert text == "".join(held[role].before + content + held[role].after for role, content in messages)
    said = [content + held[role].after for role, content in messages if held[role].loss]
    assert [text[begin:end] for begin, end in zip(spans[::2], spans[1::2], strict=True)] == said
    around = [part for role, _ in messages for part in (held[role].before, held[role].after) if part]
    assert [text[begin:end] for begin, end in zip(template[::2], template[1::2], strict=True)] == around
    assert template == sorted(template)


def parquet(*records: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records)), out)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_messages_are_read_wherever_they_stand(kind: str) -> None:
    record = {"id": "x", "talk": {"turns": TURNS}}
    data = lines(record) if kind == "jsonl" else parquet(record)
    source = source_of(kind, chat=CHAT)
    (row,) = rows_of(source, data)
    assert (row["id"], row["problem"], row["text"]) == ("x", None, TEXT)
    begin = TEXT.index("2")
    assert row[LOSS_SPANS] == [begin, len(TEXT)]
    assert row[TEMPLATE_SPANS] == [8, 10, 10, 13, 17, 18, 18, 21, 24, 25]
    (texts,) = read_texts(source, io.BytesIO(data), (0, -1), "file", pa.array([True]).to_numpy(zero_copy_only=False))
    assert texts.to_pylist() == [TEXT]


@pytest.mark.parametrize(
    ("turns", "problem"),
    [
        ("hello", "type: 'talk.turns' is no list of messages"),
        ([TURNS[0], "hello"], "type: message 2 of 'talk.turns' is no object"),
        ([{"role": "user"}], "type: message 1 of 'talk.turns' has no text for a role or a content"),
        ([{"role": "tool", "content": ""}], "type: message 1 of 'talk.turns' has role 'tool', which the chat does not"),
    ],
)
def test_messages_that_cannot_be_written_make_a_record_unreadable(turns: object, problem: str) -> None:
    other = {"talk": {"turns": TURNS}}
    first, second = rows_of(source_of("jsonl", chat=CHAT), lines({"talk": {"turns": turns}}, other))
    assert first["problem"].startswith(problem)
    assert (first["text"], first[LOSS_SPANS], first[TEMPLATE_SPANS]) == ("", None, None)
    assert (second["problem"], second["text"]) == (None, TEXT)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_record_without_messages_is_unreadable(kind: str) -> None:
    records = [{"id": "x", "talk": {"turns": None}}, {"id": "y", "talk": {"turns": TURNS}}]
    data = lines(*records) if kind == "jsonl" else parquet(*records)
    first, second = rows_of(source_of(kind, chat=CHAT), data)
    assert first["problem"].startswith("missing: ")
    assert (first["text"], first[LOSS_SPANS], second["text"]) == ("", None, TEXT)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"chat": {"roles": {"user": {}}}}, "nothing counts for the loss"),
        ({"chat": {"roles": {}}}, "at least 1"),
        ({"chat": CHAT, "loss_spans": "answers"}, "`chat` says by `loss: true`"),
        ({"chat": CHAT, "text_field": "body"}, "`chat` writes the text"),
        ({"chat": {**CHAT, "template": "x"}}, "Extra inputs"),
        ({"chat": {**CHAT, "marks": ["Q:", "<|end|>"]}}, "'<|end|>' stands around no message"),
        ({"chat": {**CHAT, "marks": [""]}}, "'' stands around no message"),
    ],
)
def test_a_chat_that_says_too_little_or_too_much_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        source_of("jsonl", **options)
