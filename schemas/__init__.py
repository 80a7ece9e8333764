"""The language: every event type that may be recorded, in three unions by who may append it."""

from typing import Final, TypeAlias, get_args

from schemas.custom import Custom
from schemas.purchase import PurchaseCancelled, PurchaseCompleted, PurchaseRefunded

Touchpoint: TypeAlias = Custom
"""Any key that writes may append these."""

Business: TypeAlias = PurchaseCompleted | PurchaseRefunded | PurchaseCancelled
"""Servers append these; from a browser key they are kept but never counted."""

Control: TypeAlias = None
"""Only our own commands and folds append these."""

Data: TypeAlias = Touchpoint | Business | Control
TOUCHPOINTS: Final = {kind.type: kind for kind in get_args(Touchpoint)}
