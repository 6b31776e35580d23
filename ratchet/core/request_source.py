"""Source of an HTTP request: the rule that tells a page of another site from our own pages and from programs.

A browser sends to a server on loopback whatever page it shows. It cannot change `Host`, `Origin` and `Sec-Fetch-*`, so
these decide. Add here another header that browsers set; who may call a route is `gateway/routes/auth.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_FORWARDED_PROTO = re.compile(r'(?:^|[;,])\s*proto="?([A-Za-z]+)', re.IGNORECASE)
_PROXY_HEADERS = frozenset(
    {
        "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for",
        "x-envoy-external-address", "true-client-ip", "cf-connecting-ip", "fastly-client-ip", "fly-client-ip",
    }
)  # fmt: skip

Headers = Mapping[str, Sequence[str]]
"""Header values by lower-case name, in the order in which they came."""


@dataclass(frozen=True)
class Destination:
    """Names by which clients may address a server.

    `addresses` are those that it listens on, `names` those that its operator lists, each with its port or without. A
    page counts as ours under the very name and port that it was asked by, or that is listed: on another port of the
    same machine may be anyone's page.
    """

    addresses: frozenset[str]
    names: frozenset[str] = frozenset()

    def owns(self, host: str) -> bool:
        """True where `host`, such as `localhost:8008` or `[::1]`, is a name of this server."""
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        name = match[1].strip("[]")
        addresses = {address.lower().removeprefix("::ffff:") for address in self.addresses}
        return name in LOOPBACK_NAMES | addresses or not self.names.isdisjoint({match[1], host.lower(), name})


def has_foreign_host(headers: Headers, destination: Destination) -> bool:
    """True where some `Host` is not ours: another site let its own name point at this machine (DNS rebinding).

    A request without `Host` does not come from a browser.
    """
    return any(not destination.owns(host) for host in headers.get("host", ()))


def has_foreign_origin(headers: Headers, method: str, destination: Destination) -> bool:
    """True where the browser reports that a page of another origin sent the request.

    A link from elsewhere may open one of our pages. `Origin: null` proves nothing by itself: our own pages, which send
    no referrer, and sandboxed ones of others have it. It passes with `Sec-Fetch-Site: same-origin`, or as a form, whose
    token decides.
    """
    hosts = {host.lower() for host in headers.get("host", ())}
    sites = {site.lower() for site in headers.get("sec-fetch-site", ())}
    opens_page = (
        method in {"GET", "HEAD"}
        and list(headers.get("sec-fetch-mode", ())) == ["navigate"]
        and list(headers.get("sec-fetch-dest", ())) == ["document"]
    )
    if not sites <= {"same-origin", "none"} and not opens_page:
        return True
    return any(
        not (sites == {"same-origin"} or (not sites and media_type(headers) == "application/x-www-form-urlencoded"))
        if origin == "null"
        else not _is_own(origin.lower(), hosts, destination)
        for origin in headers.get("origin", ())
    )


def media_type(headers: Headers) -> str:
    """Return the content type without its parameters, lower case; empty if there is none or more than one."""
    types = headers.get("content-type", ())
    return types[0].partition(";")[0].strip().lower() if len(types) == 1 else ""


def came_through_proxy(headers: Headers) -> bool:
    """True where a proxy has passed the request on."""
    return any(name in _PROXY_HEADERS or name.startswith("x-forwarded-") for name in headers)


def came_by_tls(headers: Headers, scheme: str) -> bool:
    """True where the client's side of the connection is encrypted, as the scheme or the nearest proxy says."""
    schemes = [value.rpartition(",")[2].strip() for value in headers.get("x-forwarded-proto", ())]
    schemes += [found[1] for value in headers.get("forwarded", ()) for found in _FORWARDED_PROTO.finditer(value)]
    return scheme == "https" or any(each.lower() == "https" for each in schemes)


def _is_own(origin: str, hosts: set[str], destination: Destination) -> bool:
    scheme, _, site = origin.partition("://")
    return scheme in {"http", "https"} and site in hosts | destination.names
