"""Take the pictures of README.md: the home page of a gateway over a home, in light and dark, by Chromium.

`make screenshot` takes them of the demo's home; `python -m benchmarks.screenshot HOME` of another one.
"""

import argparse
import io
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from benchmarks.settings_page import ROOT
from ratchet.core.errors import UsageError

FOLDER = "docs/pictures"
MAX_BYTES = 150_000
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_WIDTH, _HEIGHT = 760, 660
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def take(home: Path, folder: Path) -> list[Path]:
    """Write both pictures of the home page of `home` into `folder`; return them.

    Raises `UsageError` where no browser is found, or a picture is too large for a README.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    binary = os.environ.get("RATCHET_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if binary is None:
        raise UsageError("Chromium is not on PATH.", "Install chromium, or set RATCHET_CHROMIUM to a binary.")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with _served(home) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu"])
        for scheme in SCHEMES:
            page = browser.new_page(color_scheme=scheme, viewport={"width": _WIDTH, "height": _HEIGHT})
            page.goto(f"{address}/")
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(128)
            path = folder / f"home_{scheme}.png"
            picture.save(path, optimize=True)
            if path.stat().st_size > MAX_BYTES:
                raise UsageError(f"{path} has {path.stat().st_size} bytes.", f"Make it smaller than {MAX_BYTES}.")
            written.append(path)
        browser.close()
    return written


@contextmanager
def _served(home: Path) -> Iterator[str]:
    """Serve a copy of the home on a free port of loopback, without keys; yield its address."""
    import uvicorn

    from gateway.app import create_app
    from gateway.settings import Settings

    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("dagster", "keys.json", "gateways"))
        server = uvicorn.Server(
            uvicorn.Config(create_app(Settings.model_validate({"home": copy, "open": True})), log_level="warning")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def main() -> int:
    """Take the pictures; return 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("home", nargs="?", type=Path, default=ROOT / "data" / "demo")
    for path in take(parser.parse_args().home, ROOT / FOLDER):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
