"""deploy/compose.yaml has all services of a scaled installation, as docker-compose reads it, and Caddy reads its file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

from report import not_here
from tools import REPOSITORY, apt_install

COMPOSE = REPOSITORY / "deploy" / "compose.yaml"
CADDYFILE = REPOSITORY / "deploy" / "container" / "Caddyfile"
EXPECTED = {"postgres", "nats-1", "nats-2", "nats-3", "qdrant", "accounts", "api-1", "api-2", "worker-1", "worker-2", "caddy"}


def output(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def main() -> None:
    missing = [name for name in ("docker-compose", "caddy") if not shutil.which(name)]
    if missing and not apt_install(missing):
        not_here(f"apt cannot install {', '.join(missing)} without root")
    read = output("docker-compose", "-f", str(COMPOSE), "config", "--services", POSTGRES_PASSWORD="secret")
    if read.returncode != 0:
        sys.exit(read.stdout)
    services = set(read.stdout.split())
    if not EXPECTED <= services:
        sys.exit(f"services are missing: {', '.join(sorted(EXPECTED - services))}")
    whole = output("docker-compose", "-f", str(COMPOSE), "config", POSTGRES_PASSWORD="secret")
    if whole.returncode != 0 or "read_only: true" not in whole.stdout:
        sys.exit(whole.stdout)
    without = output("docker-compose", "-f", str(COMPOSE), "config", "--quiet", POSTGRES_PASSWORD="")
    if without.returncode == 0:
        sys.exit("a password that is not set is not refused")
    caddy = output("caddy", "adapt", "--validate", "--config", str(CADDYFILE), "--adapter", "caddyfile")
    if caddy.returncode != 0:
        sys.exit(caddy.stdout)
    upstreams = json.dumps(json.loads(next(line for line in caddy.stdout.splitlines() if line.startswith('{"apps"'))))
    if "api-1:8080" not in upstreams or "api-2:8080" not in upstreams:
        sys.exit("Caddy does not spread requests over the api processes")
    print(f"  {len(services)} services: {', '.join(sorted(services))}")


if __name__ == "__main__":
    main()
