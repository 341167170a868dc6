"""Each overlay in deploy/kubernetes is rendered by kubectl, and each object fits the schemas of Kubernetes.

Only PodMonitor, a custom resource, has no schema.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packages import packages
from report import not_here
from tools import REPOSITORY, apt_install

OVERLAYS = REPOSITORY / "deploy" / "kubernetes" / "overlays"
WITHOUT_SCHEMA = {"PodMonitor"}
# Kinds that a release has to have, by overlay.
EXPECTED = {
    "small": {"Deployment": 5, "Service": 2, "NetworkPolicy": 6, "Job": 1, "ConfigMap": 1, "PodMonitor": 1},
    "scaled": {"Deployment": 5, "HorizontalPodAutoscaler": 2, "PodDisruptionBudget": 5, "Ingress": 1, "PodMonitor": 1},
}


def rendered(overlay: Path) -> str:
    done = subprocess.run(["kubectl", "kustomize", str(overlay)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{overlay.name} cannot be rendered: {done.stderr}")
    return done.stdout


def problems(overlay: str, text: str, python_path: Path) -> list[str]:
    """What is wrong with rendered objects."""
    kinds = re.findall(r"^kind: (\w+)$", text, re.M)
    found = [f"{count} {kind} expected, not {kinds.count(kind)}" for kind, count in EXPECTED[overlay].items() if kinds.count(kind) != count]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix=f"{overlay}-") as file:
        file.write(text)
        file.flush()
        command = [sys.executable, "-m", "kubernetes_validate", "--strict", file.name]
        environment = {**os.environ, "PYTHONPATH": str(python_path)}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    lines = done.stdout.splitlines()
    passed = [line for line in lines if line.startswith("INFO") and " passed " in line]
    without = [kind for line in lines for kind in re.findall(r"Couldn't find schema for kind (\w+)", line)]
    found += [f"{kind} has no schema" for kind in without if kind not in WITHOUT_SCHEMA]
    found += [line for line in lines if line not in passed and "Couldn't find schema" not in line]
    if len(passed) + len(without) != len(kinds):
        found.append(f"{len(kinds)} objects, but {len(passed)} of them checked")
    print(f"  {overlay}: {len(passed)} objects fit their schemas; without a schema: {', '.join(without)}")
    return found


def main() -> None:
    if not shutil.which("kubectl") and not apt_install(["kubernetes-client"]):
        not_here("kubectl is missing, and apt cannot install it without root (Debian: apt-get install kubernetes-client)")
    python_path = packages("release", REPOSITORY / "setup" / "release" / "requirements.txt")
    found = [
        f"{overlay.name}: {problem}"
        for overlay in sorted(OVERLAYS.iterdir())
        for problem in problems(overlay.name, rendered(overlay), python_path)
    ]
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
