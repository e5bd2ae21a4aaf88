"""Exports of real builds: by command and from Python, what they account for, and what they refuse."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import xxhash
from typer.testing import CliRunner

import pipelines
from pipelines.audit.opened import Opened, open_folder
from pipelines.catalog import EXPORTERS
from pipelines.cli import app
from pipelines.engine.progress import Silent
from pipelines.engine.storage import open_storage
from pipelines.errors import GristmillError, RequestError, Unbalanced
from pipelines.exports.account import read_account
from pipelines.exports.chunks import Chunk
from pipelines.exports.export import _chunks, export
from pipelines.exports.formats import Target, Written
from pipelines.exports.wanted import Wanted
from pipelines.mix.packed import Counts
from pipelines.mix.shards import Packing, ShardInfo, shard_info
from tests.exports.conftest import build
from tests.exports.readers import read_datatrove, read_ids, read_mds, read_megatron, read_olmo
from tests.helpers import build_here, lines_source, write_lines


def rows(opened: Opened, phase: str) -> list[dict[str, Any]]:
    paths = [path for path in opened.shards if path.startswith(f"shards/{phase}/")]
    return [row for path in paths for row in pq.read_table(f"{opened.storage.url}/{path}").to_pylist()]


def tokens(opened: Opened, phase: str) -> list[int]:
    return [token for row in rows(opened, phase) for token in row["input_ids"][: sum(row["doc_lengths"])]]


def read_tokens(name: str, folder: Path) -> list[int]:
    """Return the tokens of a phase, by the reader of its format."""
    parts = {"megatron": ".bin", "datatrove": ".ds", "olmo": ".npy", "mds": ".none"}[name]
    files = sorted(folder.glob(f"*{parts}"))
    if name == "mds":
        found = [sample["tokens"][: sum(sample["doc_lengths"])] for sample in read_mds(folder)]
    elif name == "megatron":
        found = [ids for file in files for ids in read_megatron(file)[0]]
    elif name == "datatrove":
        found = [ids for file in files for ids in read_datatrove(file)[0]]
    else:
        found = [ids for file in files for ids, _ in read_olmo(file, 2)]
    return list(chain.from_iterable(found))


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_build_is_exported_by_command_and_every_token_is_there(name: str, built: Opened, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = CliRunner().invoke(app, ["export", built.storage.url, "--to", name, "--out", str(out)])
    assert ended.exit_code == 0, ended.output
    for phase in ("web", "end"):
        assert read_tokens(name, out / phase) == tokens(built, phase)
    assert "All 3,500 tokens of the shards" in ended.output
    assert EXPORTERS[name].about in ended.output


@pytest.mark.parametrize("name", EXPORTERS)
def test_the_account_names_every_file_and_counts_what_is_in_them(name: str, built: Opened, tmp_path: Path) -> None:
    account = export(built, Wanted(name), str(tmp_path / "out"))
    assert read_account(open_storage(tmp_path / "out")) == account
    noted = {path: note for phase in account.phases for path, note in phase.files.items()}
    files = {path: (tmp_path / "out" / path).read_bytes() for path in open_storage(tmp_path / "out").list()}
    assert {*noted, "export.json"} == files.keys()
    assert all((note.bytes, note.hash) == (len(files[path]), _hash(files[path])) for path, note in noted.items())
    assert [(phase.phase, phase.tokens) for phase in account.phases] == [("web", 3000), ("end", 500)]
    held = [row for phase in ("web", "end") for row in rows(built, phase)]
    padding = sum(each.padding_written + each.padding_left_out for each in account.phases)
    assert padding == sum(len(row["input_ids"]) - sum(row["doc_lengths"]) for row in held) > 0
    assert sum(each.padding_written for each in account.phases) == (padding if name == "mds" else 0)
    assert sum(each.sequences for each in account.phases) == len(held)
    assert account.manifest_hash == built.lock.manifest_hash
    assert account.tokenizer.hash == built.lock.tokenizer_hash
    assert "doc_epochs" in account.columns_left_out
    assert "input_ids" not in account.columns_left_out


def _hash(data: bytes) -> str:
    return xxhash.xxh3_128(data).hexdigest()


def test_items_are_counted_as_the_format_counts_them(built: Opened, tmp_path: Path) -> None:
    built_rows = rows(built, "web")
    for wanted in (Wanted("megatron", unit="sequences"), Wanted("mds")):
        assert export(built, wanted, str(tmp_path / wanted.to)).phases[0].items == len(built_rows)
    account = export(built, Wanted("megatron"), str(tmp_path / "documents"))
    assert account.phases[0].items < sum(len(row["doc_lengths"]) for row in built_rows)


@pytest.mark.parametrize("name", EXPORTERS)
def test_the_same_build_gives_the_same_bytes(name: str, built: Opened, tmp_path: Path) -> None:
    for out in ("one", "two"):
        export(built, Wanted(name, file_bytes=1000), str(tmp_path / out))
    first, second = (
        {path.relative_to(tmp_path / out): path.read_bytes() for path in (tmp_path / out).rglob("*") if path.is_file()}
        for out in ("one", "two")
    )
    assert first == second
    assert len(first) > 5


def test_one_phase_alone(built: Opened, tmp_path: Path) -> None:
    account = export(built, Wanted("olmo", ("end",)), str(tmp_path / "out"))
    assert [phase.phase for phase in account.phases] == ["end"]
    assert not (tmp_path / "out" / "web").exists()
    assert read_ids(tmp_path / "out" / "end" / "part-00000.npy", 2) == tokens(built, "end")


def test_an_export_from_python(built: Opened, tmp_path: Path) -> None:
    account = pipelines.open_build(built.storage.url).export("megatron", tmp_path / "out", ["end"], "sequences")
    assert (account.format, account.unit, len(account.phases)) == ("megatron", "sequences", 1)


def test_the_tokenizer_is_called_as_asked_or_by_its_hash(built: Opened, tmp_path: Path) -> None:
    export(built, Wanted("datatrove"), str(tmp_path / "hash"))
    export(built, Wanted("datatrove", tokenizer="org/model"), str(tmp_path / "name"))
    name = "end/part-00000.ds.metadata"
    assert (tmp_path / "hash" / name).read_text().split("\n")[0] == f"gristmill-{built.lock.tokenizer_hash[:16]}|2"
    assert (tmp_path / "name" / name).read_text().split("\n")[:2] == ["org/model|2", "500"]


@pytest.mark.parametrize("name", EXPORTERS)
def test_what_is_held_out_is_exported_where_it_is_asked_for_alone(name: str, tmp_path: Path) -> None:
    opened = build(tmp_path, holdout=0.2)
    account = export(opened, Wanted(name), str(tmp_path / "training"))
    assert [phase.phase for phase in account.phases] == ["web", "end"]
    assert {path.name for path in (tmp_path / "training").iterdir()} == {"web", "end", "export.json"}
    account = export(opened, Wanted(name, ("holdout",)), str(tmp_path / "held"))
    assert [(phase.phase, phase.tokens) for phase in account.phases] == [("holdout", len(tokens(opened, "holdout")))]
    assert read_tokens(name, tmp_path / "held" / "holdout") == tokens(opened, "holdout") != []


def test_a_hold_out_of_nothing_is_refused_and_the_phases_are_exported(tmp_path: Path) -> None:
    opened = build(tmp_path, holdout=1e-9)
    with pytest.raises(RequestError, match=r"--phase holdout: .* has no shards of it, for it holds no tokens"):
        export(opened, Wanted("olmo", ("holdout",)), str(tmp_path / "held"))
    account = export(opened, Wanted("olmo"), str(tmp_path / "all"))
    assert [phase.phase for phase in account.phases] == ["web", "end"]


@pytest.mark.parametrize("pack", ["concat", "best_fit"])
def test_tokens_that_rows_repeat_stand_once_where_trainers_cut_sequences(pack: str, tmp_path: Path) -> None:
    plain = build(tmp_path / "plain", pack=pack)
    opened = build(tmp_path / "more", pack=pack, next_token=True)
    assert len(tokens(opened, "web")) > 3000
    for name in ("megatron", "datatrove", "olmo"):
        account = export(opened, Wanted(name), str(tmp_path / name))
        read = read_tokens(name, tmp_path / name / "web")
        assert (account.phases[0].tokens, account.phases[0].repeated_written, account.next_token) == (3000, 0, True)
        assert sorted(read) == sorted(tokens(plain, "web"))
        assert pack != "concat" or read == tokens(plain, "web")


def test_samples_that_megatron_cuts_are_the_rows_of_full_shards(tmp_path: Path) -> None:
    opened = build(tmp_path, next_token=True, shard_tokens=10_000)
    export(opened, Wanted("megatron", unit="sequences"), str(tmp_path / "megatron"))
    items, _ = read_megatron(tmp_path / "megatron" / "web" / "part-00000")
    assert len(items) == len(rows(opened, "web"))
    assert {len(ids) for ids in items[:-1]} == {32}
    stream = list(chain.from_iterable(items))
    full = [row["input_ids"] for row in rows(opened, "web") if sum(row["doc_lengths"]) == 33]
    assert [stream[first : first + 33] for first in range(0, 32 * len(full), 32)] == full


@pytest.mark.parametrize("pack", ["concat", "best_fit", "pad_truncate"])
def test_rows_with_their_next_token_stay_rows_in_mds(pack: str, tmp_path: Path) -> None:
    opened = build(tmp_path, pack=pack, next_token=True)
    command = ["export", opened.storage.url, "--to", "mds", "--out", str(tmp_path / "mds")]
    ended = CliRunner().invoke(app, command)
    assert "max_seq_len: 33}" in ended.output
    assert [sample["tokens"] for sample in read_mds(tmp_path / "mds" / "web")] == [
        row["input_ids"] for row in rows(opened, "web")
    ]
    (web, _) = read_account(open_storage(tmp_path / "mds")).phases
    assert web.tokens + web.repeated_written == len(tokens(opened, "web"))
    assert web.tokens + web.repeated_written + web.padding_written == 33 * web.sequences
    assert (web.repeated_written > 0) is (pack != "pad_truncate")


def test_a_loss_mask_is_exported_where_there_is_a_place_and_said_to_be_lost_elsewhere(tmp_path: Path) -> None:
    opened = build(tmp_path, masked=True)
    held = rows(opened, "web")
    mask = [each for row in held for each in row["loss_mask"][: sum(row["doc_lengths"])]]
    assert set(mask) == {0, 1}
    said = {}
    for name in EXPORTERS:
        command = ["export", opened.storage.url, "--to", name, "--out", str(tmp_path / name)]
        said[name] = CliRunner().invoke(app, command).output
    folders = {"datatrove": "part-00000.ds.loss", "olmo": "part-00000.label_mask"}
    for name, file in folders.items():
        assert list((tmp_path / name / "web" / file).read_bytes()) == mask
    samples = read_mds(tmp_path / "mds" / "web")
    assert [sample["loss_mask"] for sample in samples] == [row["loss_mask"] for row in held]
    lost = {name for name, each in said.items() if "loss_mask left out" in each}
    assert lost == {"megatron"}
    assert "there every token counts for the loss" in said["megatron"]
    assert f'label_mask_paths=["{tmp_path}/olmo/web/*.label_mask"]' in said["olmo"]
    accounts = {name: read_account(open_storage(tmp_path / name)) for name in EXPORTERS}
    assert {name for name, each in accounts.items() if each.token_columns == ["loss_mask"]} == {
        "datatrove",
        "olmo",
        "mds",
    }
    assert "loss_mask" in accounts["megatron"].columns_left_out


def test_a_build_without_a_mask_is_not_told_of_one(built: Opened, tmp_path: Path) -> None:
    command = ["export", built.storage.url, "--to", "olmo", "--out", str(tmp_path / "out")]
    assert "label_mask" not in CliRunner().invoke(app, command).output
    assert not list((tmp_path / "out").rglob("*.label_mask"))


def test_padded_sequences_stay_padded_in_mds_and_are_documents_elsewhere(tmp_path: Path) -> None:
    opened = build(tmp_path, pack="pad_truncate", sequence_length=200)
    export(opened, Wanted("mds"), str(tmp_path / "mds"))
    assert [sample["tokens"] for sample in read_mds(tmp_path / "mds" / "web")] == [
        row["input_ids"] for row in rows(opened, "web")
    ]
    account = export(opened, Wanted("megatron"), str(tmp_path / "megatron"))
    assert account.phases[0].items == len(rows(opened, "web"))
    assert account.phases[0].padding_left_out > 100
    assert read_tokens("megatron", tmp_path / "megatron" / "web") == tokens(opened, "web")


def test_an_export_into_s3(built: Opened, s3: str, tmp_path: Path) -> None:
    remote = export(built, Wanted("megatron"), f"{s3}/export")
    assert remote == export(built, Wanted("megatron"), str(tmp_path / "out"))
    storage = open_storage(f"{s3}/export")
    for path in storage.list():
        assert storage.read(path) == (tmp_path / "out" / path).read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": "megatrn"}, "--to megatrn: there is no such format; did you mean 'megatron'?"),
        ({"to": "olmo", "phases": ("wep",)}, "has no such phase; did you mean 'web'?"),
        ({"to": "olmo", "phases": ("holdout",)}, "has no such phase"),
        ({"to": "olmo", "unit": "sequences"}, "--unit sequences: olmo has documents"),
        ({"to": "mds", "file_bytes": -5}, "--file-bytes -5: write a number above zero"),
        ({"to": "mds", "file_bytes": 1 << 32}, "--file-bytes 4294967296: a file of mds holds at most 4294967295"),
        ({"to": "datatrove", "tokenizer": "a|b"}, "cannot stand in its name"),
    ],
)
def test_what_is_asked_wrongly_is_refused_and_nothing_is_written(
    options: dict[str, Any], message: str, built: Opened, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=re.escape(message)):
        export(built, Wanted(**options), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_size_that_is_none_is_refused(built: Opened, tmp_path: Path) -> None:
    command = ["export", built.storage.url, "--to", "olmo", "--out", str(tmp_path / "out"), "--file-bytes", "many"]
    ended = CliRunner().invoke(app, command)
    assert isinstance(ended.exception, RequestError)
    assert str(ended.exception).startswith("--file-bytes many: write a whole number of bytes")


def test_a_folder_that_holds_anything_is_refused(built: Opened, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(built, Wanted("olmo"), str(out))
    with pytest.raises(RequestError, match="holds an export already"):
        export(built, Wanted("olmo"), str(out))
    (out / "export.json").unlink()
    with pytest.raises(RequestError, match=r"is not empty \(it holds end/part-00000\.csv\.gz\)"):
        export(built, Wanted("olmo"), str(out))


def test_what_a_killed_export_left_hidden_is_removed(built: Opened, tmp_path: Path) -> None:
    leftover = tmp_path / "out" / "web" / ".0123456789abcdef.tmp"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half a file")
    export(built, Wanted("olmo"), str(tmp_path / "out"))
    assert not leftover.exists()


def test_a_build_without_shards_is_refused(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "one"}])
    build_here({"name": "bare", "sources": {"a": lines_source(tmp_path / "a")}}, tmp_path / "bare")
    with pytest.raises(RequestError, match="has no shards: its manifest mixes nothing"):
        export(open_folder(tmp_path / "bare"), Wanted("olmo"), str(tmp_path / "out"))


@pytest.fixture
def copied(built: Opened, tmp_path: Path) -> Opened:
    """Return a copy of the build that a test may damage."""
    shutil.copytree(built.storage.url, tmp_path / "copy")
    return open_folder(tmp_path / "copy")


def test_a_shard_that_is_gone_or_changed_is_refused(copied: Opened, tmp_path: Path) -> None:
    shard = Path(copied.storage.url, "shards", "web", "part-00001.parquet")
    whole = shard.read_bytes()
    shard.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    with pytest.raises(RequestError, match=r"part-00001\.parquet is not what the build wrote"):
        export(copied, Wanted("olmo"), str(tmp_path / "out"))
    shard.unlink()
    with pytest.raises(RequestError, match=r"part-00001\.parquet is gone"):
        export(copied, Wanted("olmo"), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ({"packing": Packing("concat", 31, 0)}, Unbalanced, "its rows hold 32 ids, but it says 31"),
        ({"counts": Counts(31, 992, 0, 0)}, Unbalanced, "were read, but it says 31 of 992"),
    ],
)
def test_a_shard_that_says_otherwise_than_it_holds_is_refused(
    said: dict[str, Any], error: type[GristmillError], message: str, built: Opened
) -> None:
    path = built.shards[0]
    info = shard_info(pq.read_schema(f"{built.storage.url}/{path}"))
    infos = {path: ShardInfo(**{"origin": info.origin, "packing": info.packing, "counts": info.counts, **said})}
    with pytest.raises(error, match=message):
        list(_chunks(built.storage, infos, {path: 1}, Silent()))


def test_an_export_that_loses_a_token_fails(built: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(chunks: Iterable[Chunk], _: Target) -> Written:
        return Written({}, 0, sum(int(each.real.sum()) for each in chunks) - 1)

    exporter = EXPORTERS["olmo"]
    monkeypatch.setitem(EXPORTERS, "olmo", replace(exporter, write=careless))
    with pytest.raises(Unbalanced, match="2,999 tokens were written, but the shards hold 3,000"):
        export(built, Wanted("olmo"), str(tmp_path / "out"))
    assert not (tmp_path / "out" / "export.json").exists()


@pytest.mark.parametrize("eos", [True, False])
def test_readers_that_look_for_eos_are_told_where_there_is_none(eos: bool, tmp_path: Path) -> None:
    opened = build(tmp_path, tokenizer={"train": {"vocab_size": 300}, "eos": eos})
    said = {}
    for name in ("olmo", "mds"):
        command = ["export", opened.storage.url, "--to", name, "--out", str(tmp_path / name)]
        said[name] = "no EOS ends the documents" in CliRunner().invoke(app, command).output
    assert said == {"olmo": not eos, "mds": False}
    account = read_account(open_storage(tmp_path / "olmo"))
    assert account.tokenizer.adds_eos is eos
    ends = [
        ids[-1] == account.tokenizer.eos_id for ids, _ in read_olmo(tmp_path / "olmo" / "web" / "part-00000.npy", 2)
    ]
    assert (sum(ends) > len(ends) - 4) is eos
