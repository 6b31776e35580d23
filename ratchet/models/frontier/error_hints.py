"""What may mend a frontier model that brings nothing: one sentence for each way to fail, naming settings of
`[frontier]`.

The endpoint's own words are not repeated, for they may hold the text or the key. Add a status here when it has a cure
of its own.
"""

from ratchet.config.frontier import Frontier


def hint_for_status(status: int, settings: Frontier) -> str:
    """The cure of an answer with HTTP `status`; empty where waiting is the only one."""
    if status in (400, 422):
        return _send_less(settings)
    if status in (401, 403):
        return f"Look at the key in {settings.key_variable}, and whether it may use model = {settings.model!r}."
    if status == 402:
        return f"Look at the account behind the key in {settings.key_variable}: it has no money left."
    if status in (404, 405):
        return (
            f"Look at model = {settings.model!r}, and at base_url = {settings.base_url!r}: "
            "'/chat/completions' is added to it, and it often ends in '/v1'."
        )
    if status == 429:
        return (
            f"Look at the quota of the account behind the key in {settings.key_variable}; "
            f"else lower at_once, now {settings.at_once}, or raise retries, now {settings.retries}."
        )
    return (
        "Redirects are not followed: write the address that it leads to into base_url." if 300 <= status < 400 else ""
    )


def hint_for_timeout(settings: Frontier) -> str:
    """The cure of time-outs."""
    return f"Raise timeout_s, now {settings.timeout_s:g}, or lower at_once, now {settings.at_once}."


def hint_for_no_connection(settings: Frontier) -> str:
    """The cure of no connection."""
    return f"Look at base_url = {settings.base_url!r}, and whether this machine reaches it."


def _send_less(settings: Frontier) -> str:
    """What may be sent otherwise, in the order in which endpoints refuse it."""
    ways = [f'limit_name = "{settings.other_limit_name}"']
    ways += ["fixed_temperature = false"] if settings.fixed_temperature else []
    ways += ["log_probabilities = false"] if settings.log_probabilities else []
    last = f"look at model = {settings.model!r}"
    return f"The endpoint does not take what is sent: try {', '.join(ways)}, one after the other; then {last}."
