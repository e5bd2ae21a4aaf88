"""The formats a manifest can name, in one place."""

from pipelines.sources.c4 import C4
from pipelines.sources.dolma import Dolma
from pipelines.sources.jsonl import JsonLines
from pipelines.sources.options import SourceOptions
from pipelines.sources.parquet import Parquet
from pipelines.sources.pile import Pile
from pipelines.sources.redpajama_v1 import RedPajamaV1
from pipelines.sources.redpajama_v2 import RedPajamaV2
from pipelines.sources.refinedweb import RefinedWeb
from pipelines.sources.text import Text

SOURCES: dict[str, type[SourceOptions]] = {
    "c4": C4,
    "dolma": Dolma,
    "jsonl": JsonLines,
    "parquet": Parquet,
    "pile": Pile,
    "redpajama_v1": RedPajamaV1,
    "redpajama_v2": RedPajamaV2,
    "refinedweb": RefinedWeb,
    "text": Text,
}
"""`format` in the manifest -> its options."""
