"""Chats: messages of a record, written as one text, and which of it counts for the loss.

In:  what stands at a key of a record, `[{role, content}, ...]`, and how the manifest writes each role.
Out: a text, and the stretches of it that count for the loss, and those that the manifest wrote, in characters; or what
     is wrong with the messages.
Guaranteed: nothing is left out: a role that the manifest does not write, or content that is no text, makes a record
     unreadable. Stages see what stands around messages as text like any other; a special token may come of it, but
     never of a message (`tokens/marks.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

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
    marks: tuple[str, ...] | None = Field(
        None,
        description="Special tokens that stand around messages: each becomes its one id, and the vocabulary must have "
        "it. Without the list, so does every one that the vocabulary has; [] leaves all of them text.",
    )

    @field_validator("roles")
    @classmethod
    def _check_loss(cls, roles: dict[str, Role]) -> dict[str, Role]:
        if not any(role.loss for role in roles.values()):
            raise ValueError("nothing counts for the loss; write `loss: true` for the role that answers")
        return roles

    @model_validator(mode="after")
    def _check_marks(self) -> "Chat":
        for mark in self.marks or ():
            if not mark or not any(mark in text for text in self.template):
                raise ValueError(
                    f"marks: {mark!r} stands around no message; write it `before` or `after` those of a role"
                )
        return self

    @property
    def template(self) -> tuple[str, ...]:
        """What stands around messages."""
        return tuple(text for role in self.roles.values() for text in (role.before, role.after))


class NotWritten(ValueError):
    """Messages that cannot be written; the text says why."""


class Written(NamedTuple):
    """A text, and where stretches of it begin and end: what counts for the loss, and what no message says."""

    text: str
    loss: list[int]
    template: list[int]


def written(chat: Chat, value: object) -> Written:
    """Return messages as a text.

    Raises:
        NotWritten: they are none, or the manifest does not write a role.
    """
    if not isinstance(value, list):
        raise NotWritten(f"{chat.messages!r} is no list of messages")
    pieces: list[str] = []
    loss: list[int] = []
    template: list[int] = []
    length = 0
    for number, message in enumerate(value, 1):
        role, content = _message(chat, number, message)
        begin = length + len(role.before)
        end = begin + len(content)
        pieces += [role.before, content, role.after]
        template += [length, begin] if role.before else []
        length = end + len(role.after)
        template += [end, length] if role.after else []
        loss += [begin, length] if role.loss else []
    return Written("".join(pieces), loss, template)


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


def write_all(
    chat: Chat, values: Sequence[object], problems: dict[int, Problem]
) -> tuple[list[str | None], pa.Array, pa.Array]:
    """Return of each record its text, the spans that count, and those of the template; fill in what is wrong.

    Args:
        chat: how messages are written.
        values: what stands at the key of each record, null where nothing does; then all three are null.
        problems: of the records, by row.
    """
    found: list[Written | None] = [None] * len(values)
    for row, value in enumerate(values):
        if value is None or row in problems:
            continue
        try:
            found[row] = written(chat, value)
        except NotWritten as error:
            problems[row] = Problem("type", str(error))
    texts = [None if each is None else each.text for each in found]
    loss, template = ([None if each is None else each[at] for each in found] for at in (1, 2))
    return texts, pa.array(loss, SPANS), pa.array(template, SPANS)
