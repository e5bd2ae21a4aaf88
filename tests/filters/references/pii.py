"""Personal data in plain Python: the published expressions, run over whole texts."""

import ipaddress
import re
from collections.abc import Iterator

Span = tuple[int, int, str]
"""Start, end (characters) and kind."""

OCTET = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
ADDRESS = re.compile(rf"(?:{OCTET}\.){{3}}{OCTET}")
DOLMA_EMAIL = re.compile(r"[.\s@,?!;:)(]*([^\s@]+@[^\s@,?!;:)(]+?)[.\s@,?!;:)(]?[\s\n\r]")
DOLMA_PHONE = re.compile(r"\s+\(?(\d{3})\)?[-\. ]*(\d{3})[-. ]?(\d{4})")
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
FINEWEB_EMAIL = re.compile(
    rf"\b{ATOM}(?:\.{ATOM})*@(?:(?:{LABEL}\.)+{LABEL}|\[(?:{OCTET}\.){{3}}(?:{OCTET}|[A-Za-z0-9-]*[A-Za-z0-9]:)])"
)
PARAGRAPH = re.compile(r"[^\n]*\n|[^\n]+$")

MASKS = {
    "email": " |||EMAIL_ADDRESS||| ",
    "phone_number": " |||PHONE_NUMBER||| ",
    "ip_address": " |||IP_ADDRESS||| ",
}


def dolma(text: str) -> list[Span]:
    """Return the spans of `pii_regex_with_counts_fast_v2`."""
    if text.count("?") > 10_000:
        return []
    found: list[Span] = []
    for paragraph in PARAGRAPH.finditer(text):
        at = paragraph.start()
        found += [(at + start, at + end, kind) for start, end, kind in _in_paragraph(paragraph[0])]
    return found


def _in_paragraph(text: str) -> Iterator[Span]:
    for match in DOLMA_EMAIL.finditer(text):
        name, domain = match[1].split("@", 1)
        if name.strip() != "(" and "." in domain:
            yield (*match.span(), "email")
    yield from ((*match.span(), "phone_number") for match in DOLMA_PHONE.finditer(text))
    yield from ((*match.span(), "ip_address") for match in ADDRESS.finditer(text))


def dolma_v1(text: str) -> list[Span]:
    """Return the spans of `pii_regex_v1`."""
    parts = [(match.span(), match[0].split("@")) for match in DOLMA_EMAIL.finditer(text)]
    emails = [(*span, "email") for span, part in parts if part[0].strip() != "(" and "." in part[1]]
    phones = [(*match.span(), "phone_number") for match in DOLMA_PHONE.finditer(text)]
    addresses = [(*match.span(), "ip_address") for match in ADDRESS.finditer(text)]
    return [*emails, *(span for span in phones + addresses if not _in_books(text, *span[:2]))]


def _in_books(text: str, start: int, end: int) -> bool:
    around = text[max(0, start - 100) : end + 100]
    return any(word in around for word in ("isbn", "doi", "#"))


def is_public(address: str) -> bool:
    """Whether an address is globally reachable."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def fineweb(text: str) -> list[Span]:
    """Return the spans of datatrove's `PIIFormatter`: addresses in what e-mail addresses leave."""
    emails = [(*match.span(), "email") for match in FINEWEB_EMAIL.finditer(text)]
    edges = [0, *(edge for start, end, _ in emails for edge in (start, end)), len(text)]
    found: list[Span] = list(emails)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        matches = [match for match in ADDRESS.finditer(text[start:end]) if is_public(match[0])]
        found += [(start + match.start(), start + match.end(), "ip_address") for match in matches]
    return found


def masked(text: str, spans: list[Span]) -> str:
    """Return a text as Dolma's mixer gives it (src/shard.rs): of spans that overlap, the first is replaced."""
    out, at = "", 0
    for start, end, kind in sorted(spans, key=lambda span: span[0]):
        if start >= at:
            out, at = out + text[at:start] + MASKS[kind], end
    return out + text[at:]
