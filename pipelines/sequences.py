"""Lists of a manifest where a frozen option is a tuple.

In:  whatever the manifest holds.
Out: a tuple where it was a list.
Guaranteed: nothing else changes. pydantic takes a list for a tuple by itself, but not behind a validator of the whole
     model that comes before it.
"""


def as_tuple(value: object) -> object:
    """Return a list as a tuple; for `BeforeValidator`."""
    return tuple(value) if isinstance(value, list) else value
