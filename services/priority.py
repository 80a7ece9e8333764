"""Priority: who asks something waits, work behind the scenes need not."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

BEHIND: Final = 5
"""A third of the share of who wants the processor as well; all of it where nobody does."""
FAR_BEHIND: Final = 10
"""A tenth of it. Beside a load that had the same share as others an event took three times as long
to be seen (bench/visible.py)."""


def stand_back(niceness: int) -> None:
    """Let others of this machine go first, for good."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))
        # A desktop's Linux shares its time among sessions before it looks at processes. Each one of
        # the platform leads a session; that of a terminal is not ours to slow down.
        if os.getsid(0) == os.getpid():
            Path("/proc/self/autogroup").write_text(str(niceness))
