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
    #: How often a pod looks for lost runners and for artifacts that did not come.
    trigger_rescue_seconds: float = Field(default=1.0, gt=0, le=60)
    #: How often a pod looks for events that nobody has published.
    trigger_announce_seconds: float = Field(default=0.5, gt=0, le=60)

    @classmethod
    def own_prefix(cls) -> str:
        """The prefix of the names that are this process's alone."""
        return "TRIGGER_"
