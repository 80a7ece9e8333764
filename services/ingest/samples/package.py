"""Data files inside installed packages, found without importing the package."""

from importlib.util import find_spec
from pathlib import Path

from services.errors import Misconfigured


def data_file(package: str, name: str, *, install: str) -> Path:
    """The file ``name`` of ``package``; raises ``Misconfigured`` where it is not installed.

    Importing the packages would cost a second and 100 MB for pandas and more, which we don't use.
    """
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, name)
        if path.is_file():
            return path
    raise Misconfigured(
        f"the sample's data is inside the package {install}, which is not installed; "
        "install touchline[samples]"
    )
