"""The page that ends an export: what was written, what was left out, and how a trainer is told of it.

In:  the account of an export.
Out: a table and some lines on a console.
Guaranteed: what it prints stands in the account.
"""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

from pipelines.audit.tables import table_of
from pipelines.audit.wording import plural, size
from pipelines.catalog import EXPORTERS
from pipelines.exports.account import EXPORT, Export
from pipelines.tokens.columns import LOSS_MASK, TOKEN_COLUMNS


def print_export(console: Console, account: Export, out: str) -> None:
    """Print what was exported, and how to point a trainer at it."""
    table = table_of(f"Written to {out}", ["phase"], ["tokens", account.unit, "files", "size"])
    for phase in account.phases:
        bytes_ = sum(note.bytes for note in phase.files.values())
        table.add_row(phase.phase, f"{phase.tokens:,}", f"{phase.items:,}", f"{len(phase.files):,}", f"{size(bytes_)}B")
    console.print(table)
    for line in _lines(account, out):
        console.print(escape(line), highlight=False, soft_wrap=True)


def _lines(account: Export, out: str) -> Iterator[str]:
    exporter = EXPORTERS[account.format]
    tokens = sum(phase.tokens for phase in account.phases)
    written = sum(phase.padding_written for phase in account.phases)
    left_out = sum(phase.padding_left_out for phase in account.phases)
    yield (
        f"All {plural(tokens, 'token')} of the shards, {plural(written, 'id')} of padding; "
        f"{plural(left_out, 'id')} of padding left out. {EXPORT} accounts for every file."
    )
    if exporter.needs_eos and not account.tokenizer.adds_eos:
        yield "Note: no EOS ends the documents of this build, and by it the format's readers find where documents end."
    lost = [name for name in account.columns_left_out if name in TOKEN_COLUMNS]
    if lost:
        yield (
            f"Note: {' and '.join(lost)} left out, for {account.format} has no place for it"
            f"{': there every token counts for the loss' if LOSS_MASK in lost else ''}."
        )
    yield f"Read by {exporter.about}:"
    told = {"out": out, "length": account.sequence_length, "dtype": account.dtype}
    told["row"] = account.sequence_length + account.next_token
    pointer = exporter.pointer + (exporter.mask_pointer if LOSS_MASK in account.token_columns else "")
    told["place"] = "remote" if out.startswith("s3://") else "local"
    for phase in account.phases:
        prefixes = " ".join(f"{out}/{path[:-4]}" for path in phase.files if path.endswith(".idx"))
        yield f"  {pointer.format(**told, phase=phase.phase, prefixes=prefixes)}"
