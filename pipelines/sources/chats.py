"""Chats: messages of a record, written as one text, and which of it counts for the loss.

In:  what stands at a key of a record, `[{role, content}, ...]`, and how the manifest writes each role.
Out: a text, and the stretches of it that count for the loss, in characters; or what is wrong with the messages.
Guaranteed: nothing is left out: a role that the manifest does not write, or content that is no text, makes a record
     unreadable. What stands around messages is text like any other: no special token comes of it.
"""

from collections.abc import Sequence

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.sources.lists import SPANS
from pipelines.sources.streams import Problem


class Role(BaseModel):
    """How the messages of a role are written: `before`, their content, `after`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: str = Field("", description="Text before each message of the role.")
    after: str = Field("", description="Text behind it.")
    loss: bool = Field(False, description="Whether the content and what stands behind it count for the loss.")


class Chat(BaseModel):
    """How the messages of a record become its text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: str = Field(
        "messages", min_length=1, description="Key of the messages: [{role: ..., content: ...}, ...]."
    )
    roles: dict[str, Role] = Field(min_length=1, description="How messages are written, by role.")

    @field_validator("roles")
    @classmethod
    def _check_loss(cls, roles: dict[str, Role]) -> dict[str, Role]:
        if not any(role.loss for role in roles.values()):
            raise ValueError("nothing counts for the loss; write `loss: true` for the role that answers")
        return roles


class NotWritten(ValueError):
    """Messages that cannot be written; the text says why."""


def written(chat: Chat, value: object) -> tuple[str, list[int]]:
    """Return messages as a text, and where what counts for the loss begins and ends in it.

    Raises:
        NotWritten: they are none, or the manifest does not write a role.
    """
    if not isinstance(value, list):
        raise NotWritten(f"{chat.messages!r} is no list of messages")
    pieces: list[str] = []
    spans: list[int] = []
    length = 0
    for number, message in enumerate(value, 1):
        role, content = _message(chat, number, message)
        begin = length + len(role.before)
        pieces += [role.before, content, role.after]
        length = begin + len(content) + len(role.after)
        spans += [begin, length] if role.loss else []
    return "".join(pieces), spans


def _message(chat: Chat, number: int, message: object) -> tuple[Role, str]:
    place = f"message {number} of {chat.messages!r}"
    if not isinstance(message, dict):
        raise NotWritten(f"{place} is no object")
    name, content = message.get("role"), message.get("content")
    if not isinstance(name, str) or not isinstance(content, str):
        raise NotWritten(f"{place} has no text for a role or a content")
    if name not in chat.roles:
        raise NotWritten(f"{place} has role {name!r}, which the chat does not write")
    return chat.roles[name], content


def write_all(chat: Chat, values: Sequence[object], problems: dict[int, Problem]) -> tuple[list[str | None], pa.Array]:
    """Return the text of each record, null where it has none, and the spans that count; fill in what is wrong.

    Args:
        chat: how messages are written.
        values: what stands at the key of each record, null where nothing does.
        problems: of the records, by row.
    """
    texts: list[str | None] = [None] * len(values)
    spans: list[list[int] | None] = [None] * len(values)
    for row, value in enumerate(values):
        if value is None or row in problems:
            continue
        try:
            texts[row], spans[row] = written(chat, value)
        except NotWritten as error:
            problems[row] = Problem("type", str(error))
    return texts, pa.array(spans, SPANS)
