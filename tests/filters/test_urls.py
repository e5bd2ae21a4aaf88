"""The URL filter: verdicts, signals, lists, and the peers on the same lists."""

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import Batch, InputFile, batch_of, measuring_options
from filters.signals import SIGNALS
from filters.url_words import HARD_WORDS, SOFT_WORDS
from filters.urls import MEASURED, UrlFilter
from tests.filters.references import urls as reference

FILES = {
    "blocked": {"adult/domains": b"bad.com\nworse.org\n", "adult/urls": b"site.net/adult\n"},
    "allowed": {"allowed": b"good.bad.com\nsite.net/adult/art\n"},
    "strict": {"strict": b"pornhub\n# a comment\n\ngambl\n"},
    "hard": {"hard": b"casino\nxxx\n"},
    "soft": {"soft": b"live\nwebcam\nbet\n"},
}

ALL = UrlFilter(
    blocked=InputFile(path="blocked"),
    allowed=InputFile(path="allowed"),
    strict_words=InputFile(path="strict"),
    hard_words=InputFile(path="hard"),
    soft_words=InputFile(path="soft"),
)

old_name = pytest.mark.filterwarnings("ignore:The 'registered_domain' property:DeprecationWarning")
"""datatrove asks tldextract by a name that is going away."""

URLS = st.lists(
    st.sampled_from(
        [
            "http://",
            "www.",
            "Casino",
            "xxx",
            "live",
            "web",
            "cam",
            "webcam",
            "bet",
            "porn",
            "hub",
            "-",
            ".",
            "_",
            "/",
            "\u00e9",
            "?",
            "BET",
        ]
    ),
    max_size=8,
).map("".join)


def read(file: InputFile) -> Mapping[str, bytes]:
    return FILES[file.path]


def with_urls(urls: list[str | None]) -> Batch:
    documents = batch_of(["text"] * len(urls)).documents
    place = documents.schema.get_field_index("url")
    return Batch(documents.set_column(place, documents.schema.field("url"), pa.array(urls, pa.string())))


def rules_of(stage: UrlFilter, urls: list[str | None]) -> list[str | None]:
    rule = stage(with_urls(urls)).rule
    assert rule is not None
    broken: list[str | None] = rule.to_pylist()
    return broken


def test_each_rule_drops_what_it_names_and_the_first_one_counts() -> None:
    urls: list[str | None] = [
        "http://www.bad.com/casino",
        "http://site.net/adult/2",
        "http://a.org/p-o-r-n.hub",
        "http://a.org/casino-live-bet",
        "http://a.org/live/bet",
        "http://a.org/live/live",
        "http://a.org/casinos",
    ]
    assert rules_of(ALL.load(read), urls) == [
        "max_blocked_domains",
        "max_blocked_pages",
        "max_strict_words",
        "max_hard_words",
        "max_soft_words",
        None,
        None,
    ]


def test_what_the_allow_list_names_is_on_no_block_list_but_its_words_count() -> None:
    urls: list[str | None] = ["http://good.bad.com/", "http://site.net/adult/art/1", "http://good.bad.com/casino"]
    assert rules_of(ALL.load(read), urls) == [None, None, "max_hard_words"]


def test_a_document_without_a_url_or_with_a_broken_one_stays_with_zeros() -> None:
    outcome = ALL.load(read)(with_urls([None, "", "http://", "::", "\n", "%%%"]))
    assert outcome.rule == pa.nulls(6, pa.string())
    assert {name: column.to_pylist() for name, column in outcome.columns.items()} == dict.fromkeys(MEASURED, [0] * 6)


def test_without_files_a_short_list_of_our_own_counts() -> None:
    urls: list[str | None] = ["http://my-casino.com", "http://adult-dating.com", "http://adult-education.org"]
    assert rules_of(UrlFilter(), urls) == ["max_hard_words", "max_soft_words", None]
    assert len(HARD_WORDS) + len(SOFT_WORDS) <= 24


def test_a_bound_of_zero_is_a_bound_and_none_is_none() -> None:
    one_soft_word: list[str | None] = ["http://a.org/dating"]
    assert rules_of(UrlFilter(max_soft_words=0), one_soft_word) == ["max_soft_words"]
    assert rules_of(UrlFilter(max_hard_words=None), ["http://casino.com"]) == [None]


def test_files_must_be_loaded_before_the_stage_measures() -> None:
    with pytest.raises(ValueError, match=r"call load\(\) first"):
        ALL.measure(with_urls([None]))


def test_several_files_of_one_option_count_together() -> None:
    both = UrlFilter(blocked=(InputFile(path="blocked"), InputFile(path="allowed"))).load(read)
    assert rules_of(both, ["http://bad.com", "http://good.bad.com/x"]) == ["max_blocked_domains"] * 2
    assert both.measure(with_urls(["http://good.bad.com/"]))["url_blocked_domains"].to_pylist() == [2]


def test_identity_sees_the_content_of_files_and_never_their_paths() -> None:
    here, there = (UrlFilter(blocked=InputFile(path=path, content="1")) for path in ("a", "b"))
    assert measuring_options(here) == measuring_options(there)
    assert measuring_options(here) != measuring_options(UrlFilter(blocked=InputFile(path="a", content="2")))
    assert measuring_options(here) == measuring_options(UrlFilter(blocked=here.blocked, max_soft_words=5))


@given(st.lists(st.none() | URLS | st.text()))
def test_any_urls_get_one_verdict_each_that_follows_from_their_stored_signals(urls: list[str | None]) -> None:
    stage = ALL.load(read)
    outcome = stage(with_urls(urls))
    assert stage.judge(outcome.columns).rule == outcome.rule
    assert all(
        column.type == SIGNALS[name].dtype and column.null_count == 0 for name, column in outcome.columns.items()
    )
    assert stage(with_urls(urls)) == outcome


@given(st.lists(URLS))
def test_words_are_those_of_dclms_expressions(urls: list[str]) -> None:
    columns = ALL.load(read).measure(with_urls([*urls]))
    for rule in ("strict", "hard", "soft"):
        words = [word for word in FILES[rule][rule].decode().splitlines() if word and word[0] != "#"]
        wanted = [reference.dclm_words(url, words, whole=rule != "strict") for url in urls]
        assert columns[f"url_{rule}_words"].to_pylist() == wanted


def test_verdicts_are_those_of_dclms_own_library_on_words_of_all_lists() -> None:
    blacklist = pytest.importorskip("retrie.retrie").Blacklist
    urls = [
        f"http://a.{host}.org/{path}"
        for host in ("live", "bet", "por-n.hub")
        for path in ("Live", "BET-", "_live", "xxx")
    ]
    for rule, least in (("strict", 1), ("hard", 1), ("soft", 2)):
        words = [word for word in FILES[rule][rule].decode().splitlines() if word and word[0] != "#"]
        pattern = re.compile(blacklist(words, match_substrings=rule == "strict", re_flags=re.IGNORECASE).compiled)
        shown = [url.lower().replace("-", "").replace(".", "") if rule == "strict" else url.lower() for url in urls]
        counts = ALL.load(read).measure(with_urls([*urls]))[f"url_{rule}_words"].to_pylist()
        theirs = [len(set(pattern.findall(url))) >= least for url in shown]
        assert [count >= least for count in counts] == theirs
        assert 0 < sum(theirs) < len(urls)


DATATROVE_RULES = {
    "domain": "max_blocked_domains",
    "subdomain": "max_blocked_domains",
    "hard_blacklisted": "max_hard_words",
    "soft_blacklisted": "max_soft_words",
    "blacklisted_subword": "max_strict_words",
}


@pytest.fixture(scope="module")
def datatrove() -> Any:  # noqa: ANN401 - an untyped library
    """datatrove's filter with the same lists; the public suffixes are those that its library carries."""
    pytest.importorskip("ahocorasick")
    extract = pytest.importorskip("tldextract")
    made = pytest.importorskip("datatrove.pipeline.filters.url_filter").URLFilter(
        extra_domains=["bad.com", "worse.org"],
        banned_words=["casino", "xxx"],
        soft_banned_words=["live", "webcam", "bet"],
        banned_subwords=["pornhub", "gambl"],
        use_integrated_lists=False,
    )
    made.tldextractor = extract.TLDExtract(suffix_list_urls=())
    return made


def dropped_by(datatrove: Any, url: str) -> str | None:  # noqa: ANN401 - an untyped library
    document = pytest.importorskip("datatrove.data").Document("text", "0", metadata={"url": url})
    answer = datatrove.filter(document)
    return None if answer is True else DATATROVE_RULES[answer[1]]


@old_name
def test_verdicts_are_datatroves_given_its_definition_and_the_same_lists(datatrove: Any) -> None:  # noqa: ANN401 - see above
    """Strict words come last there and first here, so only keeping is compared where several rules are broken."""
    words = {f"{rule}_words": InputFile(path=rule) for rule in ("strict", "hard", "soft")}
    stage = UrlFilter(blocked=InputFile(path="blocked"), word_style="datatrove", **words).load(read)
    urls = [
        f"{scheme}{host}/{path}"
        for scheme in ("http://", "https://www.")
        for host in ("a.org", "bad.com", "sub.worse.org", "notbad.com", "my-casino.com", "liveshow.net", "por-nhub.io")
        for path in ("", "live/bet", "live_webcam", "Casino", "xxx", "x-x-x", "gam.bling", "live-live", "caf\u00e9-bet")
    ]
    ours, theirs = rules_of(stage, [*urls]), [dropped_by(datatrove, url) for url in urls]
    assert [rule is None for rule in ours] == [rule is None for rule in theirs]
    singles = [pair for pair in zip(ours, theirs, strict=True) if "max_strict_words" not in pair]
    assert len(singles) > 80
    assert all(our == their for our, their in singles)


@old_name
def test_datatrove_asks_for_no_domain_between_the_host_and_the_registered_one(datatrove: Any) -> None:  # noqa: ANN401 - see above
    datatrove.block_listed_domains.add("mid.example.com")
    between = UrlFilter(blocked=InputFile(path="x")).load(lambda _: {"x": b"mid.example.com"})
    assert dropped_by(datatrove, "http://deep.mid.example.com") is None
    assert rules_of(between, ["http://deep.mid.example.com"]) == ["max_blocked_domains"]


def test_dclm_leaves_a_dot_where_it_takes_www_out() -> None:
    """So its list must hold ".example.com" for hosts with www, and ours need not."""
    assert re.sub("www", "", "www.bad.com") == ".bad.com"
    assert rules_of(ALL.load(read), ["http://www.bad.com"]) == ["max_blocked_domains"]
