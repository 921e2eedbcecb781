"""Wires what a runner needs for its jobs: the cluster, who watches it, who makes Jobs in it. Wiring only."""

import uuid
from contextlib import AsyncExitStack

from chassis.loop import Loop
from chassis.process import Process
from chassis.settings import SettingsError
from runner.kubernetes.cluster import Cluster, Jobs, Pods
from runner.kubernetes.job_executor import JobExecutor, labels_of
from runner.kubernetes.job_object import MANAGED, RUNNER_LABEL, Surroundings, label_of
from runner.kubernetes.jobs import load_jobs
from runner.kubernetes.watcher import Watcher
from runner.settings import RunnerSettings

WATCH_AGAIN_SECONDS = 1.0
LEFTOVER_SECONDS = 60.0


async def open_cluster(
    settings: RunnerSettings, life: Process, stack: AsyncExitStack
) -> tuple[JobExecutor, list[Loop]]:
    """The executor of the commands file's jobs, and its loops. SettingsError: a bad file, a missing setting or cluster."""
    jobs = load_jobs(settings.runner_commands_file)
    if not settings.runner_job_image:
        raise SettingsError(
            ["RUNHOOK_RUNNER_JOB_IMAGE: is required for jobs: the image that this runner itself runs from"]
        )
    cluster = Cluster.open(settings.runner_job_namespace)
    stack.push_async_callback(cluster.close)
    around = _surroundings(settings)
    labels = labels_of({**MANAGED, RUNNER_LABEL: around.runner})
    of_jobs = Watcher(cluster, Jobs, labels, life.stopped)
    of_pods = Watcher(cluster, Pods, labels, life.stopped, key="batch.kubernetes.io/job-name")
    executor = JobExecutor(
        cluster, jobs, around, watching=(of_jobs, of_pods), start_seconds=settings.runner_job_start_seconds
    )
    loops = [
        Loop("watch-jobs", of_jobs.tick, interval=WATCH_AGAIN_SECONDS),
        Loop("watch-pods", of_pods.tick, interval=WATCH_AGAIN_SECONDS),
        Loop("leftovers", executor.clear_leftovers, interval=LEFTOVER_SECONDS),
    ]
    return executor, loops


def _surroundings(settings: RunnerSettings) -> Surroundings:
    # An owner in another namespace would have the cluster delete the Job at once.
    owned = bool(settings.runner_pod_uid) and not settings.runner_job_namespace
    return Surroundings(
        image=settings.runner_job_image,
        trigger_svc=settings.runner_job_trigger_svc or settings.trigger_svc,
        runner=label_of(settings.pod_name),
        life=uuid.uuid4().hex,
        owner=(settings.pod_name, settings.runner_pod_uid) if owned else None,
        passthrough=settings.runner_passthrough,
        kill_seconds=settings.runner_kill_seconds,
        tls_secret=settings.runner_job_tls_secret,
    )
