"""The app: every route of query, as one router for the application that composes them."""

from fastapi import APIRouter

from services.query import (
    adjustments,
    alert_acts,
    alert_rules,
    alerts,
    balance,
    customer,
    customer_lifecycle,
    customers,
    dead_letters,
    decisions,
    deliveries,
    identity,
    lifecycle,
    loyalty,
    policies,
    redemptions,
    regroup,
    rewards,
    scores,
    statement,
    status,
    targets,
    timeline,
    voids,
)
from services.query.desk import Desk


def router(desk: Desk) -> APIRouter:
    """All of query; the application around it is made with ``services.edge.compose.with_edge``."""
    query = APIRouter()
    for noun in (customers, customer, timeline, identity, regroup, dead_letters, status):
        query.include_router(noun.router(desk))
    for noun in (customer_lifecycle, balance, scores, statement, lifecycle, loyalty, decisions):
        query.include_router(noun.router(desk))
    for noun in (alert_rules, alerts, alert_acts):
        query.include_router(noun.router(desk))
    for command in (redemptions, rewards, adjustments, voids, policies, targets, deliveries):
        query.include_router(command.router(desk))
    return query
