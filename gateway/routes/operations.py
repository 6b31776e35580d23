"""The routes for those who run it: alive, ready, what serves, and Prometheus.

Add here what an operator or a probe asks.
"""

import asyncio
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.observability.rollout_metrics import set_rollout_gauges
from gateway.routes.auth import need
from gateway.routes.request_body import REFUSED
from gateway.serving.loading import Served, export_kind_of
from gateway.state import Gateway, gateway_of
from ratchet.storage.run_history import newest_run_s

router = APIRouter()
_KEYED: dict[int | str, dict[str, Any]] = {status: REFUSED[status] for status in (401, 403, 429)}


@router.get("/healthz", summary="The process is alive")
async def healthz() -> dict[str, str]:
    """Always the same while the process can answer at all."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Traffic can be answered",
    responses={503: {"description": "Nothing serves, or something is amiss."}},
)
async def readyz(request: Request) -> JSONResponse:
    """200 when something serves and nothing is amiss; 503 with the reason by classifier otherwise. Names no path.

    A classifier of which nothing was ever promoted is no problem beside one that serves; it stands in `unpromoted`. A
    disk that takes no rows is said in `disk`, and an adapter that answers where its export should in `lacking`; both
    are still ready: answers go on.
    """
    gateway = gateway_of(request)
    home, unpromoted = (
        f"{gateway.settings.home}/",
        gateway.slots.unpromoted if gateway.slots.names() else frozenset[str](),
    )
    problems = {name: problem for name, problem in gateway.slots.problems.items() if name not in unpromoted}
    said = {name: problem.split(" hint: ")[0].replace(home, "") for name, problem in problems.items()}
    ready = bool(gateway.slots.names()) and not problems
    lacking = {name: why.replace(home, "") for name in gateway.slots.names() if (why := gateway.slots[name].lacking)}
    serving, disk = gateway.slots.names(), gateway.landing.trouble
    result = {"ready": ready, "serving": serving, "problems": said, "disk": disk, "lacking": lacking}
    result["unpromoted"] = sorted(unpromoted)
    return JSONResponse(result, 200 if ready else 503)


@router.get(
    "/metrics", response_class=Response, responses={**_KEYED,
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    dependencies=[Depends(need("admin"))], summary="For Prometheus",
)  # fmt: skip
async def metrics(request: Request) -> Response:
    """The text format of Prometheus."""
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
    return Response(generate_latest(gateway.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/status", summary="What serves now", responses=_KEYED, dependencies=[Depends(need("classify"))])
async def status(request: Request) -> dict[str, Any]:
    """Digest by slot and the share of users that the candidate answers, for each classifier."""
    gateway = gateway_of(request)
    served = {name: gateway.slots[name] for name in gateway.slots.names()}
    return {
        "classifiers": {
            name: {
                "labels": list(result.spec.labels),
                "adapters": result.rollout.adapters,
                "candidate_percent": result.rollout.served_percent,
                "killed": result.rollout.killed,
                "problem": gateway.slots.problems.get(name, ""),
                "paths": _describe_paths(result),
                "lacking": result.lacking.replace(f"{gateway.settings.home}/", ""),
            }
            for name, result in served.items()
        },
        "waiting": gateway.batcher.waiting,
    }


def _describe_paths(served: Served) -> dict[str, Any]:
    """Target and runtime of each path; an edge that is not run here has no runtime, and answers elsewhere."""
    live, paths = served.rollout.live, served.paths
    result = {"calibrated": (paths.calibrated, served.predictors[live]), "edge": (paths.edge, served.edges.get(live))}
    return {
        path: {"target": target.profile.name, "runtime": (export_kind_of(who) or "in_process") if who else None}
        for path, (target, who) in result.items()
        if target
    }


def _look_at_home(gateway: Gateway) -> None:
    """Set what only the disk knows; a ledger or report that is missing or not whole leaves its figure as it was."""
    gateway.metrics.ballast.set(gateway.landing.ballast.held)
    for name in gateway.slots.names():
        with suppress(OSError):
            gateway.metrics.entries.labels(name).set(gateway.slots.home.ledger(name).read_bytes().count(b"\n"))
        with suppress(OSError, ValueError, KeyError):
            if ended := newest_run_s(gateway.slots.home, name):
                gateway.metrics.cycled.labels(name).set(ended)
