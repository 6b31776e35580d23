"""Hints for a frontier model that gives no answer: one sentence for each way to fail, with settings of `[frontier]`.

The endpoint's own words are not repeated, since they may hold the text or the key. Add a status here when it has a fix
of its own.
"""

from ratchet.config.frontier import Frontier


def hint_for_status(status: int, settings: Frontier) -> str:
    """Hint for a response with HTTP `status`; empty where only waiting helps."""
    if status in (400, 422):
        return _send_less(settings)
    if status in (401, 403):
        return f"Check the key in {settings.key_variable}, and that it may use model = {settings.model!r}."
    if status == 402:
        return f"Check the account of the key in {settings.key_variable}: it has no credit left."
    if status in (404, 405):
        return (
            f"Check model = {settings.model!r} and base_url = {settings.base_url!r}: "
            "'/chat/completions' is appended to it, and it often ends in '/v1'."
        )
    if status == 429:
        return (
            f"Check the quota of the account of the key in {settings.key_variable}; "
            f"else lower at_once, now {settings.at_once}, or raise retries, now {settings.retries}."
        )
    return (
        "Redirects are not followed: set base_url to the address that it redirects to." if 300 <= status < 400 else ""
    )


def hint_for_timeout(settings: Frontier) -> str:
    """Hint for a time-out."""
    return f"Raise timeout_s, now {settings.timeout_s:g}, or lower at_once, now {settings.at_once}."


def hint_for_no_connection(settings: Frontier) -> str:
    """Hint for an endpoint that cannot be connected to."""
    return f"Check base_url = {settings.base_url!r}, and that this machine can reach it."


def _send_less(settings: Frontier) -> str:
    """Settings that change what is sent, those that endpoints reject most often first."""
    ways = [f'limit_name = "{settings.other_limit_name}"']
    ways += ["fixed_temperature = false"] if settings.fixed_temperature else []
    ways += ["log_probabilities = false"] if settings.log_probabilities else []
    last = f"check model = {settings.model!r}"
    return f"The endpoint rejects the request: try {', '.join(ways)}, one after the other; then {last}."
