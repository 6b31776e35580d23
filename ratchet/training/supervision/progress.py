"""Telling how far a training is: to Dagster through Pipes when it listens, else as lines on standard error.

Add a way to report here; what is worth reporting is decided in `ratchet/training/__main__.py`.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol


class Progress(Protocol):
    """Where reports go."""

    def say(self, line: str) -> None:
        """One line for a person."""

    def epoch(self, figures: Mapping[str, Any]) -> None:
        """The figures of one finished epoch, JSON types."""

    def finish(self, metadata: Mapping[str, Any], data_version: str) -> None:
        """The training is done, and its result lies in the work folder."""


class _Lines:
    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the report

    def epoch(self, figures: Mapping[str, Any]) -> None:
        """Said in words already."""

    def finish(self, metadata: Mapping[str, Any], data_version: str) -> None:
        """Said in words already."""


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
    """Reports to Dagster Pipes where its environment variables are present, else to standard error."""
    from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, open_dagster_pipes

    if DAGSTER_PIPES_CONTEXT_ENV_VAR in os.environ:
        with open_dagster_pipes() as context:
            yield _Pipes(context)
    else:
        yield _Lines()
