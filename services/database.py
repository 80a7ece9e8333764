"""``python -m services.database start|stop DIR``: the embedded server, as a supervisor asks."""

import sys
from collections.abc import Sequence

from services.addresses import release
from services.data_dir import DataDir
from services.store.embedded import EmbeddedPostgres


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    """Start it, or stop it where no command uses it."""
    match list(arguments):
        case ["start", place]:
            EmbeddedPostgres(place).start()
        case ["stop", place]:
            release(DataDir.at(place))
        case _:
            sys.exit("python -m services.database start|stop DIR")


if __name__ == "__main__":
    main()
