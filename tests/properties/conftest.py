"""Hypothesis without deadlines (machines are shared), and the same examples on every run of CI."""

from hypothesis import settings

settings.register_profile("shared-machine", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("shared-machine")
