import pytest

from pipelines.catalog import STAGES
from tests.golden.digests import Digest, digest_of, recorded, renewed


@pytest.mark.parametrize("name", sorted(STAGES))
def test_a_stage_answers_as_recorded_for_its_version(name: str) -> None:
    """After a change that is meant: raise the stage's `version`, then `python -m tests.golden.digests`."""
    assert recorded()[name] == digest_of(name)


def test_no_digest_is_kept_of_a_stage_that_is_gone() -> None:
    assert sorted(recorded()) == sorted(STAGES)


def test_a_new_answer_under_an_old_version_is_not_recorded() -> None:
    old = {"stage": Digest(version=1, digest="a")}
    with pytest.raises(SystemExit, match="raise `version` first"):
        renewed(old, {"stage": Digest(version=1, digest="b")})
    assert renewed(old, {"stage": Digest(version=2, digest="b")}) == {"stage": Digest(version=2, digest="b")}
    assert renewed({}, old) == old
