"""This build beside that of an earlier commit, forward and back, under load: no failed request, no lost event.

The commit stands in `setup/release/upgrade_from`. Its program is built once and kept in the cache. The scenario is the
test `upgrades::beside_previous`, in which the processes of the one release replace those of the other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cache
from build import CHECKED
from report import not_here, say
from tools import REPOSITORY, output_of

COMMIT = (REPOSITORY / "setup" / "release" / "upgrade_from").read_text().split()[0]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target").resolve()
SCENARIO = "upgrades::beside_previous::no_request_fails_and_no_event_is_lost_while_releases_replace_each_other"


def run(*command: str, folder: Path = REPOSITORY, **environment: str) -> None:
    done = subprocess.run(command, cwd=folder, env={**os.environ, "CARGO_TARGET_DIR": str(TARGET), **environment})
    if done.returncode != 0:
        sys.exit(done.returncode)


def previous() -> tuple[Path, Path]:
    """The program of the earlier commit and the folder of its embedding model, which this build reads too."""
    kept = cache.root() / "releases" / COMMIT / "colloquy"
    model = kept.with_name("embedding_model")
    if kept.exists() and model.exists():
        return kept, Path(model.read_text())
    if not output_of("git", "rev-parse", "--verify", "--quiet", f"{COMMIT}^{{commit}}"):
        not_here(f"commit {COMMIT} is not in this checkout: git fetch --unshallow")
    say(f"building commit {COMMIT[:10]}")
    folder = TARGET / "upgrade_from"
    shutil.rmtree(folder, ignore_errors=True)
    run("git", "worktree", "prune")
    run("git", "worktree", "add", "--force", "--detach", str(folder), COMMIT)
    try:
        places = json.loads(subprocess.check_output([sys.executable, "setup/runtime.py"], cwd=folder))
        # The dependencies of both commits are compiled once; the programs would replace each other.
        run("cargo", "build", "--locked", "-p", "colloquy", folder=folder)
        kept.parent.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_suffix(".new")
        shutil.copy2(TARGET / "debug" / "colloquy", unfinished)
        unfinished.replace(kept)
        model.write_text(places["embedding_model"])
    finally:
        run("git", "worktree", "remove", "--force", str(folder))
    return kept, Path(places["embedding_model"])


def quarantines(commit: str) -> bool:
    """Whether processes of the commit go on beside an event that they do not know."""
    return "quarantine" in output_of("git", "ls-tree", "--name-only", commit, "migrations/")


def main() -> None:
    program, model = previous()
    both = quarantines(COMMIT) and quarantines("HEAD")
    if not both:
        say(f"without an unknown event: commit {COMMIT[:10]} or this one has no quarantine")
    run(sys.executable, "setup/build.py", "--checked", "--locked", "--workspace", "--all-targets")
    test = ("cargo", "test", "--locked", "--workspace", "--test", "it", "--")
    exactly = ("--ignored", "--exact", "--nocapture", SCENARIO)
    releases = {"COLLOQUY_PREVIOUS": str(program), "COLLOQUY_UNKNOWN_EVENT": "yes" if both else "no"}
    run(str(TARGET / "debug" / "colloquy-dev"), "services", "--", "env", f"EMBEDDING_MODEL_DIR={model}", *test, *exactly, **releases, **CHECKED)


if __name__ == "__main__":
    main()
