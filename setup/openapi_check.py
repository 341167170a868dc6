"""Compares the OpenAPI document with a running Colloquy, by requests that Schemathesis makes from the document.

    setup/openapi_check.py <colloquy>

`COLLOQUY_URL` is the address; the other variables are those of the product. A user tries all operations, an
administrator those that a user may not use. The requests depend on the document and on a fixed seed alone.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
import uuid
from pathlib import Path

from packages import packages
from tools import REPOSITORY

FOLDER = REPOSITORY / "setup" / "openapi"
PASSWORD = "correct horse battery staple"
# The operations that each role tries, as arguments of Schemathesis.
RUNS = {"user": [], "admin": ["--include-path-regex", "^/v1/audit/"]}


def requirements() -> Path:
    """The folder with Schemathesis and its dependencies; installed if it does not exist."""
    return packages("openapi", FOLDER / "requirements.txt")


def call(url: str, method: str, path: str, headers: dict[str, str], body: dict | None = None) -> http.client.HTTPResponse:
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json", "Origin": url, **headers})
    response = connection.getresponse()
    if response.status != 200:
        sys.exit(f"{method} {path}: {response.status} {response.read().decode(errors='replace')}")
    return response


def token_of_new_account(url: str, colloquy: Path, role: str) -> str:
    email = f"{uuid.uuid4().hex}@example.org"
    person = {"email": email, "password": PASSWORD, "name": "Schemathesis"}
    session = call(url, "POST", "/api/auth/sign-up/email", {}, person).headers["set-auth-token"]
    if role != "user":
        subprocess.run([colloquy, "grant", email, role], check=True, stdout=subprocess.DEVNULL)
    response = call(url, "GET", "/api/auth/token", {"Authorization": f"Bearer {session}"})
    return json.load(response)["token"]


def main() -> None:
    colloquy, url = Path(sys.argv[1]), os.environ["COLLOQUY_URL"]
    environment = {**os.environ, "PYTHONPATH": str(requirements())}
    failed = []
    for role, filters in RUNS.items():
        print(f"\n── as {role}", flush=True)
        token = token_of_new_account(url, colloquy, role)
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(FOLDER / "schemathesis.toml")]
        command += ["run", f"{url}/openapi.json", "--no-color", "--header", f"Authorization: Bearer {token}", *filters]
        # Schemathesis keeps what it learns in the current folder.
        with tempfile.TemporaryDirectory() as folder:
            if subprocess.run(command, cwd=folder, env=environment).returncode != 0:
                failed.append(role)
    if failed:
        sys.exit(f"the service and its OpenAPI document differ, as {', '.join(failed)}")


if __name__ == "__main__":
    main()
