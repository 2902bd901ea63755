"""Hypothesis without deadlines (machines are shared), and the same examples on every run of CI."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "shared-machine", deadline=None, derandomize=True, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared-machine")
