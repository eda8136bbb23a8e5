"""The real server with its pipeline held back, to see what accepting alone can do.

In one process the pipeline begins to work as soon as the first request is stored, so from outside
the two cannot be told apart. Everything else is ``tekil serve``: the same HTTP server, the same
checks, the same inbox.
"""

from __future__ import annotations

from tekil.cli import main
from tekil.pipeline.loop import PipelineLoop


def hold(_loop: PipelineLoop) -> None:
    """Do not begin."""


if __name__ == "__main__":
    PipelineLoop.start = hold  # type: ignore[method-assign, assignment]
    main()
