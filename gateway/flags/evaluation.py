"""Asking OpenFeature who answers a user: by the flag file, or by any provider that the operator put in its place.

A provider that is not ours is asked aside and waited for briefly: one that is late, fails or hangs costs the candidate
its traffic, never a request its answer. Add here how a provider is asked and what of its answer is believed; who serves
is `gateway/serving/slots.py`.
"""

import importlib
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, Reason
from openfeature.provider import FeatureProvider

from gateway.flags.bounded_calls import BoundedCaller
from ratchet.core.errors import RatchetError
from ratchet.rollout.flag import CANDIDATE, LIVE, Rollout

Details = FlagEvaluationDetails[str]
Factory = Callable[[], FeatureProvider]
TIMEOUT, UNKNOWN = "timeout", "unknown_adapter"

_LOG, _THEIR_LOG = logging.getLogger("ratchet.gateway"), logging.getLogger("openfeature")
_START_S = 5.0
_MAX_COMPLAINTS = 100
_NUMBERS = itertools.count(1)


def find_factory(name: str) -> Factory | None:
    """What `package.module:factory` names, None for no name; raises `RatchetError` for what cannot be imported or
    called."""
    if not name:
        return None
    module, _, attribute = name.partition(":")
    try:
        result = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # noqa: BLE001 - not our code, and it may fail in any way while it is imported
        raise _refuse(name, str(error)) from None
    if not callable(result):
        raise _refuse(name, f"{attribute} is {type(result).__name__}, nothing that can be called")
    factory: Factory = result
    return factory


@dataclass(frozen=True)
class FlagEvaluation:
    """One evaluation of a flag: what the provider said to the targeting key, and why live answers instead of what it
    said."""

    said: Details
    key: str
    provider: str
    fallback: str = ""
    """From a closed set; empty when the provider's answer holds."""


def resolve_slot(said: Details, rollout: Rollout) -> tuple[str, str]:
    """The slot that an answer means; live, and why, for one that is neither the live adapter nor the candidate, or an
    error."""
    if said.error_code is not None:
        return LIVE, TIMEOUT if said.error_message == TIMEOUT else str(said.error_code.value).lower()
    if rollout.killed or said.value == rollout.live:
        return LIVE, ""
    return (CANDIDATE, "") if said.value == rollout.candidate else (LIVE, UNKNOWN)


class Evaluator:
    """An OpenFeature client in a domain of its own. Provider `own` answers it until `start` puts the factory's in its
    place."""

    def __init__(self, own: FeatureProvider, factory: Factory | None = None, timeout_s: float = 0.05) -> None:
        self._own, self._factory, self._timeout_s = own, factory, timeout_s
        self._domain = f"ratchet-gateway-{next(_NUMBERS)}"
        api.set_provider_and_wait(own, self._domain)
        self._client = api.get_client(self._domain)
        self._aside: BoundedCaller | None = None
        self._placed = False
        self._once = _Once()
        self.provider_name = own.get_metadata().name

    def start(self) -> None:
        """Put the factory's provider in its place. One that is not ready in five seconds may become so later."""
        if self._factory is None or self._aside is not None:
            return
        _THEIR_LOG.addFilter(self._once)
        self._aside, self.provider_name = BoundedCaller(), "unknown"
        factory = self._factory
        try:
            self._aside.run(lambda: self._place(factory), _START_S)
        except Exception as error:  # noqa: BLE001 - not our code; live answers everyone until it works
            _LOG.warning("the flag provider is not ready (%s): live answers everyone", type(error).__name__)

    def stop(self) -> None:
        """Take the factory's provider away; OpenFeature shuts it down."""
        if self._aside is not None:
            api.set_provider_and_wait(self._own, self._domain)
            self._aside.close()
            self._aside, self._placed, self.provider_name = None, False, self._own.get_metadata().name
            _THEIR_LOG.removeFilter(self._once)

    def ask(self, flag: str, default: str, key: str) -> Details:
        """The answer for the targeting key `key`; `default`, with an error code, from a provider that failed. Never
        raises."""
        context = EvaluationContext(targeting_key=key)
        if self._aside is None:
            return self._client.get_string_details(flag, default, context)
        if not self._placed:
            return _failed(flag, default, ErrorCode.PROVIDER_NOT_READY)
        try:
            return self._aside.run(lambda: self._client.get_string_details(flag, default, context), self._timeout_s)
        except TimeoutError:
            return _failed(flag, default, ErrorCode.GENERAL, TIMEOUT)
        except Exception as error:  # noqa: BLE001 - not our code
            return _failed(flag, default, ErrorCode.GENERAL, type(error).__name__)

    def _place(self, factory: Factory) -> None:
        provider = factory()
        self.provider_name = str(provider.get_metadata().name)
        self._placed = True  # from here on the client itself knows whether the provider is ready
        api.set_provider_and_wait(provider, self._domain)


class _Once(logging.Filter):
    """Lets each complaint of OpenFeature through once, without its traceback: it comes with every request, and may name
    a user."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is new."""
        said = record.getMessage()
        if said in self._told or len(self._told) >= _MAX_COMPLAINTS:
            return False
        self._told.add(said)
        if record.exc_info and record.exc_info[0]:
            record.msg, record.args, record.exc_info = f"{said} ({record.exc_info[0].__name__})", (), None
        return True


def _failed(flag: str, default: str, code: ErrorCode, said: str = "") -> Details:
    return FlagEvaluationDetails(flag, default, reason=Reason.ERROR, error_code=code, error_message=said)


def _refuse(name: str, found: str) -> RatchetError:
    return RatchetError(
        f"flag provider {name!r} cannot be used: {found}.",
        "Set RATCHET_GATEWAY_FLAG_PROVIDER to package.module:factory, or leave it out for the flag file.",
        code="bad_settings",
    )
