"""C4's rules (Raffel et al. 2020, JMLR 21:140, section 2.2): lines that do not end like prose fall, then whole pages.

In:  documents.
Out: ten counts each, the first rule that a document breaks, and its text without the lines that fall.
Guaranteed: exactly the lines and the text of datatrove's `C4QualityFilter` with the same options and the sentences of
     `filters/sentences.py`; nothing raises; an empty document has no sentences and falls by `min_num_sentences`.

A line is what `str.splitlines` gives, stripped; citations as in Wikipedia are cut out of it. It falls by the first of

    max_word_length           a word (`str.split`) has more characters; it is judged before citations are cut
    filter_no_terminal_punct  its last character is no end mark, or its last three are dots
    min_words_per_line        it has fewer words
    filter_javascript         it holds "javascript", in any case
    filter_policy             it holds "terms of use", "privacy policy", "cookie policy", "uses cookies",
                              "use of cookies" or "use cookies", in any case

and the page falls if a line that is not taken by the rules above it holds "lorem ipsum" or a curly bracket, or if the
lines that are kept have too few sentences.

There are two published editions, and `edition` chooses between them:

    paper   5 sentences, 3 words a line, an apostrophe is an end mark, the words of citations count: datatrove 0.10.1
            (`c4_filters.py`), which follows an edition of the article's text
    code    3 sentences, 5 words a line, no apostrophe, the words of citations do not count: the released code
            (tensorflow_datasets `c4_utils.py`); DCLM's copy (`baselines_configs/c4.yaml`) has these numbers too

datatrove stops at the first line that condemns a page, and names a curly bracket where that line comes before the one
with "lorem ipsum"; here "lorem ipsum" is judged first. Whether the page falls is the same.
"""

from typing import Annotated, Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging, measuring, run_stage
from filters.kernels.c4_pages import Pages, Rules, pages_of
from filters.kernels.copying import texts_of
from filters.verdicts import Rule, judge_by

END_MARKS = (".", "?", "!", '"', "'")
"""What a line may end in: datatrove's; the released code of C4 has no apostrophe."""

MEASURED = (
    "c4_kept_lines",
    "c4_long_word_lines",
    "c4_no_terminal_punct_lines",
    "c4_few_words_lines",
    "c4_javascript_lines",
    "c4_policy_lines",
    "c4_line_count",
    "c4_sentence_count",
    "c4_lorem_ipsum_lines",
    "c4_curly_bracket_lines",
)
"""The signals that `C4Quality` measures, in the order of `filters.kernels.c4.text_counts`."""

EDITIONS: dict[str, dict[str, Any]] = {
    "paper": {},
    "code": {
        "min_num_sentences": 3,
        "min_words_per_line": 5,
        "end_marks": (".", "?", "!", '"'),
        "count_words_of_citations": False,
    },
}
"""What an edition changes of the defaults."""

Count = Annotated[int, Field(ge=0)] | None
Mark = Annotated[str, Field(min_length=1, max_length=1)]


class C4Quality(Stage):
    """Drops lines that do not look like prose, then pages with too few sentences, "lorem ipsum" or a curly bracket.

    Rules are judged in the order of `rules` and are called like their options; the value is the stored count. A bound
    of null turns its rule off. What an option does not say, the edition does.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = MEASURED

    edition: Literal["paper", "code"] = measuring("paper", "which published edition gives the defaults")
    split_paragraph: bool = measuring(True, "judge lines; false: judge sentences, and join them by blanks")
    remove_citations: bool = measuring(True, "cut out `[]`, `[12]`, `[edit]` and `[citation needed]`")
    filter_no_terminal_punct: bool = measuring(True, "drop lines that end in no end mark, or in three dots")
    end_marks: tuple[Mark, ...] = measuring(END_MARKS, "the characters that a line may end in", min_length=1)
    min_words_per_line: Count = measuring(3, "least number of words of a line")
    count_words_of_citations: bool = measuring(True, "count a line's words before citations are cut out")
    max_word_length: Count = measuring(1000, "drop lines with a word of more characters")
    filter_javascript: bool = measuring(True, "drop lines that hold 'javascript'")
    filter_policy: bool = measuring(True, "drop lines about terms of use, privacy and cookies")
    filter_lorem_ipsum: bool = judging(True, "drop pages with a line that holds 'lorem ipsum'")
    filter_curly_bracket: bool = judging(True, "drop pages with a line that holds an opening curly bracket")
    min_num_sentences: Count = judging(5, "least number of sentences of the lines that are kept")

    @model_validator(mode="before")
    @classmethod
    def _of_edition(cls, options: Any) -> Any:  # noqa: ANN401 - what a manifest holds
        if not isinstance(options, dict):
            return options
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
        return {**EDITIONS.get(str(options.get("edition", "paper")), {}), **given}

    def __call__(self, batch: Batch) -> Outcome:
        """Measure, judge and edit."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return ten counts, int64, none of them null."""
        counts = self._pages(batch).counts()
        return {name: pa.array(own) for name, own in zip(MEASURED, counts, strict=True)}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the first rule that each document breaks, in the order of `rules`."""
        return judge_by(self.rules, signals)

    def edit(self, batch: Batch) -> pa.LargeStringArray:
        """Return what is left: the lines that are kept, without citations, and no white space at the ends."""
        return texts_of(*self._pages(batch).edited())

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The three rules on pages, in their order."""
        return (
            Rule("filter_lorem_ipsum", "c4_lorem_ipsum_lines", "max", 0 if self.filter_lorem_ipsum else None),
            Rule("filter_curly_bracket", "c4_curly_bracket_lines", "max", 0 if self.filter_curly_bracket else None),
            Rule("min_num_sentences", "c4_sentence_count", "min", self.min_num_sentences),
        )

    def _pages(self, batch: Batch) -> Pages:
        rules = Rules(
            by_line=self.split_paragraph,
            citations=self.remove_citations,
            end_marks=self.end_marks if self.filter_no_terminal_punct else (),
            least_words=self.min_words_per_line or 0,
            words_of_citations=self.count_words_of_citations,
            longest_word=2**62 if self.max_word_length is None else self.max_word_length,
            javascript=self.filter_javascript,
            policy=self.filter_policy,
        )
        return pages_of(batch.scans, rules)
