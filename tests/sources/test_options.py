"""What a manifest can say of a source, and what is refused."""

import pytest
from pydantic import ValidationError

from pipelines.sources.batches import raw_schema
from pipelines.sources.formats import SOURCES
from pipelines.sources.options import Column
from pipelines.sources.pile import COMPONENTS, component_names
from tests.sources.helpers import lines, rows_of, source_of


@pytest.mark.parametrize("name", SOURCES)
def test_a_format_is_called_as_its_class_says(name: str) -> None:
    source = source_of(name)
    assert source.format == name
    assert type(source).model_validate(source.model_dump()) == source


@pytest.mark.parametrize("name", SOURCES)
def test_every_format_gives_the_same_first_columns(name: str) -> None:
    assert raw_schema(source_of(name)).names == ["ordinal", "problem", "text", "id", "url", "date", "language"]


def test_fields_can_be_names_or_paths_or_paths_with_types() -> None:
    as_list = source_of("dolma", fields=["bucket", "doi"]).declared_fields()
    fields = {"b": "bucket", "n": {"path": "metadata.n", "type": "int64"}, "p": {"path": "perplexity"}}
    assert as_list == {"bucket": Column(("metadata.bucket",)), "doi": Column(("doi", "metadata.doi"))}
    assert source_of("dolma", fields=fields).declared_fields() == {
        "b": Column(("metadata.bucket",)),
        "n": Column(("metadata.n",), "int64"),
        "p": Column(("metadata.perplexity",), "float64"),
    }


def test_a_selected_field_that_the_format_knows_needs_no_declaration() -> None:
    source = source_of("pile", select={"pile_set_name": "ArXiv", "url": "x"})
    assert list(source.declared_fields()) == ["pile_set_name"]
    (row,) = rows_of(source, lines({"text": "a", "meta": {"pile_set_name": "ArXiv"}}))
    assert row["pile_set_name"] == "ArXiv"


def test_a_component_of_the_pile_is_selected_under_all_its_names() -> None:
    source = source_of("pile", select={"pile_set_name": ["Pile-CC", "Bibliotik", "ArXiv"]})
    assert source.select == {"pile_set_name": ["Pile-CC", "CommonCrawl", "Books3", "Bibliotik", "ArXiv"]}
    assert source_of("pile", select={"pile_set_name": "USPTO"}).select == {
        "pile_set_name": ["USPTO Backgrounds", "USPTO"]
    }
    assert type(source).model_validate(source.model_dump()).select == source.select


def test_the_pile_has_twenty_two_components_of_distinct_names() -> None:
    names = [name for published in COMPONENTS for name in component_names(published)]
    assert len(COMPONENTS) == 22
    assert len(names) == len(set(names))


REFUSED = {
    "an unknown component": ("pile", {"select": {"pile_set_name": "Pile-C"}}, "the nearest is 'Pile-CC'"),
    "a field every document has": ("dolma", {"fields": ["url"]}, "{my_url: url}"),
    "a field that is no name": ("c4", {"fields": ["Content-Length"]}, "{some_name: 'Content-Length'}"),
    "an unknown key": ("c4", {"feilds": []}, "feilds"),
    "an unknown type": ("jsonl", {"fields": {"n": {"path": "n", "type": "int"}}}, "int64"),
    "an empty path": ("jsonl", {"fields": {"n": {"path": ""}}}, "at least 1 character"),
    "a field inside the text": ("jsonl", {"fields": {"n": "text.n"}}, "lies inside the text"),
    "an id inside the text": ("jsonl", {"text_field": "a", "id_field": "a.id"}, "lies inside the text"),
    "an empty separator": ("text", {"separator": ""}, "at least 1 character"),
    "no fraction": ("c4", {"sample": {"fraction": 0}}, "greater than 0"),
    "too large a fraction": ("c4", {"sample": {"fraction": 1.5}}, "less than or equal to 1"),
    "another format": ("c4", {"format": "dolma"}, "'c4'"),
}


@pytest.mark.parametrize(("kind", "options", "remedy"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_entry_is_refused_with_what_to_write(kind: str, options: dict[str, object], remedy: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        source_of(kind, **options)
    assert remedy in str(refusal.value)


def test_a_source_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(source_of("c4"), "path", "elsewhere")  # noqa: B010 - a plain assignment is already refused by mypy
