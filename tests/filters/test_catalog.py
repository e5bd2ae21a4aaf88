import pyarrow as pa
import pytest

from filters.batch import Stage, batch_of, role_of
from filters.gopher import GopherQuality
from filters.signals import SIGNALS
from pipelines.catalog import SIGNAL_PROVIDERS, SOURCES, STAGES, stage_name


def test_every_signal_is_measured_by_the_stage_that_the_catalogue_names() -> None:
    assert list(SIGNAL_PROVIDERS) == list(SIGNALS)
    for name, provider in SIGNAL_PROVIDERS.items():
        assert provider().measure(batch_of(["text"]))[name].type == SIGNALS[name].dtype  # type: ignore[attr-defined]


def test_a_signal_is_stored_under_its_own_name_as_a_count_or_a_ratio() -> None:
    assert all(name == signal.name for name, signal in SIGNALS.items())
    assert {signal.dtype for signal in SIGNALS.values()} == {pa.int64(), pa.float32()}
    assert all(signal.unit and signal.definition and signal.source for signal in SIGNALS.values())


@pytest.mark.parametrize("stage", STAGES.values())
def test_every_option_of_a_stage_is_measuring_or_judging(stage: type[Stage]) -> None:
    assert all(role_of(info) in {"measuring", "judging"} for info in stage.model_fields.values())
    assert stage.version >= 1


def test_a_class_is_found_by_its_manifest_name_and_back() -> None:
    assert [stage_name(stage) for stage in STAGES.values()] == list(STAGES)
    with pytest.raises(KeyError):
        stage_name(Stage)


def test_every_format_of_the_published_corpora_is_in_the_catalogue() -> None:
    assert {"refinedweb", "redpajama_v1", "redpajama_v2", "pile", "dolma", "c4"} <= set(SOURCES)
    assert STAGES["gopher_quality"] is GopherQuality
