"""The app: every route of ingest, as one router for the application that composes them."""

from fastapi import APIRouter

from services.ingest import catalogue, routes
from services.ingest.door import Door


def router(door: Door) -> APIRouter:
    """All of ingest; the application around it is made with ``services.edge.compose.with_edge``."""
    ingest = APIRouter()
    ingest.include_router(routes.router(door))
    ingest.include_router(catalogue.router())
    return ingest
