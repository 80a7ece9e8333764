"""Data files inside installed packages, found without importing the package."""

from importlib.util import find_spec
from pathlib import Path

from services.errors import Misconfigured


def data_file(package: str, name: str, *, install: str) -> Path:
    """The file ``name`` of ``package``; raises ``Misconfigured`` saying to ``install`` where it is missing.

    Importing the packages would cost a second and 100 MB for pandas and more, which we don't use.
    """
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, name)
        if path.is_file():
            return path
    msg = f"the sample needs the data inside package {install}, which is not installed: pip install {install}"
    raise Misconfigured(msg)
