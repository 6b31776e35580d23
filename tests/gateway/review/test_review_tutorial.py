"""The tutorial of docs/how-to/review.md: its commands, run by a real shell against a real gateway."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.settings import Settings
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "review.md"
COMPLAINT = "a user says the answer is wrong"
COMMAND = re.compile(r"^(curl .+)\n(\{.+)?", re.MULTILINE)


@pytest.mark.feature(39)
def test_the_commands_of_the_tutorial_print_what_it_says(
    home: Home, over_socket: Callable[[Settings], str], tmp_path: Path
) -> None:
    """From an answer to its label: each command as it stands, but for address, classifier, label and ids."""
    curl = shutil.which("curl")
    if curl is None or subprocess.run([curl, "--json", "{}", "--version"], capture_output=True).returncode:
        pytest.skip("no curl that knows --json (7.82)")
    keys = Keys(home.keys)
    environment = {
        "APP": keys.add("app", ("classify", "feedback")), "ANN": keys.add("ann", ("review",)), "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
    }  # fmt: skip
    address = over_socket(Settings(home=home.root, ballast_bytes=0)).removeprefix("http://")
    text = PAGE.read_text(encoding="utf-8")
    text = text.replace("localhost:8008", address).replace("tickets", "small").replace("card_delivery", "green")
    ids: dict[str, str] = {}

    def fill(words: str) -> str:
        return re.sub(r"\b(ID|BATCH)\b", lambda found: ids.get(found[1], found[1]), words)

    ran = COMMAND.findall(text)
    assert [bool(printed) for _, printed in ran] == [False, False, True, True]
    until = time.monotonic() + 60
    for command, printed in ran:
        while True:
            assert time.monotonic() < until
            done = subprocess.run(["bash", "-c", fill(command)], env=environment, capture_output=True, check=True)
            reply = json.loads(done.stdout)
            if not (command.count("/next ") and COMPLAINT not in str(reply)):
                break
            threading.Event().wait(0.02)  # the queue takes a complaint within a second
        ids.setdefault("ID", reply.get("request_id", ""))
        if reply.get("item"):
            ids["BATCH"] = reply["item"]["batch"]
            reply["item"]["reasons"] = [COMPLAINT]  # the draw and a low confidence may be others
        if printed:
            assert reply == json.loads(fill(printed))
