"""Trained models, as commands find them: kept, chosen, promoted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from services.main.options import DataDir

if TYPE_CHECKING:
    from services.addresses import Addresses
    from services.commands.promotion import Promotion
    from services.scoring.model.history import Entry
    from services.store.postgres_models import PostgresModels
    from services.store.scores import ModelRow


@contextmanager
def library(
    data_dir: DataDir, workspace: str, *, is_fresh: bool = True
) -> "Iterator[tuple[Addresses, PostgresModels]]":
    """The models; where no platform runs, with all that is in the log scored before."""
    from services.addresses import borrow
    from services.data_dir import running
    from services.log.open import open_log
    from services.main.folding import folding
    from services.main.tenants import workspace_row
    from services.scorer import scoring
    from services.settings import load
    from services.store.postgres_models import PostgresModels
    from services.vault.postgres import PostgresVault

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses:
        workspace_row(addresses, workspace)
        if is_fresh and not settings.store_url and running(settings.data_dir) is None:
            with folding(settings, addresses):
                pass
            url = addresses.store.fold
            with (
                closing(open_log(addresses.log)) as log,
                closing(PostgresVault(url, addresses.master_key)) as vault,
                scoring(url, log, vault) as loop,
            ):
                while loop.once():
                    pass
        yield addresses, PostgresModels(addresses.store.fold)


@contextmanager
def promotion(data_dir: DataDir, addresses: "Addresses") -> "Iterator[Promotion]":
    """What promotes; what it decides is folded, by the platform or by us."""
    from services.clock import SystemClock
    from services.commands.promotion import Promotion
    from services.log.open import open_log
    from services.main.folding import folding
    from services.settings import load
    from services.store.decisions import PostgresDecisions

    with ExitStack() as stack:
        stack.enter_context(folding(load(data_dir=data_dir), addresses))
        decisions = stack.enter_context(closing(PostgresDecisions(addresses.store.query)))
        log = stack.enter_context(closing(open_log(addresses.log)))
        yield Promotion(decisions, log, SystemClock())


def histories(library: "PostgresModels", workspace: str) -> "Iterator[Sequence[Entry]]":
    """Every customer's events, in time order."""
    from services.scoring.kept import history_of, leaves_of

    for _, pages in library.histories(workspace):
        if history := history_of(leaves_of(pages).values()):
            yield history


def scoring(library: "PostgresModels", workspace: str) -> "dict[str, ModelRow]":
    """The models that score now."""
    promoted = library.promoted(workspace)
    return {
        one.model: one
        for one in library.models(workspace)
        if promoted.get(one.model) == one.version
    }


def chosen(
    models: "Sequence[ModelRow]", only: str | None, version: str | None = None
) -> "dict[str, ModelRow]":
    """The newest of each model, or the version that is asked for; raises ``Refused``."""
    from services.errors import Refused
    from services.scoring.trained import MODELS

    if only not in {None, *MODELS}:
        remedy = f"choose one of {', '.join(MODELS)}"
        raise Refused("is no model", remedy, field="model", value=only)
    if version and not only:
        raise Refused("names a version of no model", "name the model too", field="version")
    fitting = [
        one
        for one in reversed(models)
        if only in {None, one.model} and version in {None, one.version}
    ]
    if not fitting:
        raise Refused(
            "was not trained yet", "run touchline scoring train", field="model",
            value=version or only,
        )  # fmt: skip
    return {one.model: one for one in fitting}


def metrics(one: "ModelRow") -> Mapping[str, float]:
    """What the card measures, flat."""
    tested = one.card.get("metrics", {}).get("boosted", {})
    likelihoods = one.card.get("log_likelihood", {})
    return {
        **{name: value for name, value in tested.items() if isinstance(value, int | float)},
        **{f"log_likelihood {name}": value for name, value in likelihoods.items()},
    }
