"""``python -m services.archive.front``: the embedded archive, as a process of its own."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from services.archive.front.config import MEMORY_BYTES
from services.archive.front.engine import Engine
from services.archive.front.request import Credentials
from services.archive.front.server import Front
from services.errors import Misconfigured
from services.priority import BEHIND, stand_back

USER = "touchline"


def main() -> int:
    """Serve until SIGTERM or SIGINT; 0 then, 1 when it can't start or has to start anew."""
    given = _arguments()
    stand_back(BEHIND)
    is_broken = threading.Event()

    def start_anew() -> None:
        is_broken.set()
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        credentials = Credentials(USER, _password(given.password_file))
        with Engine(
            given.data_dir.absolute(),
            given.memory_mb << 20,
            start_anew=start_anew,
        ) as engine:
            front = Front((given.host, given.port), engine, credentials)
            _stop_on_signals(front)
            sys.stdout.write(f"archive: http://{given.host}:{front.port}\n")
            sys.stdout.flush()
            front.serve_forever(poll_interval=0.1)
            front.server_close()
    except (Misconfigured, OSError) as problem:
        sys.stderr.write(f"archive: {problem}\n")
        return 1
    if is_broken.is_set():
        sys.stderr.write("archive: a part is broken, which is set aside at the next start\n")
    return int(is_broken.is_set())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.archive.front", description=__doc__)
    parser.add_argument(
        "--data-dir", type=Path, required=True, help="chdb's folder; made when missing"
    )
    parser.add_argument(
        "--port", type=int, required=True, help="0 takes a free one, and says which"
    )
    parser.add_argument(
        "--password-file", type=Path, required=True, help=f"the password of user {USER}"
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument(
        "--memory-mb", type=int, default=MEMORY_BYTES >> 20, help="for all queries together"
    )
    return parser.parse_args()


def _password(file: Path) -> str:
    password = file.read_text().strip()
    if not password:
        raise Misconfigured(f"{file} is empty; put the archive's password into it, mode 0600")
    return password


def _stop_on_signals(front: Front) -> None:
    def stop(*_: object) -> None:
        # `shutdown` waits for `serve_forever`, which this very thread runs.
        threading.Thread(target=front.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(main())
