"""The signals of `filters/pii.py`."""

import pyarrow as pa

from filters.signals.signal import Signal

SOURCE = "Soldaini et al. 2024, arXiv 2402.00159, section 5.3; allenai/dolma, python/dolma/taggers/pii.py"

PII: dict[str, Signal] = {
    "pii_emails": Signal(
        "pii_emails",
        pa.int64(),
        "spans",
        "e-mail addresses that the stage's `style` finds; 0 in a text without any, and where they are not looked for",
        SOURCE,
    ),
    "pii_phone_numbers": Signal(
        "pii_phone_numbers",
        pa.int64(),
        "spans",
        "phone numbers of ten digits, written 3-3-4, behind white space; 0 as for `pii_emails`, and always in fineweb",
        SOURCE,
    ),
    "pii_ip_addresses": Signal(
        "pii_ip_addresses",
        pa.int64(),
        "spans",
        "IPv4 addresses, anywhere in the text; with `public_only`, and in fineweb, those that are globally reachable; "
        "0 as for `pii_emails`",
        SOURCE,
    ),
    "pii_spans": Signal("pii_spans", pa.int64(), "spans", "the sum of the other three", SOURCE),
}
