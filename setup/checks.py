"""Runs all checks in sequence and prints a summary.

    setup/checks.py fast    formatting, dependencies, types, and the build with its lints and documentation
    setup/checks.py all     these and all tests

The other checks run after a failure too, unless they need the failed build. The summary tells the reason of a
check that cannot run on this machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import advisories
from build import CHECKED, WARNED
from tools import REPOSITORY, cargo_tools, chromium, output_of

TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")
COLLOQUY = TARGET / "debug" / "colloquy"
COLLOQUY_DEV = str(TARGET / "debug" / "colloquy-dev")
SETUP = REPOSITORY / "setup"
PYTHON = sys.executable


@dataclass(frozen=True)
class Check:
    name: str
    command: list[str]
    folder: Path = REPOSITORY
    needs_build: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    # The reason why the check cannot run on this machine; empty if it can.
    obstacle: Callable[[], str] = lambda: ""


AUTH, WEB = REPOSITORY / "auth", REPOSITORY / "web"
DENY = ["cargo", "deny", "--offline", "--locked", "--log-level=error", "check", "--hide-inclusion-graph"]
FAST = [
    Check("formatting", ["cargo", "fmt", "--all", "--check"]),
    Check("one version of each package", [PYTHON, str(SETUP / "node_versions.py")]),
    Check("set-up: tests", [PYTHON, "-m", "unittest", "discover", "--start-directory", str(SETUP / "tests")]),
    Check("unused dependencies", ["cargo", "shear"]),
    Check("licences, bans and sources", [*DENY, "licenses", "bans", "sources"]),
    Check("advisories", [*DENY, "advisories"], obstacle=advisories.obstacle),
    Check("accounts: types and style", ["npm", "run", "--silent", "check"], AUTH),
    Check("page: types and style", ["npm", "run", "--silent", "check"], WEB),
]
OK, FAILED, WARNINGS = "ok", "FAILED", "FAILED: warnings"


def without_clippy() -> str:
    """The reason why nothing is linted; empty if clippy is there."""
    there = output_of("clippy-driver", "--version")
    return "" if there else "clippy is missing (rustup component add clippy, or the package rust-clippy)"


# The build compiles without lints where clippy is missing.
CLIPPY = Check("clippy", ["clippy-driver", "--version"], obstacle=without_clippy)
# The packages and targets of the tests: another selection of features would compile crates again.
BUILD = Check(
    "build, lints and documentation",
    [PYTHON, str(SETUP / "build.py"), "--deny-warnings", "--locked", "--workspace", "--all-targets"],
)


def tests() -> list[Check]:
    services = [COLLOQUY_DEV, "services", "--"]
    # The stories start this model, web/e2e/model.js.
    model = {"MODEL_URL": "http://127.0.0.1:18099/v1", "MODEL_NAME": "scripted"}
    log_check = {"LOG_CHECK": str(SETUP / "log_check.py")}
    browser = {"E2E_CHROMIUM": chromium() or "", **model, **log_check}
    # After the stories, the logs must not contain any text that they typed.
    in_browser = 'E2E_BASE_URL="$COLLOQUY_URL" npm run --silent e2e && exec python3 "$LOG_CHECK" "$COLLOQUY_LOGS"'
    openapi = [COLLOQUY_DEV, "run", "--fresh", "--", PYTHON, str(SETUP / "openapi_check.py"), str(COLLOQUY)]
    story = [COLLOQUY_DEV, "run", "--fresh", "--", "sh", "-c", in_browser]
    return [
        Check("generated files", [PYTHON, str(SETUP / "generated.py"), str(COLLOQUY)], needs_build=True),
        Check("alerts and dashboards", [PYTHON, str(SETUP / "monitoring.py")]),
        Check("accounts: tests", [*services, "npm", "test", "--silent"], AUTH, needs_build=True),
        Check("page: tests", ["npm", "test", "--silent"], WEB),
        Check(
            "Rust tests",
            [*services, "cargo", "nextest", "run", "--locked", "--workspace"],
            needs_build=True,
            # A snapshot that differs fails its test and is never written.
            environment={**CHECKED, "INSTA_UPDATE": "no"},
        ),
        Check("the OpenAPI document", openapi, needs_build=True, environment={"MODEL": "quotes"}),
        Check("the story in a browser", story, WEB, needs_build=True, environment=browser),
    ]


def run(check: Check) -> tuple[str, float]:
    print(f"\n── {check.name}: {' '.join(check.command)}", flush=True)
    began = time.monotonic()
    if obstacle := check.obstacle():
        print(f"not run: {obstacle}", flush=True)
        return f"not run: {obstacle}", time.monotonic() - began
    process = subprocess.Popen(check.command, cwd=check.folder, env={**os.environ, **check.environment})
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # The command gets the signal from the terminal too, and stops its services in order.
        process.wait()
        raise
    outcome = {0: OK, WARNED: WARNINGS}.get(code, FAILED) if check is BUILD else (FAILED if code else OK)
    return outcome, time.monotonic() - began


def summary(results: list[tuple[Check, str, float]]) -> str:
    width = max(len(check.name) for check, _, _ in results)
    lines = [f"  {check.name:<{width}}  {seconds:7.1f} s  {outcome}" for check, outcome, seconds in results]
    failed = [check.name for check, outcome, _ in results if outcome in (FAILED, WARNINGS)]
    verdict = f"{len(failed)} of {len(results)} checks failed: {', '.join(failed)}" if failed else "nothing failed"
    return "\n".join(["", *lines, "", verdict])


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the checks and sums them up.")
    parser.add_argument("extent", choices=["fast", "all"])
    checks = [*FAST, CLIPPY, BUILD] if parser.parse_args().extent == "fast" else [*FAST, CLIPPY, BUILD, *tests()]
    os.environ["PATH"] = os.pathsep.join([*map(str, cargo_tools()), os.environ["PATH"]])
    results: list[tuple[Check, str, float]] = []
    built = True
    for check in checks:
        if check.needs_build and not built:
            results.append((check, "not run: the build failed", 0.0))
            continue
        outcome, seconds = run(check)
        results.append((check, outcome, seconds))
        built = built and (check is not BUILD or outcome in (OK, WARNINGS))
    print(summary(results), flush=True)
    sys.exit(1 if any(outcome in (FAILED, WARNINGS) for _, outcome, _ in results) else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
