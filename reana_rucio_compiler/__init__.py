"""reana-rucio: say ``rucio(instance, scope, name)`` in reana.yaml; get a plain specification that moves the data."""

__version__ = "0.1.0"
