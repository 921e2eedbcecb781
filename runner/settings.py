"""What a runner's operator can set; every bad value is named at once, before the runner takes anything."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from chassis.channel import service_metadata
from chassis.settings import Settings, SettingsError, read_secret


class RunnerSettings(Settings):
    """Beyond what every process knows. Durations are seconds."""

    #: The commands that this runner may run: a .toml or .json file; examples/commands.toml explains it.
    runner_commands_file: Path
    #: How many runs it executes at once.
    runner_slots: int = Field(default=4, ge=1, le=1000)
    #: Its name in trigger_svc's logs. Unset: the pod's name.
    runner_name: str = Field(default="", max_length=100)
    #: Where runs get their directories; what a killed runner left there is removed. Unset: in the system's /tmp.
    runner_work_directory: Path | None = None
    #: How long a command that is told to stop may take before it is killed.
    runner_kill_seconds: float = Field(default=5.0, ge=0, le=10)
    #: How often the leases of started runs are kept; trigger_svc gives a run up after 30 s without.
    runner_heartbeat_seconds: float = Field(default=10.0, gt=0, le=10)
    #: Overrides the triggers' data mode in the payloads that it fetches: true is `string`, false `talend_raw`. Unset: as each
    #: trigger says. A Remote Engine calls it job.ctx.params.passthrough.
    runner_passthrough: bool | None = None
    #: Of jobs, runs that are pods: the image of the containers beside the command, which is this platform's own.
    runner_job_image: str = ""
    #: Where they are made. Unset: in the runner's own namespace, or in the one that KUBECONFIG names.
    runner_job_namespace: str = ""
    #: What their pods call trigger_svc. Unset: what the runner calls it.
    runner_job_trigger_svc: str = ""
    #: Secret beside them with tls.crt, tls.key and ca.crt: who their pods are to trigger_svc, where it wants mutual TLS.
    runner_job_tls_secret: str = ""
    #: How long a pod may wait for a node, an image or a volume before its run is given up as not runnable.
    runner_job_start_seconds: float = Field(default=600.0, gt=0, le=86_400)
    #: The runner's pod's own uid: its jobs fall with it. Unset: they do not.
    runner_pod_uid: str = ""
    #: File with a service token of permission set runner, for a runner of one account. Instead of the credential.
    runner_token_file: Path | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if self.runner_token_file and self.service_credential_file:
            raise ValueError("set RUNHOOK_SERVICE_CREDENTIAL_FILE or RUNHOOK_RUNNER_TOKEN_FILE, not both")
        return self

    @property
    def name(self) -> str:
        """The runner's name: 1 to 100 characters."""
        return self.runner_name or self.pod_name[:100]

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What proves the runner to trigger_svc. SettingsError when its file cannot be read or holds nothing."""
        if self.runner_token_file is None:
            return service_metadata(self.service_credential())
        token = read_secret(self.runner_token_file, "RUNHOOK_RUNNER_TOKEN_FILE").strip()
        if not token:
            raise SettingsError(["RUNHOOK_RUNNER_TOKEN_FILE: is empty: put a service token in it"])
        return (("authorization", f"Bearer {token}"),)

    @classmethod
    def own_prefix(cls) -> str:
        return "RUNNER_"
