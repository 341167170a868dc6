"""The database of security advisories for `cargo deny`: a copy in cargo's folder, updated if its origin can
be reached."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

FETCH_SECONDS = 60


def copy() -> Path | None:
    """The newest copy of the database, if there is one."""
    cargo = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    copies = [folder for folder in cargo.glob("advisory-dbs/*") if folder.is_dir()]
    return max(copies, key=lambda folder: folder.stat().st_mtime, default=None)


def obstacle() -> str:
    """The reason why advisories cannot be checked; empty if there is a copy, even an old one."""
    fetch = ["cargo", "deny", "--log-level=off", "fetch", "db"]
    try:
        subprocess.run(fetch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    return "" if copy() else "there is no copy of the advisory database, and its origin cannot be reached"
