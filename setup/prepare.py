"""Prepares the machine and this checkout; fast if there is nothing to do.

    setup/prepare run     tools, runtime parts, Node packages and the built page
    setup/prepare test    the same, the small language model, and for the checks cargo's tools, Schemathesis, a Chromium,
                          nginx, Caddy, PgBouncer, Tesseract and promtool
"""

from __future__ import annotations

import argparse

import openapi_check
import page
import runtime
import tools


def main() -> None:
    parser = argparse.ArgumentParser(description="Prepares the machine and this checkout.")
    parser.add_argument("purpose", choices=["run", "test"])
    for_tests = parser.parse_args().purpose == "test"
    tools.require_tools()
    runtime.places(with_llama=for_tests)
    page.install_packages()
    page.build()
    if for_tests:
        tools.cargo_tools()
        tools.require_chromium()
        tools.require_proxies()
        tools.require_tesseract()
        tools.require_promtool()
        tools.require_clippy()
        openapi_check.requirements()


if __name__ == "__main__":
    main()
