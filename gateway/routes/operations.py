"""Routes for operators and probes: alive, ready, status, and Prometheus metrics.

Add here other routes that describe the gateway itself.
"""

import asyncio
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.observability.review_metrics import set_review_gauges
from gateway.observability.rollout_metrics import set_rollout_gauges
from gateway.routes.auth import need
from gateway.routes.request_body import REFUSED
from gateway.serving.loading import Served, export_kind_of
from gateway.state import Gateway, gateway_of
from ratchet.ingest.row_counts import outside_of, without_content
from ratchet.storage.run_history import newest_run_s

router = APIRouter()
_KEYED: dict[int | str, dict[str, Any]] = {status: REFUSED[status] for status in (401, 403, 429)}


@router.get("/healthz", summary="The process is alive")
async def healthz() -> dict[str, str]:
    """Return the same answer as long as the process can answer at all."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Traffic can be answered",
    responses={503: {"description": "Nothing serves, or something is wrong."}},
)
async def readyz(request: Request) -> JSONResponse:
    """Return 200 if something serves and nothing is wrong; otherwise 503 with the reason by classifier. Shows no path.

    A classifier that was never promoted is not a problem beside one that serves; `unpromoted` lists it. `disk` says why
    rows cannot be written, and `lacking` why an adapter answers in place of its export, `keys` why a changed
    `keys.json` is not followed; all three leave the gateway ready, since it still answers.
    `rows` counts the rows that are not in the warehouse, by reason.
    """
    gateway = gateway_of(request)
    home, unpromoted = (
        f"{gateway.settings.home}/",
        gateway.slots.unpromoted if gateway.slots.names() else frozenset[str](),
    )
    problems = {name: problem for name, problem in gateway.slots.problems.items() if name not in unpromoted}
    reasons = {name: problem.split(" hint: ")[0].replace(home, "") for name, problem in problems.items()}
    ready = bool(gateway.slots.names()) and not problems
    lacking = {name: why.replace(home, "") for name in gateway.slots.names() if (why := gateway.slots[name].lacking)}
    serving, disk = gateway.slots.names(), gateway.landing.trouble
    report = {"ready": ready, "serving": serving, "problems": reasons, "disk": disk, "lacking": lacking}
    report["rows"] = {name: await asyncio.to_thread(_count_outside, gateway, name) for name in serving}
    report["unpromoted"], report["keys"] = sorted(unpromoted), request.app.state.access.problem
    return JSONResponse(report, 200 if ready else 503)


@router.get(
    "/metrics", response_class=Response, responses={**_KEYED,
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    dependencies=[Depends(need("read"))], summary="Metrics for Prometheus",
)  # fmt: skip
async def metrics(request: Request) -> Response:
    """Return the metrics in the text format of Prometheus."""
    gateway = gateway_of(request)
    await asyncio.to_thread(_look_at_home, gateway)
    gateway.metrics.adapter.clear()  # digests that no slot holds any more are gone
    for name in gateway.slots.names():
        rollout = gateway.slots[name].rollout
        gateway.metrics.weight.labels(name, "live").set(1 - rollout.served_percent / 100)
        gateway.metrics.weight.labels(name, "candidate").set(rollout.served_percent / 100)
        for slot, digest in rollout.adapters.items():
            gateway.metrics.adapter.labels(name, slot, digest).set(1)
    await asyncio.to_thread(set_rollout_gauges, gateway.slots.home, gateway.slots, gateway.metrics)
    await asyncio.to_thread(set_review_gauges, gateway.slots.home, gateway.slots, gateway.metrics)
    await asyncio.to_thread(gateway.metrics.home.set, gateway.slots.home, gateway.slots)
    return Response(generate_latest(gateway.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/status", summary="What serves now", responses=_KEYED, dependencies=[Depends(need("classify"))])
async def status(request: Request) -> dict[str, Any]:
    """Return digest by slot and the candidate's share of users, for each classifier."""
    gateway = gateway_of(request)
    served = {name: gateway.slots[name] for name in gateway.slots.names()}
    return {
        "classifiers": {
            name: {
                "labels": list(serving.spec.labels),
                "adapters": serving.rollout.adapters,
                "candidate_percent": serving.rollout.served_percent,
                "bucketing": serving.rollout.bucketing,
                "killed": serving.rollout.killed,
                "problem": gateway.slots.problems.get(name, ""),
                "paths": _describe_paths(serving),
                "lacking": serving.lacking.replace(f"{gateway.settings.home}/", ""),
            }
            for name, serving in served.items()
        },
        "waiting": gateway.batcher.waiting,
    }


def _describe_paths(served: Served) -> dict[str, Any]:
    """Return target and runtime of each path; an edge that answers elsewhere has no runtime."""
    live, paths = served.rollout.live, served.paths
    by_path = {"calibrated": (paths.calibrated, served.predictors[live]), "edge": (paths.edge, served.edges.get(live))}
    return {
        path: {"target": target.profile.name, "runtime": (export_kind_of(held) or "in_process") if held else None}
        for path, (target, held) in by_path.items()
        if target
    }


def _count_outside(gateway: Gateway, name: str) -> dict[str, dict[str, int]]:
    """Count the rows that are not in the warehouse; empty for a classifier whose journals cannot be looked at."""
    with suppress(OSError):
        return without_content(outside_of(gateway.slots.home, name))
    return {}


def _look_at_home(gateway: Gateway) -> None:
    """Set the gauges that are read from disk; a missing or incomplete ledger or report leaves its gauge unchanged."""
    gateway.metrics.reserved_disk.set(gateway.landing.ballast.held)
    for name in gateway.slots.names():
        with suppress(OSError):
            gateway.metrics.entries.labels(name).set(gateway.slots.home.ledger(name).read_bytes().count(b"\n"))
        with suppress(OSError, ValueError, KeyError):
            if ended := newest_run_s(gateway.slots.home, name):
                gateway.metrics.cycled.labels(name).set(ended)
