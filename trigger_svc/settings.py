"""What trigger_svc can be told by its environment; every default is the one that the docs give."""

from pydantic import Field

from chassis.settings import ServiceSettings


class TriggerSettings(ServiceSettings):
    """Settings of trigger_svc."""

    #: How often a pod looks for windows whose deadline has come; its own timers are more exact.
    trigger_sweep_seconds: float = Field(default=0.2, gt=0, le=60)
    #: How often a pod looks for runs that its connected runners can take.
    trigger_acquire_seconds: float = Field(default=0.25, gt=0, le=60)
    #: How long a runner's lease on a run lasts, unstarted or unkept.
    trigger_lease_seconds: float = Field(default=30.0, ge=1, le=3600)
    #: How long job.run.completed waits for a finished run's artifacts.
    trigger_artifact_seconds: float = Field(default=60.0, ge=1, le=3600)
    #: For how many days finished executions are kept, with their windows, runs and events; logs, artifacts and calls go after
    #: 30 days, a day's partition at a time.
    trigger_retention_days: int = Field(default=30, ge=1, le=3650)
    #: For how many days an execution may wait: held beyond a queue limit, for its turn, while its task or plan is paused, or
    #: for a runner. Then it is REJECTED with the reason waited_too_long. Its calls are kept for 30 days in all, and while they
    #: are it can be executed again.
    trigger_wait_days: int = Field(default=28, ge=1, le=29)
    #: How much of what a run prints is kept in its log.
    trigger_log_bytes: int = Field(default=8 * 1024 * 1024, ge=0, le=1024 * 1024 * 1024)
    #: How often a pod looks for lost runners and for artifacts that did not come.
    trigger_rescue_seconds: float = Field(default=1.0, gt=0, le=60)
    #: How often a pod looks for events that nobody has published.
    trigger_announce_seconds: float = Field(default=0.5, gt=0, le=60)

    #: Whether an execution that the queue limit rejects is announced as job.run.errored and job.run.completed; it has no run,
    #: and the runId of these is a number of its own. The operator's account hears of it as execution.rejected in any case.
    trigger_announce_rejected: bool = False
    #: Whether a run that somebody cancelled is announced as job.run.completed with the status Cancelled.
    trigger_announce_cancelled: bool = False

    #: How often a pod looks for triggers of kind once or cron whose moment has come: how late they start at most.
    trigger_schedule_seconds: float = Field(default=0.5, gt=0, le=60)

    @classmethod
    def own_prefix(cls) -> str:
        """The prefix of the names that are this process's alone."""
        return "TRIGGER_"
