"""Mixing again: another mix over a finished build, from its token runs alone.

In:  a finished build, and what its `mix` is to say now.
Out: its shards and ledger, as a build of the changed manifest would have written them.
Guaranteed: no source file is looked at, so they may be gone, and no pass is run; a mix that would need one is refused.
    A mix that cannot be (a pool too short) leaves the build as it was.
"""

from collections.abc import Sequence

from pipelines.audit.done import standing_of
from pipelines.audit.opened import Opened
from pipelines.audit.summary import Summary
from pipelines.engine.job import Job
from pipelines.engine.lock import LOCK, MANIFEST
from pipelines.engine.plan import Plan
from pipelines.engine.route import route_of
from pipelines.engine.session import Settings, manifest_hash, run_plan
from pipelines.errors import NotASubset, OtherTokenizer, RequestError, ShortPool, TooLargeShare
from pipelines.manifest import Manifest, stored_manifest
from pipelines.overrides import override
from pipelines.yaml_keys import Document, Tree, parse_document, write_document

STEPS = ("passport", "pools", "budgets", "place", "pack", "ledger", "ledger: ids")
"""Steps behind the last pass: they read token runs, signals and records of the build folder."""


def mix_again(built: Opened, changes: Sequence[str], settings: Settings, mix: Tree = None) -> Summary:
    """Mix a finished build again.

    Args:
        built: the build; its shards and ledger are replaced.
        changes: `mix.KEY=VALUE` settings.
        settings: where to run; who is told.
        mix: a whole `mix` to use instead of the build's own; `changes` are put into it.

    Raises:
        RequestError: a setting is not about the mix, or the mix needs a pass.
        BuildError: the mix cannot be; where a promise of it fails, the build stays as it was.
    """
    manifest = _changed(built, changes, mix)
    plan = Plan(built.splits, {name: route_of(manifest, name) for name in sorted(manifest.sources)})
    job = Job(built.storage, manifest, manifest_hash(manifest), settings.resources)
    _check_passes(job, plan)
    before = {path: built.storage.read(path) for path in (LOCK, MANIFEST)}
    try:
        return run_plan(job, plan, settings)
    except (NotASubset, OtherTokenizer, ShortPool, TooLargeShare):
        for path, data in before.items():
            built.storage.put(path, data)
        raise


def _changed(built: Opened, changes: Sequence[str], mix: Tree) -> Manifest:
    name = f"{built.storage.url}/{MANIFEST}"
    document = parse_document(built.storage.read(MANIFEST).decode(), name)
    if mix is not None:
        document = Document(document.name, {**document.tree, "mix": mix}, document.places)
    for setting in changes:
        if setting.partition("=")[0].split(".")[0] != "mix":
            raise RequestError(f"--set {setting}: only `mix` can change here; `gristmill build` changes the rest")
        document = override(document, setting)
    manifest = stored_manifest(write_document(document.tree), name)
    if manifest.mix is None:
        raise RequestError(f"{built.storage.url} mixes nothing: write a mix, as `--set mix={{phases: [...]}}`")
    return manifest


def _check_passes(job: Job, plan: Plan) -> None:
    """Refuse a mix that asks for more than the build has measured."""
    standing = standing_of(job, plan)
    waiting = next((each for each in standing.steps if each.done < each.tasks), None)
    if waiting is not None and waiting.step not in STEPS:
        raise RequestError(
            f"this mix needs what the build did not measure or make ({waiting.step}: {waiting.tasks - waiting.done} of "
            f"{waiting.tasks} tasks), and that reads sources: use `gristmill build` with the whole manifest"
        )
