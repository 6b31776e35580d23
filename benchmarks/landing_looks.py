"""Measure what a look at a landing folder costs where nothing has arrived, by the number of segments that ever landed.

Run `python -m benchmarks.landing_looks`. Sensors look every minute, and a gateway seals a segment a minute: the look
must not grow as it did when each segment was read about and looked at anew. Both ways run in turn in one process.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ratchet.config.spec import Label, Spec
from ratchet.core.digests import canonical_json
from ratchet.ingest.ingested_files import IngestedFiles
from ratchet.ingest.landing import Landing
from ratchet.ingest.manifest import read_manifest
from ratchet.ingest.rebuild import open_warehouse
from ratchet.ingest.segment_names import unchanged
from ratchet.storage.home import Home

NAME = "looks"
SPEC = Spec(NAME, (Label("a"), Label("b")))


def fill(home: Home, segments: int) -> Landing:
    """Make a landing folder with so many segments, each done."""
    folder = home.landing(NAME, "production_logs")
    folder.mkdir(parents=True)
    landing, lines, rows = Landing(home, open_warehouse(home, NAME)), [], []
    for number in range(segments):
        digest = f"{number:064x}"[::-1]
        path = folder / f"gateway-{digest[:16]}.parquet"
        path.write_bytes(b"x")
        entry = {"seq": number + 1, "kind": "production_logs", "file": path.name, "sha256": digest, "bytes": 1}
        terms = {"mtime_ns": path.stat().st_mtime_ns, "labels": ["a", "b"], "max_text_chars": 10}
        lines.append(canonical_json({**entry, **terms, "now": "2026-03-01T00:00:00+00:00"}))
        rows.append((NAME, "production_logs", path.name, digest, 1, 0, 0, False))
    with landing.warehouse.connect() as connection:
        connection.executemany("INSERT INTO ingested_files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    home.manifest(NAME).write_text("".join(f"{line}\n" for line in lines))
    return landing


def look_at_each(landing: Landing) -> None:
    """Look as earlier versions did: the whole manifest is parsed, and each file's length and time are asked for."""
    home = landing.home
    with landing.warehouse.connect() as connection:
        known = {each.file: each for each in read_manifest(home.manifest(NAME))}
        IngestedFiles(connection, NAME).done("production_logs")
        for path in home.landing(NAME, "production_logs").iterdir():
            if not unchanged(path, known[path.name]):
                raise SystemExit(f"{path} changed under the measurement")


def median_ms(look: Callable[[], object], turns: int = 7) -> float:
    """Return the median of processor milliseconds of a look; the first does not count."""
    look()
    spent = []
    for _ in range(turns):
        before = time.process_time()
        look()
        spent.append(1000 * (time.process_time() - before))
    return statistics.median(spent)


def main() -> None:
    """Print a line for each number of segments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, nargs="+", default=[100, 1000, 10_000])
    for segments in parser.parse_args().segments:
        with tempfile.TemporaryDirectory() as folder:
            landing = fill(Home(Path(folder)), segments)
            time.sleep(2.5)  # a folder that changed a moment ago is not yet taken for quiet
            if landing.take(SPEC):
                raise SystemExit("something arrived, so this is not an idle look")
            now, then = median_ms(partial(landing.take, SPEC)), median_ms(partial(look_at_each, landing))
            print(f"{segments:6} segments: {now:6.1f} ms, looking at each {then:6.1f} ms ({then / now:.1f} times)")


if __name__ == "__main__":
    main()
