"""The account service of a release: one file with its production dependencies, and a Node to run it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import cache
from report import give_up, say
from tools import REPOSITORY

PINS = json.loads(Path(__file__).with_name("node.json").read_text())
AUTH = REPOSITORY / "auth"
# Modules that another module loads only where they are installed; they are not.
OPTIONAL = ["pg-native", "@opentelemetry/api"]
# The folder of the package that a file belongs to: the last one of its path.
PACKAGE = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+")
# Some dependencies are CommonJS and call `require` for modules of Node.
BANNER = 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'


def node() -> Path:
    """The folder with `node` and its `LICENSE`, from the pinned package of npm; fetched if it does not exist."""
    pin = PINS["packages"][cache.architecture()]

    def fill(whole: Path, temporary: Path) -> None:
        package = f"{pin['name']}@{PINS['version']}"
        say(f"fetching {package}")
        command = ["npm", "pack", package, "--silent", "--pack-destination", str(temporary)]
        if subprocess.run(command, cwd=temporary, stdout=sys.stderr).returncode != 0:
            give_up(f"{package} cannot be fetched from npm (see above)")
        archive = next(temporary.glob("*.tgz"))
        digest = hashlib.sha512(archive.read_bytes()).hexdigest()
        if digest != hexadecimal(pin["integrity"]):
            give_up(f"{package} has another hash than setup/distribution/node.json says: {digest}")
        with tarfile.open(archive) as packed:
            for name in ("bin/node", "LICENSE"):
                source = packed.extractfile(f"package/{name}")
                assert source is not None
                (whole / Path(name).name).write_bytes(source.read())
        (whole / "node").chmod(0o755)

    return cache.part("node", f"{PINS['version']}-{pin['integrity'][7:15]}".replace("/", "_"), fill)


def hexadecimal(integrity: str) -> str:
    """The hash of an npm package, such as `sha512-…` in base64."""
    return base64.b64decode(integrity.partition("-")[2]).hex()


def bundle(into: Path, temporary: Path) -> set[str]:
    """Bundles `auth/src/main.js` with all that it imports, without comments and white space: the licences have a list
    of their own. Returns the folders in `auth/` of the packages whose code is in the file."""
    say("bundling the account service")
    command = [str(AUTH / "node_modules" / ".bin" / "esbuild"), "src/main.js", "--bundle", "--platform=node"]
    command += ["--format=esm", f"--target=node{PINS['version'].split('.')[0]}", "--log-level=warning"]
    command += ["--minify-whitespace", "--minify-syntax", "--legal-comments=none", "--keep-names"]
    command += [f"--external:{name}" for name in OPTIONAL]
    command += [f"--banner:js={BANNER}", f"--outfile={into}", f"--metafile={temporary}/bundle.json"]
    if subprocess.run(command, cwd=AUTH, stdout=sys.stderr).returncode != 0:
        give_up("the account service cannot be bundled (see above)")
    into.chmod(0o644)
    inputs = json.loads((temporary / "bundle.json").read_text())["inputs"]
    return {found.group(0) for path in inputs if (found := PACKAGE.match(path))}
