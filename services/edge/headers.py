"""Headers of ours: what was written, how far reads are behind, what a read waits for."""

from typing import Final

POSITION: Final = "Touchline-Position"
LAG: Final = "Touchline-Lag"
WAIT_FOR: Final = "Touchline-Wait-For"
