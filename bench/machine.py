"""What every benchmark prints first: the machine and the versions its figures hold for."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path


def banner(name: str, *packages: str) -> None:
    """Print the machine, Python, and the versions of ``packages``."""
    kernel = f"{platform.system()} {platform.release()}"
    print(f"# {name}: {_processor()}, {os.cpu_count()} cores, {kernel}")
    versions = ", ".join(
        f"{package} {version(package)}" for package in ("psycopg", "pydantic", "msgspec", *packages)
    )
    print(f"# Python {sys.version.split()[0]}, {versions}")
    print(f"# load average {os.getloadavg()[0]:.1f}: what others do slows all of this down")


def cpu_s(pid: int) -> float:
    """Seconds of CPU that another process has had, as the kernel's scheduler counts them."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _processor() -> str:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        return next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
            "unknown",
        )
