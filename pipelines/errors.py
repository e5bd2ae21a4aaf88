"""Every error a user can meet, in one tree.

    GristmillError
    ├── RequestError          exit 2: what was asked is wrong; nothing was done
    │   └── ManifestError     a key of the manifest, its value, and the remedy
    └── BuildError            exit 1: the build stopped; running it again resumes it
        ├── SourceChanged     an input file is not what it was when planning
        ├── StorageFull       no room for what a step writes
        ├── NotRepeatable     two attempts at one part wrote different bytes
        ├── OtherTokenizer    token runs or a shard hold ids of another tokenizer than the build's
        ├── ShortPool         a pool holds fewer tokens than a phase takes
        ├── ShortSample         a source holds less than its share of a tokenizer's sample
        ├── NotASubset        a pool lacks documents of another that it should hold
        ├── TooLargeShare     a phase takes more of some sources than `max_share` allows
        ├── MaxLoss           a source loses more to one stage than `max_loss` allows
        └── Unbalanced        documents or tokens in differ from those out plus dropped

A message names the file, the record or the manifest key, and says what to do.
"""


class GristmillError(Exception):
    """The root: whatever else is raised is a defect of ours."""

    exit_code = 1


class RequestError(GristmillError):
    """What was asked cannot be done as it stands; no work was started."""

    exit_code = 2


class ManifestError(RequestError):
    """A manifest is refused before any work.

    Args:
        key: dotted path of the offending key, such as `mix.phases.0.weights`.
        value: what stands there, shown as it was written.
        remedy: one sentence that says what to write instead.
    """

    def __init__(self, key: str, value: object, remedy: str) -> None:
        super().__init__(f"{key}: {value!r}: {remedy}")
        self.key = key
        self.value = value
        self.remedy = remedy

    def __reduce__(self) -> tuple[type["ManifestError"], tuple[str, object, str]]:
        return type(self), (self.key, self.value, self.remedy)


class BuildError(GristmillError):
    """The build stopped; what it finished is kept, and running it again resumes it."""


class SourceChanged(BuildError):
    """An input file is not what it was when the build was planned."""


class StorageFull(BuildError):
    """There was no room for what a step wrote."""


class NotRepeatable(BuildError):
    """Two attempts at one part wrote different content."""


class OtherTokenizer(BuildError):
    """Token runs or a shard hold ids of another tokenizer than the build's."""


class ShortPool(BuildError):
    """A pool holds fewer tokens than the phases take from it."""


class ShortSample(BuildError):
    """A source holds fewer bytes than its share of the sample that the tokenizer is trained on."""


class NotASubset(BuildError):
    """A pool holds documents that the pool of its `subset_of` does not."""


class TooLargeShare(BuildError):
    """A phase takes more of some sources than `max_share` allows."""


class MaxLoss(BuildError):
    """A source loses more documents, or characters, to one stage than `max_loss` allows."""


class Unbalanced(BuildError):
    """What went in differs from what came out plus what was dropped."""
