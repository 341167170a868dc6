"""Checks that the logs of a run contain no text that users typed, no password, no token and no e-mail
address.

    setup/log_check.py <folder of logs>

The typed texts are taken from the stories (web/e2e): questions, form fields and credentials.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools import REPOSITORY

STORIES = REPOSITORY / "web" / "e2e"
# Shorter words occur in every log.
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
    """The texts in the stories that are long enough to be distinctive."""
    texts = {text for story in STORIES.glob("*.ts") for text in TYPED.findall(story.read_text())}
    return {text for text in texts if len(text) >= SHORTEST}


def findings(log: Path, texts: set[str]) -> list[str]:
    """The forbidden contents of a log, with line numbers but without the text of the lines."""
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
        sys.exit("setup/log_check.py: the stories have no typed texts, or the logs are empty")
    found = [finding for log in logs for finding in findings(log, texts)]
    lines = sum(log.read_bytes().count(b"\n") for log in logs)
    print(f"  {len(logs)} logs, {lines} lines, {len(texts)} typed texts: {len(found)} findings", flush=True)
    if found:
        sys.exit("\n".join(["The logs contain forbidden texts:", *found[:40]]))


if __name__ == "__main__":
    main()
