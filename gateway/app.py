"""Application factory: makes, starts and stops the gateway's parts so that no answer in flight and no row is lost.

Add a part here when it has a lifetime of its own; routes are in `gateway/routes/`.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gateway.background import BackgroundMiddleware
from gateway.errors import (
    RequestError,
    answer_crash,
    answer_fault,
    answer_gone,
    answer_parameters,
    answer_refused,
    respond,
)
from gateway.feedback_log import FeedbackLog
from gateway.flags.evaluation import find_factory
from gateway.observability.metrics import Metrics
from gateway.observability.tracing import Tracing
from gateway.open_homes import check_open
from gateway.openapi import describe
from gateway.request_guard import RequestGuard
from gateway.request_ids import RequestIds
from gateway.review.feed import ReviewFeed
from gateway.review.login_tries import LoginTries
from gateway.review.queues import Queues
from gateway.review.sessions import Sessions
from gateway.review.suspended_people import SuspendedPeople
from gateway.routes import (
    api_page,
    home_page,
    login,
    manual,
    report_pages,
    review_answers,
    review_page,
    review_people,
    rollout_page,
    tei,
    trends,
    vllm,
    why,
)
from gateway.routes import classify as classifying
from gateway.routes import feedback as collecting
from gateway.routes import operations as watching
from gateway.routes.auth import Access
from gateway.routes.browser_auth import FormTokens
from gateway.routes.page_frame import answer_unknown
from gateway.row_log import RowLog
from gateway.serving.batching import Batcher
from gateway.serving.slots import Slots
from gateway.settings import Settings, parse_hosts
from gateway.shadowing import Shadowing
from gateway.state import Gateway
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.keys.request_id_secret import keep_secret
from ratchet.workflows.rollout.upgrade import seal_at_start

_LOG = logging.getLogger("ratchet.gateway")


def create_app(settings: Settings) -> FastAPI:
    """Return the gateway of a home; raises `RatchetError` if it has no keys and the operator did not say `open`."""
    settings.trust.check_paths()
    home = Home(settings.home, settings.trust)
    keys = Keys(home.keys).read()
    if not keys:
        check_open(home, settings)
    if settings.default_classifier is not None:
        home.need(settings.default_classifier)
    metrics, tracing = Metrics(), Tracing(settings.otlp_endpoint)
    factory, observers = find_factory(settings.flag_provider), (metrics.record_evaluation, tracing.record_evaluation)
    slots = Slots(home, factory=factory, timeout_s=settings.flag_timeout_s, observers=observers)
    batcher = Batcher(
        settings.max_waiting, settings.max_batch_texts, max_shadow_load=settings.max_shadow_load, watch=metrics.watch
    )
    landing = RowLog(home, settings.seal_s, settings.ballast_bytes)
    ids = _request_ids(home)
    suspended = SuspendedPeople(home, lambda name: slots[name].spec.people if name in slots else {})
    feedback = FeedbackLog(landing, admit=suspended.check)
    feed = ReviewFeed(landing, metrics, ids.secret, lambda name: slots[name].spec if name in slots else None)
    shadowing = Shadowing(slots, batcher, landing, metrics, feed, ids.secret)
    queues = Queues(slots, settings.now)
    gateway = Gateway(settings, slots, batcher, landing, metrics, shadowing, ids, feedback, feed, queues)

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        tracing.start()
        await asyncio.to_thread(_seal_former_homes, slots.home)
        await asyncio.to_thread(slots.follow)
        await asyncio.to_thread(slots.start)
        await asyncio.to_thread(landing.tend)
        try:
            await asyncio.to_thread(landing.recover, home.served())
        except OSError:  # the gateway answers without a disk too; each row that fails reports it
            _LOG.exception("the journals cannot be written")
        await asyncio.to_thread(feed.start)
        await batcher.start()
        lost = "the flags cannot be followed; the gateway keeps what it serves"
        following = asyncio.create_task(repeat(slots.follow, settings.poll_s, lost, partial(_report_lost, slots)))
        lost = "the reserved disk space cannot be checked"
        tending = asyncio.create_task(repeat(landing.tend, settings.poll_s, lost))
        lost = "the keys cannot be followed; the last ones stay in force"
        watching_keys = asyncio.create_task(repeat(partial(access.follow, home.keys), settings.poll_s, lost))
        yield
        watching_keys.cancel()
        following.cancel()
        tending.cancel()
        # Answers first, then the shadows that follow them, then the journals that take the rows of both.
        await batcher.stop()
        await shadowing.stop()
        await asyncio.to_thread(feed.stop)
        await asyncio.to_thread(landing.close)
        await asyncio.to_thread(gateway.queues.close)
        await asyncio.to_thread(slots.stop)
        await asyncio.to_thread(tracing.stop)

    app = FastAPI(
        title="Ratchet gateway",
        summary="Answers of promoted classifiers, and the feedback that improves them.",
        version="1",
        lifespan=live,
        docs_url=None,  # both pages would load scripts from other hosts: ours is `routes/api_page.py`
        redoc_url=None,
        redirect_slashes=False,  # the redirect would go to whatever Host header the client sent
    )
    access = Access(keys, open=settings.open and not keys)
    app.state.gateway, app.state.access = gateway, access
    app.state.form_tokens = FormTokens(secrets.token_bytes(32))
    app.state.sessions, app.state.login_tries = Sessions(), LoginTries()
    app.exception_handler(RequestError)(respond)
    app.state.error_shapes = tei.ERROR_SHAPES
    app.exception_handler(RatchetError)(answer_fault)
    app.exception_handler(HTTPException)(answer_unknown)
    app.exception_handler(RequestValidationError)(answer_parameters)
    app.exception_handler(ClientDisconnect)(answer_gone)
    app.exception_handler(Exception)(answer_crash)
    tracing.wrap(app)
    app.add_middleware(BackgroundMiddleware)
    app.add_middleware(
        RequestGuard,
        parse_hosts(settings.hosts),
        host=settings.host,
        answer=partial(answer_refused, gateway.metrics, tei.ERROR_SHAPES),
        proxied=not app.state.access.open,
    )
    for router in (
        classifying.router,
        collecting.router,
        watching.router,
        home_page.router,
        api_page.router,
        manual.router,
        report_pages.router,
        rollout_page.router,
        login.router,
        why.router,
        trends.router,
        review_page.router,
        review_people.router,
        review_answers.router,
        tei.router,
        vllm.router,
    ):
        app.include_router(router)
    app.openapi = describe(app)  # type: ignore[method-assign] # as FastAPI documents it
    return app


def _seal_former_homes(home: Home) -> None:
    """Seal what a version before sealed policies left, so that no edit of a file counts from the first answer on."""
    for name in home.served():
        if reason := seal_at_start(home, name):
            _LOG.warning("classifier %s: %s", name, reason)


def _request_ids(home: Home) -> RequestIds:
    """Return ids under the home's secret; if it cannot be written, under a secret that ends with this process."""
    try:
        return RequestIds(keep_secret(home.secret))
    except OSError:
        _LOG.warning(
            "the secret of request ids cannot be written: feedback on these answers is rejected after a restart"
        )
        return RequestIds(secrets.token_bytes(32))


async def repeat(work: Callable[[], None], every_s: float, lost: str, react: Callable[[], None] = lambda: None) -> None:
    """Run `work` in a thread every `every_s` seconds until cancelled; log a failure as `lost` and call `react`."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await asyncio.to_thread(work)
        except Exception:  # noqa: BLE001 - whatever it was, the next turn may succeed
            _LOG.exception(lost)
            react()


def _report_lost(slots: Slots) -> None:
    slots.problems = {
        **slots.problems,
        **dict.fromkeys(slots.names(), "The flags cannot be followed; see the log."),
    }
