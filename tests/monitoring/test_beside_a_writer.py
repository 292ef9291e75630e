"""A server that is scraped ten times a second beside a process that loads one partition after another."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from monitoring.server import server_of
from monitoring.sources import LedgerSource, Source, Sources
from tests.monitoring.reading import values
from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger, Watermark
from warehouse.paths import PROJECT_ROOT

_PARTITIONS = 40

# Opens and closes the file for each partition, as loads do; says how long it took to have it open, each time.
_WRITER = """
import json, sys, time
from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger, Watermark
took = []
for number in range(int(sys.argv[1])):
    started = time.perf_counter()
    with open_for_writing() as connection:
        took.append(time.perf_counter() - started)
        month = f"{2010 + number // 12}-{number % 12 + 1:02}"
        Ledger(connection).set_watermark("yellow", month, Watermark("1", 7, None, None, Fingerprint("http://x")))
    time.sleep(0.02)
print(json.dumps(took))
"""


def _seconds_to_open() -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", _WRITER, str(_PARTITIONS)], capture_output=True, text=True, cwd=PROJECT_ROOT
    )
    assert done.returncode == 0, done.stderr
    took: list[float] = json.loads(done.stdout)
    return took


def test_the_writer_is_not_slowed_and_every_partition_is_seen(database: Path) -> None:
    with open_for_writing() as connection:
        Ledger(connection).set_watermark("yellow", "2009-12", Watermark("1", 7, None, None, Fingerprint("http://x")))
    alone = _seconds_to_open()
    with open_for_writing() as connection:
        connection.execute("delete from meta.asset_watermarks")
    ledger = LedgerSource()
    # Looked at far more often than a server does.
    sources = Sources((Source("ledger", 0.1, ledger.read),))
    sources.start()
    answers: list[str] = []
    is_over = threading.Event()
    with server_of(sources, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def scrape() -> None:
            while not is_over.wait(0.1):
                with urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=30) as answer:
                    answers.append(answer.read().decode())

        scraper = threading.Thread(target=scrape)
        scraper.start()
        beside = _seconds_to_open()
        wanted, patience = {("yellow",): _PARTITIONS}, time.monotonic() + 60
        while values(answers[-1], "nyc_feed_loaded_partitions") != wanted and time.monotonic() < patience:
            time.sleep(0.1)
        is_over.set()
        scraper.join()
        server.shutdown()
    sources.stop()
    ledger.reader.close()
    assert values(answers[-1], "nyc_feed_loaded_partitions") == wanted
    # The median, for a machine with much else to do: a single one may wait until the reader gets its turn.
    assert median(beside) < 3 * median(alone) + 0.1, (alone, beside)
