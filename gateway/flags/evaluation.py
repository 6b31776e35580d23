"""Flag evaluation through OpenFeature, by the flag file or by a provider that the operator put in its place.

A third-party provider runs on a thread of its own and is waited for briefly: if it is late, fails or hangs, the
candidate loses its traffic, but every request gets its answer. Add here how a provider is asked and which of its
answers are accepted; what serves is `gateway/serving/slots.py`.
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
from ratchet.core.timeouts import FLAG_EVALUATION_S, FLAG_PROVIDER_START_S
from ratchet.rollout.flag import CANDIDATE, LIVE, Rollout

Details = FlagEvaluationDetails[str]
Factory = Callable[[], FeatureProvider]
TIMEOUT, UNKNOWN = "timeout", "unknown_adapter"

_LOG, _THEIR_LOG = logging.getLogger("ratchet.gateway"), logging.getLogger("openfeature")
_MAX_COMPLAINTS = 100
_NUMBERS = itertools.count(1)


def find_factory(name: str) -> Factory | None:
    """Return the factory `package.module:factory`, None for no name; raises `RatchetError` if it cannot be used."""
    if not name:
        return None
    module, _, attribute = name.partition(":")
    try:
        imported = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # noqa: BLE001 - not our code, and it may fail in any way while it is imported
        raise _unusable(name, str(error)) from None
    if not callable(imported):
        raise _unusable(name, f"{attribute} is {type(imported).__name__}, which cannot be called")
    factory: Factory = imported
    return factory


@dataclass(frozen=True)
class FlagEvaluation:
    """One evaluation of a flag: the provider's answer for a targeting key, and why live answers instead, if it does."""

    details: Details
    key: str
    provider: str
    fallback: str = ""
    """Cause, from a closed set; empty if the provider's answer holds."""


def resolve_slot(details: Details, rollout: Rollout) -> tuple[str, str]:
    """Return the slot of an evaluation, and the cause if it is live for want of a usable answer (else empty)."""
    if details.error_code is not None:
        return LIVE, TIMEOUT if details.error_message == TIMEOUT else str(details.error_code.value).lower()
    if rollout.killed or details.value == rollout.live:
        return LIVE, ""
    return (CANDIDATE, "") if details.value == rollout.candidate else (LIVE, UNKNOWN)


class Evaluator:
    """OpenFeature client in a domain of its own. Provider `own` answers until `start` replaces it by the factory's."""

    def __init__(
        self, own: FeatureProvider, factory: Factory | None = None, timeout_s: float = FLAG_EVALUATION_S
    ) -> None:
        self._own, self._factory, self._timeout_s = own, factory, timeout_s
        self._domain = f"ratchet-gateway-{next(_NUMBERS)}"
        api.set_provider_and_wait(own, self._domain)
        self._client = api.get_client(self._domain)
        self._caller: BoundedCaller | None = None
        self._placed = False
        self._once = _Once()
        self.provider_name = own.get_metadata().name

    def start(self) -> None:
        """Install the factory's provider. One that is not ready in five seconds may become ready later."""
        if self._factory is None or self._caller is not None:
            return
        _THEIR_LOG.addFilter(self._once)
        self._caller, self.provider_name = BoundedCaller(), "unknown"
        factory = self._factory
        try:
            self._caller.run(lambda: self._place(factory), FLAG_PROVIDER_START_S)
        except Exception as error:  # noqa: BLE001 - not our code; live answers everyone until it works
            _LOG.warning("the flag provider is not ready (%s): live answers everyone", type(error).__name__)

    def stop(self) -> None:
        """Remove the factory's provider; OpenFeature shuts it down."""
        if self._caller is not None:
            api.set_provider_and_wait(self._own, self._domain)
            self._caller.close()
            self._caller, self._placed, self.provider_name = None, False, self._own.get_metadata().name
            _THEIR_LOG.removeFilter(self._once)

    def ask(self, flag: str, default: str, key: str) -> Details:
        """Return the answer for a targeting key; `default` with an error code if the provider failed. Never raises."""
        context = EvaluationContext(targeting_key=key)
        if self._caller is None:
            return self._client.get_string_details(flag, default, context)
        if not self._placed:
            return _failed(flag, default, ErrorCode.PROVIDER_NOT_READY)
        try:
            return self._caller.run(lambda: self._client.get_string_details(flag, default, context), self._timeout_s)
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
    """Filter that passes each message of OpenFeature once, without the traceback, which may name a user.

    Without it the same message would come with every request.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """True where the record is new."""
        message = record.getMessage()
        if message in self._seen or len(self._seen) >= _MAX_COMPLAINTS:
            return False
        self._seen.add(message)
        if record.exc_info and record.exc_info[0]:
            record.msg, record.args, record.exc_info = f"{message} ({record.exc_info[0].__name__})", (), None
        return True


def _failed(flag: str, default: str, code: ErrorCode, message: str = "") -> Details:
    return FlagEvaluationDetails(flag, default, reason=Reason.ERROR, error_code=code, error_message=message)


def _unusable(name: str, reason: str) -> RatchetError:
    return RatchetError(
        f"flag provider {name!r} cannot be used: {reason}.",
        "Set RATCHET_GATEWAY_FLAG_PROVIDER to package.module:factory, or unset it to use the flag file.",
        code="bad_settings",
    )
