"""A session: one run of `build` on one folder.

In:  a manifest, the URL of the build folder, where to run and with what resources.
Out: a finished build folder and what its ledger adds up to.
Guaranteed: nothing is written before the manifest is checked; a run that was stopped is gone on with by the next.
"""

from dataclasses import dataclass, field
from pathlib import Path

from pipelines.audit.beside import beside_counts
from pipelines.audit.fits import write_reports
from pipelines.audit.passport_made import write_passport
from pipelines.audit.summary import Summary, write_summary
from pipelines.engine.build import Build
from pipelines.engine.job import Job, Resources
from pipelines.engine.keys import key_of
from pipelines.engine.lock import Made, lock_of, write_lock
from pipelines.engine.plan import Plan, make_plan
from pipelines.engine.progress import Reporter, Silent
from pipelines.engine.runner import Runner
from pipelines.engine.sealing import bring_inputs, earlier_builds
from pipelines.engine.storage import open_storage
from pipelines.engine.workers import open_cluster
from pipelines.errors import RequestError
from pipelines.manifest import Manifest


@dataclass(frozen=True)
class Settings:
    """How a build is run.

    Args:
        address: `none`, `auto` or `ray://host:port`.
        resources: how it may use its machines.
        reporter: who is told how it goes.
    """

    address: str = "auto"
    resources: Resources = field(default_factory=Resources)
    reporter: Reporter = field(default_factory=Silent)


def manifest_hash(manifest: Manifest) -> str:
    """Return the hash of the canonical manifest, in which a tokenizer file counts by its content."""
    path = manifest.tokenizer.path if manifest.tokenizer is not None else None
    return key_of([manifest.canonical(), Path(path).read_bytes().hex() if path is not None else ""])


def build(manifest: Manifest, out: str | Path, settings: Settings | None = None) -> Summary:
    """Build a manifest into a folder.

    Raises:
        BuildError: the build stopped; calling this again goes on with it.
    """
    settings = settings or Settings()
    job = Job(open_storage(out), manifest, manifest_hash(manifest), settings.resources)
    _check_folder(job)
    return run_plan(job, make_plan(manifest), settings)


def run_plan(job: Job, plan: Plan, settings: Settings) -> Summary:
    """Run a plan in the job's folder.

    Raises:
        BuildError: the build stopped.
    """
    job.storage.sweep()
    write_lock(job, lock_of(job, plan, Made()))
    bring_inputs(job.storage, [entry.stage for entry in job.manifest.stages])
    with open_cluster(settings.address, settings.resources.workers) as cluster:
        runner = Runner(job, cluster, settings.reporter)
        run = Build(plan, runner)
        run.run()
    made = Made(runner.receipts, run.encoder, run.encoder_hash, run.fitted, run.keys.noted)
    write_lock(job, lock_of(job, plan, made))
    write_reports(job, run.reports)
    write_passport(job, run.encoder, run.maps, run.fertility)
    beside = beside_counts(job, plan.splits, runner.receipts[f"pass 1 of {plan.passes}"])
    return write_summary(job, runner.receipts, run.reports, beside)


def _check_folder(job: Job) -> None:
    """Refuse to build over a build that this one is compared with.

    Raises:
        RequestError: a stage names the build folder itself.
    """
    for entry in job.manifest.stages:
        for _, earlier in earlier_builds(entry.stage):
            if open_storage(earlier.path) == job.storage:
                raise RequestError(
                    f"stages.{entry.name}.against names {job.storage.url}, into which this build would go: "
                    "name another folder with --out"
                )
