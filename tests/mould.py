"""A PostgreSQL that is made once, and copied for who would make one of its own."""

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from services.data_dir import DataDir
from services.store.embedded import EmbeddedPostgres


def moulded(data_dir: Path) -> None:
    """Put a copy into ``data_dir`` if nothing is there yet: as after a first start, at rest."""
    if data_dir.exists():
        return
    place = DataDir.at(data_dir)
    for part in ("postgres", "keys"):
        # With its owners: as root, PostgreSQL is another user's.
        subprocess.run(["cp", "-a", _mould() / part, place.path / part], check=True)


@cache
def _mould() -> Path:
    place = Path(tempfile.mkdtemp(prefix="touchline-mould-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    server = EmbeddedPostgres(place, overrides={"fsync": "off", "min_wal_size": "32MB"})
    server.start()
    server.stop()
    (place / "keys" / "postgres.port").unlink()
    return place
