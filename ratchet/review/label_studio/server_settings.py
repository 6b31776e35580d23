"""Settings of our own Label Studio: loopback, no analytics, no sign-up, no request to an address of this network.

Add here a setting; the server is started by `orchestration/label_studio_server.py`.
"""

from collections.abc import Mapping
from pathlib import Path

SETTINGS: Mapping[str, str] = {
    "LABEL_STUDIO_ALLOWED_HOSTS": "127.0.0.1,localhost",
    "LABEL_STUDIO_CORS_ALLOW_ALL_ORIGINS": "false",
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "LABEL_STUDIO_SSRF_PROTECTION_ENABLED": "true",
    "LABEL_STUDIO_ML_BLOCK_LOCAL_IP": "true",
    "LABEL_STUDIO_ENABLE_LOCAL_FILES_STORAGE": "false",
    "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "false",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    "LABEL_STUDIO_DEBUG": "false",
    "COLLECT_ANALYTICS": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
}
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ")


def server_environment(
    inherited: Mapping[str, str], folder: Path, root: Path, *, url: str, user: str, password: str, token: str
) -> dict[str, str]:
    """Return the whole environment of the server: no variable of ours that may hold a secret of another service."""
    account = {"USERNAME": user, "PASSWORD": password, "USER_TOKEN": token}
    return {
        **{name: inherited[name] for name in _PASSED_ON if name in inherited},
        **SETTINGS,
        **{f"LABEL_STUDIO_{name}": value for name, value in account.items()},
        "LABEL_STUDIO_HOST": url,
        "HOME": str(folder),
        "GIT_CEILING_DIRECTORIES": str(root),  # its page of versions would show commits of ours
    }
