"""``python -m tekil`` is ``tekil``."""

from tekil.cli import main

main()
