"""The app: every route of query, as one router for the application that composes them."""

from fastapi import APIRouter

from services.query import (
    customer,
    customers,
    dead_letters,
    identity,
    regroup,
    status,
    timeline,
)
from services.query.desk import Desk


def router(desk: Desk) -> APIRouter:
    """All of query; the application around it is made with ``services.edge.compose.with_edge``."""
    query = APIRouter()
    for noun in (customers, customer, timeline, identity, regroup, dead_letters, status):
        query.include_router(noun.router(desk))
    return query
