"""Label Studio as a place where the queue is answered: connection, people, and the sentence of its state.

Batches are sent by `label_studio_push.py`, answers are taken by `label_studio_poll.py`. Add here what both need.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ratchet.config.label_studio import LABEL_STUDIO_URL
from ratchet.config.people import persons_by_name
from ratchet.config.secret_variables import LABEL_STUDIO_TOKEN
from ratchet.config.spec import Spec
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.person_names import BadNameError, normalise_name
from ratchet.core.timeouts import LABEL_STUDIO_POLL_S
from ratchet.review.label_studio.sync_state import SyncState, state_of
from ratchet.review.label_studio.transport import Transport
from ratchet.storage.home import Home
from ratchet.storage.keys.request_id_secret import keep_secret
from ratchet.storage.review.label_studio_log import read_events, read_status
from ratchet.storage.review.label_studio_login import read_login
from ratchet.workflows.review.answer import person_of

HOLDER = "label studio"
"""Name under which the queue keeps the batches that are there; nobody answers by it."""
_LOCAL = "@localhost"


@dataclass(frozen=True)
class StudioAccess:
    """Address and token of the server."""

    url: str
    token: str

    def connect(self, longest_s: float = LABEL_STUDIO_POLL_S) -> Transport:
        """Return a connection whose requests together end after `longest_s` seconds."""
        return Transport(self.url, self.token, longest_s=longest_s)


def find_access(home: Home, spec: Spec, environment: Mapping[str, str]) -> StudioAccess:
    """Return where Label Studio is and the token for it: from the environment, else of our own server.

    Raises `RatchetError` where the token is missing.
    """
    login = read_login(home)
    url = (spec.review.label_studio or (login.url if login else LABEL_STUDIO_URL)).rstrip("/")
    given = environment.get(LABEL_STUDIO_TOKEN, "").strip()
    token = given or (login.token if login and login.url == url else "")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise RatchetError(
            f"a usable token for Label Studio at {url} is missing.",
            f"Set {LABEL_STUDIO_TOKEN} to a token of its user, or start one of your own: make label-studio.",
            code="no_token",
        )
    return StudioAccess(url, token)


def project_title(name: str) -> str:
    """Return the title of a classifier's project."""
    return f"Ratchet: {name}"[:50]


def project_token(home: Home, name: str, number: int) -> str:
    """Return the token of the classifier's `number`-th project: the same for this home, unlike that of any other."""
    return f"{digest_json([keep_secret(home.secret).hex(), 'label studio', name])[:16]}-{number}"


def annotator_of(spec: Spec, mail: str) -> str:
    """Return the person of a user's mail address; '' where `[people]` lists others only, or the address is unusable.

    `ann@localhost` is the user `ann` of this machine, as at the terminal.
    """
    try:
        listed = normalise_name(mail) in persons_by_name(spec.people)
        return person_of(spec, mail if listed else mail.removesuffix(_LOCAL))
    except (BadNameError, RatchetError):
        return ""


def read_state(home: Home, name: str) -> SyncState:
    """Return what was sent and taken so far."""
    return state_of(read_events(home, name))


def describe_label_studio(home: Home, name: str) -> str:
    """Return one sentence on the project and its newest poll; '' where the project was never made."""
    state, status = read_state(home, name), read_status(home, name)
    if state.project is None:
        return ""
    votes = sum(each.is_vote for each in state.alive)
    parts = [f"{len(state.tasks)} tasks there, {votes} answers, {len(state.open_requests)} open"]
    if trouble := status.get("trouble"):
        parts.append(f"not read since {_minute(status.get('read'))}: {trouble}")
    elif status.get("read"):
        parts.append(f"read {_minute(status['read'])}")
    if state.restored:
        parts.append(f"restored from an older backup, noticed {_minute(state.restored)}: no answer was withdrawn by it")
    if state.lost:
        parts.append(f"{state.lost} tasks were deleted or lost there; their answers are kept")
    if unknown := status.get("unknown"):
        parts.append(f"answers of users without a person in [people] wait: {', '.join(unknown)}")
    return "; ".join(parts)


def _minute(ts: object) -> str:
    try:
        return datetime.fromisoformat(str(ts)).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return "the project was made"
