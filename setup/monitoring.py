"""Checks deploy/monitoring: rules and their tests by promtool, the queries of the dashboards, and that every alert has a
section in the runbook and a test. Every metric that a rule or a dashboard names is in docs/metrics.md, which a test
compares with a scrape of the running product.

    setup/monitoring.py
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import REPOSITORY

MONITORING = REPOSITORY / "deploy" / "monitoring"
REFERENCE = REPOSITORY / "docs" / "metrics.md"
RUNBOOK = REPOSITORY / "docs" / "runbook.md"
# What Prometheus adds to the name of a histogram.
SUFFIXES = ("_bucket", "_sum", "_count")
METRIC = re.compile(r"\bcolloquy_[a-z0-9_]+")


def documented() -> dict[str, str]:
    """The kind of each metric, by its name."""
    return dict(re.findall(r"^\| `(colloquy_\w+)` \| (\w+) \|", REFERENCE.read_text(), re.MULTILINE))


def is_known(name: str, known: dict[str, str]) -> bool:
    return name in known or any(
        known.get(name.removesuffix(suffix)) == "histogram" for suffix in SUFFIXES if name.endswith(suffix)
    )


def queries() -> dict[str, list[str]]:
    """The queries of each dashboard."""
    boards = {path.name: json.loads(path.read_text()) for path in sorted(MONITORING.glob("dashboards/*.json"))}
    return {
        name: [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        for name, board in boards.items()
    }


def promtool(*arguments: str) -> list[str]:
    """What promtool complains of."""
    done = subprocess.run(["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"promtool {' '.join(arguments)}: {done.stdout}{done.stderr}"]


def parsed_by_promtool(boards: dict[str, list[str]]) -> list[str]:
    """Checks the queries as if they were recording rules."""
    rules = [
        {"record": f"q{number}", "expr": query}
        for number, query in enumerate(query for board in boards.values() for query in board)
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        # Each JSON document is a YAML document.
        json.dump({"groups": [{"name": "dashboards", "rules": rules}]}, file)
        file.flush()
        return promtool("check", "rules", file.name)


def problems() -> list[str]:
    found = [*promtool("check", "rules", "rules.yaml"), *promtool("test", "rules", "rules_test.yaml")]
    boards, rules = queries(), (MONITORING / "rules.yaml").read_text()
    found += parsed_by_promtool(boards)
    known, texts = documented(), {"rules.yaml": rules, **{name: "\n".join(of) for name, of in boards.items()}}
    for name, text in texts.items():
        unknown = sorted({metric for metric in METRIC.findall(text) if not is_known(metric, known)})
        found += [f"{name} names {metric}, which does not exist" for metric in unknown]
    shown = set(METRIC.findall("\n".join(texts.values())))
    stripped = shown | {name.removesuffix(suffix) for name in shown for suffix in SUFFIXES}
    found += [f"no dashboard and no rule shows {metric}" for metric in sorted(set(known) - stripped)]
    tests = (MONITORING / "rules_test.yaml").read_text()
    sections = {heading.lower() for heading in re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE)}
    for alert in re.findall(r"alert: (\w+)", rules):
        if f"alertname: {alert}\n" not in tests:
            found.append(f"{alert} has no test in rules_test.yaml")
        if alert.lower() not in sections:
            found.append(f"{alert} has no section in docs/runbook.md")
    return found


def main() -> None:
    if not shutil.which("promtool"):
        sys.exit("promtool is missing: `setup/prepare test` installs it (Debian's package prometheus)")
    if found := problems():
        sys.exit("\n".join(found))
    print("the alerts and dashboards are right")


if __name__ == "__main__":
    main()
