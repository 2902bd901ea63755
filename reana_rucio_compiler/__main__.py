"""``python -m reana_rucio_compiler`` is ``reana-rucio``."""

from .cli import main

main(prog_name="reana-rucio")
