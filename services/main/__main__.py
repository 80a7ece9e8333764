"""``python -m services.main``: the same as ``touchline``."""

from services.main import app

app()
