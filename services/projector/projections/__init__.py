"""Read models: one module each; this is their registry."""

from typing import Final

from services.projector.projections.profile import PROFILE

PROJECTIONS: Final = (PROFILE,)
"""Every projection that is folded; a new one is a module, a migration and a line here."""
