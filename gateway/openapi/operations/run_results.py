"""What runs left behind: logs and artifacts, as text and files."""

from collections.abc import Mapping

from gateway.api.run_results import TEXT, LogQuery
from gateway.numbers import LARGEST
from gateway.openapi.derived import parameters_of
from gateway.openapi.errors import ENVELOPE, PROBLEMS, REQUEST_ID, ErrorFormat
from gateway.openapi.operation import Operation, answer, enveloped
from gateway.openapi.schema import Schema, array, closed, integer, string

TAG = "Logs and artifacts"
RUN = "/api/v1/accounts/{account_id}/runs/{run_id}"
RUN_V2 = "/api/v2/accounts/{account_id}/runs/{run_id}"
_NAME = string("A file's name.", pattern="^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$", examples=["run_results.json"])
_DISPOSITION = {"Content-Disposition": {"required": True, "schema": {"type": "string"}}}

SCHEMAS: Mapping[str, Schema] = {}


def _file(path: str, identifier: str, summary: str, errors_as: ErrorFormat) -> Operation:
    return Operation(
        method="get",
        path=f"{path}/artifacts/{{artifact_name}}",
        id=identifier,
        summary=summary,
        description="As it was left, with the media type that its name says, to be saved and not to be shown.",
        answers={
            200: {
                "description": "The file.",
                "headers": REQUEST_ID | _DISPOSITION,
                "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
        errors_as=errors_as,
    )


OPERATIONS = (
    Operation(
        method="get",
        path=f"{RUN}/log",
        id="getRunLog",
        summary="Read a run's log",
        description="What it has printed so far, while it runs too, up to a limit (8 MiB unless the operator says otherwise). "
        "The run says how long its log is and whether it is cut. It goes with the run's artifacts, after 30 days.",
        query=parameters_of(
            LogQuery,
            {"offset": integer("Where to begin, in bytes.", minimum=0, maximum=LARGEST, default=0)},
        ),
        answers={
            200: {
                "description": "The log from there on.",
                "headers": REQUEST_ID | _DISPOSITION,
                "content": {TEXT: {"schema": {"type": "string"}}},
            }
        },
    ),
    Operation(
        method="get",
        path=f"{RUN}/artifacts",
        id="listArtifacts",
        summary="List a run's artifacts",
        answers={
            200: answer(
                "All of them, by name.",
                closed(
                    {
                        "artifacts": array(
                            closed({"name": _NAME, "media_type": string(examples=["application/json"])}, "One file.")
                        )
                    }
                ),
            )
        },
    ),
    _file(RUN, "getArtifact", "Read an artifact", PROBLEMS),
    Operation(
        method="get",
        path=f"{RUN_V2}/artifacts",
        id="listArtifactsV2",
        summary="List a run's artifacts as receivers of job.run.completed do",
        answers={200: enveloped(200, "Their names.", array(_NAME), is_success=True)},
        errors_as=ENVELOPE,
    ),
    _file(RUN_V2, "getArtifactV2", "Read an artifact as receivers of job.run.completed do", ENVELOPE),
)
