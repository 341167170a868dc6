"""Runs all checks, most of them in sequence, and prints a summary.

    setup/checks.py fast    formatting, dependencies, types, and the build with its lints and documentation
    setup/checks.py all     these and all tests

The other checks run after a failure too, unless they need the failed build. The summary tells the reason of a
check that cannot run on this machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO

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


# Checks that run beside each other: those of a lane in sequence.
Lanes = list[list[Check]]


@dataclass(frozen=True)
class Result:
    check: Check
    outcome: str
    seconds: float

    def has_failed(self) -> bool:
        return self.outcome in (FAILED, WARNINGS)


AUTH, WEB = REPOSITORY / "auth", REPOSITORY / "web"
DENY = ["cargo", "deny", "--offline", "--locked", "--log-level=error", "check", "--hide-inclusion-graph"]
FAST = [
    Check("formatting", ["cargo", "fmt", "--all", "--check"]),
    Check("one version of each package", [PYTHON, str(SETUP / "node_versions.py")]),
    Check("set-up: tests", [PYTHON, "-m", "unittest", "discover", "--start-directory", str(SETUP / "tests")]),
    Check("unused dependencies", ["cargo", "shear"]),
    Check("licences, bans and sources", [*DENY, "licenses", "bans", "sources"]),
    Check("advisories", [*DENY, "advisories"], obstacle=advisories.obstacle),
]
ACCOUNTS_TYPES = Check("accounts: types and style", ["npm", "run", "--silent", "check"], AUTH)
PAGE_TYPES = Check("page: types and style", ["npm", "run", "--silent", "check"], WEB)
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


def tests() -> list[Check | Lanes]:
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
        [
            [
                Check("accounts: tests", [*services, "npm", "test", "--silent"], AUTH, needs_build=True),
                ACCOUNTS_TYPES,
                Check("page: tests", ["npm", "test", "--silent"], WEB),
                PAGE_TYPES,
            ],
            [Check("the OpenAPI document", openapi, needs_build=True, environment={"MODEL": "quotes"})],
        ],
        Check(
            "Rust tests",
            [*services, "cargo", "nextest", "run", "--locked", "--workspace"],
            needs_build=True,
            # A snapshot that differs fails its test and is never written.
            environment={**CHECKED, "INSTA_UPDATE": "no"},
        ),
        Check("the story in a browser", story, WEB, needs_build=True, environment=browser),
    ]


def run(check: Check, output: IO[bytes] | None = None) -> Result:
    began = time.monotonic()
    if obstacle := check.obstacle():
        print(f"not run: {obstacle}", flush=True)
        return Result(check, f"not run: {obstacle}", time.monotonic() - began)
    environment = {**os.environ, **check.environment}
    process = subprocess.Popen(check.command, cwd=check.folder, env=environment, stdout=output, stderr=output)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # The command gets the signal from the terminal too, and stops its services in order.
        process.wait()
        raise
    outcome = {0: OK, WARNED: WARNINGS}.get(code, FAILED) if check is BUILD else (FAILED if code else OK)
    return Result(check, outcome, time.monotonic() - began)


def run_with_heading(check: Check) -> Result:
    print(heading(check), flush=True)
    return run(check)


def heading(check: Check) -> str:
    return f"\n── {check.name}: {' '.join(check.command)}"


def run_lanes(lanes: Lanes) -> list[Result]:
    """Runs each lane in sequence, beside the others. The output of a check is printed when it ends."""
    printing = Lock()

    def run_lane(lane: list[Check]) -> list[Result]:
        results = []
        for check in lane:
            with tempfile.TemporaryFile() as output:
                results.append(run(check, output))
                output.seek(0)
                with printing:
                    print(heading(check), flush=True)
                    shutil.copyfileobj(output, sys.stdout.buffer)
                    sys.stdout.flush()
        return results

    with ThreadPoolExecutor(len(lanes)) as threads:
        return [result for results in threads.map(run_lane, lanes) for result in results]


def summary(results: list[Result]) -> str:
    width = max(len(result.check.name) for result in results)
    lines = [f"  {result.check.name:<{width}}  {result.seconds:7.1f} s  {result.outcome}" for result in results]
    failed = [result.check.name for result in results if result.has_failed()]
    verdict = f"{len(failed)} of {len(results)} checks failed: {', '.join(failed)}" if failed else "nothing failed"
    return "\n".join(["", *lines, "", verdict])


def unbuilt(check: Check) -> Result:
    return Result(check, "not run: the build failed", 0.0)


def run_all(checks: list[Check | Lanes]) -> list[Result]:
    results: list[Result] = []
    is_built = True
    for step in checks:
        if isinstance(step, list):
            results += run_lanes(step) if is_built else [unbuilt(check) for lane in step for check in lane]
        elif step.needs_build and not is_built:
            results.append(unbuilt(step))
        else:
            results.append(run_with_heading(step))
            is_built = is_built and (step is not BUILD or results[-1].outcome in (OK, WARNINGS))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the checks and sums them up.")
    parser.add_argument("extent", choices=["fast", "all"])
    more = [ACCOUNTS_TYPES, PAGE_TYPES] if parser.parse_args().extent == "fast" else tests()
    os.environ["PATH"] = os.pathsep.join([*map(str, cargo_tools()), os.environ["PATH"]])
    results = run_all([*FAST, CLIPPY, BUILD, *more])
    print(summary(results), flush=True)
    sys.exit(1 if any(result.has_failed() for result in results) else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
