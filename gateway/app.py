"""The application: its parts are made, started, and stopped so that no answer in flight and no row is lost.

Add a part here when it has a life of its own; routes are in `classifying.py`, `collecting.py`, `watching.py` and
`rollout_page.py`.
"""

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gateway import classifying, collecting, rollout_page, watching
from gateway.access import Access
from gateway.batching import Batcher
from gateway.browsers import FormTokens
from gateway.landing import Landing
from gateway.metrics import Metrics
from gateway.refusals import Refusal, answer, answer_fault
from gateway.settings import Settings
from gateway.shadowing import Shadowing
from gateway.slots import Slots
from gateway.state import Gateway
from ratchet.errors import RatchetError
from ratchet.stores.home import Home
from ratchet.stores.keys import Keys


def create_app(settings: Settings) -> FastAPI:
    """The gateway over the home of `settings`; raises `RatchetError` when it would be open to others without keys."""
    home = Home(settings.home)
    keys = Keys(home.keys).read()
    if not keys and not is_loopback(settings.host):
        raise RatchetError(
            f"{home.root} has no keys, so the gateway answers on loopback only, not on {settings.host}.",
            "Make a key with 'ratchet key NAME --scope classify', or leave --host out.",
            code="open_gateway",
        )
    slots = Slots(home)
    batcher = Batcher(settings.max_waiting, settings.max_batch_texts)
    landing, metrics = Landing(home, settings.seal_s), Metrics()
    gateway = Gateway(settings, slots, batcher, landing, metrics, Shadowing(slots, batcher, landing, metrics))

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(slots.follow)
        try:
            await asyncio.to_thread(gateway.landing.recover, home.classifiers())
        except OSError:  # answers go on without a disk that can be written; each row that is refused says so
            logging.getLogger("ratchet.gateway").exception("the journals cannot be written")
        await batcher.start()
        following = asyncio.create_task(_follow(slots, settings.poll_s))
        yield
        following.cancel()
        await batcher.stop()
        await gateway.shadowing.stop()
        await asyncio.to_thread(gateway.landing.close)

    app = FastAPI(
        title="Ratchet gateway",
        summary="Answers of promoted classifiers, and the feedback that improves them.",
        version="1",
        lifespan=live,
        docs_url=None,  # both pages would fetch scripts from outside
        redoc_url=None,
    )
    app.state.gateway, app.state.access = gateway, Access(keys)
    app.state.form_tokens = FormTokens(secrets.token_bytes(32))
    app.exception_handler(Refusal)(answer)
    app.exception_handler(RatchetError)(answer_fault)
    for router in (classifying.router, collecting.router, watching.router, rollout_page.router):
        app.include_router(router)
    return app


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _follow(slots: Slots, poll_s: float) -> None:
    while True:
        await asyncio.sleep(poll_s)
        try:
            await asyncio.to_thread(slots.follow)
        except Exception:
            logging.getLogger("ratchet.gateway").exception("the flags cannot be followed; what serves goes on serving")
            slots.problems = {**slots.problems, **dict.fromkeys(slots.names(), "The flags cannot be followed; the log says why.")}
