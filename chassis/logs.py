"""Logs are one line per unit of work, JSON unless a person watches; ids are fields, payloads and secrets never appear."""

import logging
import sys

import structlog

#: gRPC metadata with the id of the request that a call is made for; the called process has it on its log lines too.
REQUEST_ID_KEY = "x-request-id"


def configure(*, level: str, style: str, process: str, pod: str) -> None:
    """Sets up structlog and the standard library's loggers for the process: `style` is json or console."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    render: structlog.types.Processor
    if style == "console":
        # Its own tracebacks show the locals, which may be payloads and secrets.
        plain = structlog.dev.plain_traceback
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    else:
        render = structlog.processors.JSONRenderer()
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    as_text = structlog.processors.format_exc_info
    structlog.configure(
        processors=[*shared, as_text, render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process, pod=pod)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_text, render],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """The logger every room uses: `log.info("delivery.attempted", delivery=..., ...)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
