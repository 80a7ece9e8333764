"""Read models: one module or package each; this is their registry."""

from typing import Final

from services.fold.read_models import ReadModels
from services.projector.projections.lifecycle.model import ACTIVITY, DAYS, LIFECYCLE
from services.projector.projections.loyalty.model import LEDGER, LOYALTY
from services.projector.projections.profile import PROFILE

READ_MODELS: Final = ReadModels(
    projections=(PROFILE, ACTIVITY), courses=((LIFECYCLE, DAYS), (LOYALTY, LEDGER))
)
"""All that is folded; a new projection is a module, a migration and a line here."""
