"""Progress reports of a training: to Dagster through Pipes where it started the process, else to standard error.

Add another way to report here; the reports are sent by `supervisor.py` and `worker_channel.py`.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol


class Progress(Protocol):
    """Receiver of reports."""

    def say(self, line: str) -> None:
        """Report one line for a person."""

    def epoch(self, figures: Mapping[str, Any]) -> None:
        """Report the figures of one finished epoch, JSON types."""

    def finish(self, metadata: Mapping[str, Any], data_version: str) -> None:
        """Report that the result is in the work folder."""


class _Lines:
    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the report

    def epoch(self, figures: Mapping[str, Any]) -> None:
        """Do nothing: a line has reported it."""

    def finish(self, metadata: Mapping[str, Any], data_version: str) -> None:
        """Do nothing: a line has reported it."""


class _Pipes:
    def __init__(self, context: Any) -> None:
        self._context = context

    def say(self, line: str) -> None:
        self._context.log.info(line)

    def epoch(self, figures: Mapping[str, Any]) -> None:
        self._context.report_custom_message({"epoch": dict(figures)})

    def finish(self, metadata: Mapping[str, Any], data_version: str) -> None:
        self._context.report_asset_materialization(metadata=dict(metadata), data_version=data_version)


@contextmanager
def open_progress() -> Iterator[Progress]:
    """Open reports to Dagster Pipes where its environment variables are set, else to standard error."""
    from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, open_dagster_pipes

    if DAGSTER_PIPES_CONTEXT_ENV_VAR in os.environ:
        with open_dagster_pipes() as context:
            yield _Pipes(context)
    else:
        yield _Lines()
