import pyarrow as pa
import pytest

from filters.batch import Measures, Stage, role_of
from filters.gopher import GopherQuality
from filters.signals import SIGNALS
from pipelines.catalog import SIGNAL_PROVIDERS, SOURCES, STAGES, stage_name
from tests.golden.digests import fixed_batch, made

NAMED_BY_OPTIONS = {"quality_score", "word_list_hits"}
"""Signals of stages that may stand in a manifest several times: `name` is part of their names."""

TYPES = {pa.int64(), pa.float32(), pa.string(), pa.list_(pa.float32())}


def test_every_signal_is_measured_by_the_stage_that_the_catalogue_names() -> None:
    assert SIGNALS.keys() - SIGNAL_PROVIDERS.keys() == NAMED_BY_OPTIONS
    assert SIGNAL_PROVIDERS.keys() <= SIGNALS.keys()
    for name in sorted(STAGES):
        stage = made(name)
        if isinstance(stage, Measures) and STAGES[name].measured:
            columns = stage.measure(fixed_batch())
            assert tuple(columns) == STAGES[name].measured
            assert all(values.type == SIGNALS[signal].dtype for signal, values in columns.items())


def test_a_signal_is_stored_under_its_own_name_as_a_count_a_ratio_a_label_or_a_number_per_line() -> None:
    assert all(name == signal.name for name, signal in SIGNALS.items())
    assert {signal.dtype for signal in SIGNALS.values()} <= TYPES
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


def test_a_signal_that_needs_a_file_is_measured_by_its_stage_and_names_one_of_its_options() -> None:
    for stage in STAGES.values():
        assert stage.needing.keys() <= set(stage.measured)
        assert {option for option in stage.needing.values() if option} <= stage.model_fields.keys()
