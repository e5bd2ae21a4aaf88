"""RedPajama v1: `togethercomputer/RedPajama-Data-1T`, JSON lines, Common Crawl as `*.jsonl.zst`."""

from typing import Literal

from pipelines.sources.options import Column, Layout, SourceOptions


class RedPajamaV1(SourceOptions):
    """Rows {text, meta}; Common Crawl is flat instead: {text, pred_label, pred_label_prob, wiki_prob, source}.

    `meta` differs by subset and is an object, or a string that holds one where the Hugging Face loader wrote it.
    SlimPajama (`cerebras/SlimPajama-627B`, {text, meta: {redpajama_set_name}}) reads the same way.
    """

    format: Literal["redpajama_v1"] = "redpajama_v1"

    @property
    def layout(self) -> Layout:
        """Only arXiv rows (`meta.arxiv_id`) and Common Crawl rows (`source`, file and line) name themselves."""
        return Layout(
            text="text",
            id=Column(("meta.arxiv_id", "source")),
            url=Column(("meta.url",)),
            date=Column(("meta.timestamp",), "timestamp"),
            language=Column(("meta.language",)),
            fields={
                "subset": Column(("red_pajama_subset", "meta.redpajama_set_name", "meta.source")),
                "title": Column(("meta.title", "meta.short_book_title")),
                "wiki_prob": Column(("wiki_prob",), "float64"),
            },
            metadata="meta",
        )
