"""The app: every route of ingest, as one router for the application that composes them."""

from fastapi import APIRouter

from services.ingest.catalogue import add_catalogue
from services.ingest.cloudevents import add_cloudevents
from services.ingest.door import Door
from services.ingest.routes import add_events


def router(door: Door) -> APIRouter:
    """All of ingest; the application around it is made with ``services.edge.compose.with_edge``."""
    # One flat router: a router inside a router costs every request 20 µs.
    routes = APIRouter()
    add_events(routes, door)
    add_cloudevents(routes, door)
    add_catalogue(routes)
    return routes
