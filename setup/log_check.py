"""Nothing that people typed, no password, no token and no address of theirs is in the logs of a run.

    setup/log_check.py <folder of logs>

What was typed is taken from the stories themselves (web/e2e): whatever they ask, fill in or sign in with.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools import REPOSITORY

STORIES = REPOSITORY / "web" / "e2e"
# Shorter words stand in every log.
SHORTEST = 8
TYPED = re.compile(r"""(?:\b(?:ask|fill|pressSequentially)\([^)"]*|\bconst [A-Z_]+ = )"((?:[^"\\]|\\.)+)\"""")
SECRETS = {
    "a JWT": re.compile(rb"eyJ[A-Za-z0-9_-]{8,}"),
    "a bearer token": re.compile(rb"(?i)bearer\s+[A-Za-z0-9._-]{16,}"),
    "a session token": re.compile(rb"session_token=[^;\s]"),
    "an e-mail address": re.compile(rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}"),
    "a database password": re.compile(rb"postgres(?:ql)?://[^:/\s]+:[^@/\s]+@"),
}


def typed() -> set[str]:
    """What the stories type that is long enough to be told apart."""
    texts = {text for story in STORIES.glob("*.ts") for text in TYPED.findall(story.read_text())}
    return {text for text in texts if len(text) >= SHORTEST}


def findings(log: Path, texts: set[str]) -> list[str]:
    """What must not be in a log and is, with the line but without what it says."""
    found = []
    for number, line in enumerate(log.read_bytes().splitlines(), 1):
        lower = line.lower()
        kinds = [kind for kind, pattern in SECRETS.items() if pattern.search(line)]
        kinds += [f"the typed text {text!r}" for text in sorted(texts) if text.lower().encode() in lower]
        found += [f"{log.name}:{number}: {kind}" for kind in kinds]
    return found


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("setup/log_check.py: name the folder with the logs")
    logs = sorted(Path(sys.argv[1]).glob("*.log*"))
    texts = typed()
    if len(texts) < 10 or not any(log.stat().st_size for log in logs):
        sys.exit("setup/log_check.py: there is nothing to look for, or nothing to look through")
    found = [finding for log in logs for finding in findings(log, texts)]
    lines = sum(log.read_bytes().count(b"\n") for log in logs)
    print(f"  {len(logs)} logs, {lines} lines, {len(texts)} typed texts: {len(found)} findings", flush=True)
    if found:
        sys.exit("\n".join(["What must not be in a log is there:", *found[:40]]))


if __name__ == "__main__":
    main()
