"""How hard property tests try: `dev` by default, `ci` alike every time, `fuzz` for `make fuzz`."""

import os

from hypothesis import HealthCheck, settings


def load() -> None:
    """Register the profiles and choose `ci` where CI is set; `--hypothesis-profile` still wins.

    No profile has a deadline: a busy machine is not a failure.
    """
    slow = (HealthCheck.too_slow,)
    settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=slow)
    settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
    settings.register_profile("fuzz", settings.get_profile("dev"), max_examples=5_000)
    settings.load_profile("ci" if os.environ.get("CI") else "dev")


def examples() -> int:
    """How many of them the profile that was chosen wants of a property."""
    return settings().max_examples
