"""Optimizes the engine files in a folder that no other process uses: `python -m qdrant.optimize <folder>`."""

from __future__ import annotations

import os
import sys

from qdrant_edge import EdgeShard

from .optimization import NOTHING_TO_DO


def main() -> int:
    # Lower priority than the processes that answer requests.
    os.nice(10)
    engine = EdgeShard.load(sys.argv[1])
    optimized = engine.optimize()
    engine.close()
    return 0 if optimized else NOTHING_TO_DO


if __name__ == "__main__":
    sys.exit(main())
