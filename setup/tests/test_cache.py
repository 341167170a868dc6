"""Tests of the cache of runtime parts: a fresh cache, parts that need others, and two set-ups at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

SETUP = Path(__file__).resolve().parents[1]
# Ends a test whose set-up waits for a lock that nobody gives back.
TIME_LIMIT_SECONDS = 60


class Cache(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.parts = Path(folder.name) / "colloquy" / "runtime"
        self.environment = {**os.environ, "XDG_CACHE_HOME": folder.name, "PYTHONPATH": str(SETUP)}

    def begin(self, script: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "import cache\n" + textwrap.dedent(script)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started = subprocess.Popen(command, env=self.environment, **streams)
        self.addCleanup(started.kill)
        return started

    def run_to_the_end(self, script: str) -> str:
        said, _ = self.begin(script).communicate(timeout=TIME_LIMIT_SECONDS)
        return said

    def test_filling_a_part_may_fill_another_one(self) -> None:
        said = self.run_to_the_end(
            """
            def tokenizer():
                return cache.part("tokenizer", "1", lambda whole, _: (whole / "file").write_text("words"))

            def model(whole, _):
                (whole / "copy").write_text((tokenizer() / "file").read_text())

            print(cache.part("model", "1", model))
            """
        )
        self.assertIn("model-1", said)
        self.assertEqual((self.parts / "model-1" / "copy").read_text(), "words")

    def test_a_part_whose_filling_fails_is_absent_and_filled_by_the_next_set_up(self) -> None:
        self.run_to_the_end(
            """
            def broken(whole, _):
                (whole / "half").write_text("")
                raise SystemExit("the download ended early")

            cache.part("model", "1", broken)
            """
        )
        self.assertFalse((self.parts / "model-1").exists())
        self.run_to_the_end('cache.part("model", "1", lambda whole, _: (whole / "file").write_text(""))')
        self.assertEqual([file.name for file in (self.parts / "model-1").iterdir()], ["file"])

    def test_two_set_ups_at_once_fill_a_part_once(self) -> None:
        script = """
            import time
            from pathlib import Path

            def fill(whole, _):
                with (cache.root() / "fillings").open("a") as fillings:
                    fillings.write("filled\\n")
                # Holds the lock until the other set-up waits for it.
                until = time.monotonic() + 20
                while not (cache.root() / "waiting").exists() and time.monotonic() < until:
                    time.sleep(0.01)
                (whole / "file").write_text("")

            cache.say = lambda text: (cache.root() / "waiting").write_text(text)
            cache.part("model", "1", fill)
            """
        both = [self.begin(script), self.begin(script)]
        for one in both:
            said, _ = one.communicate(timeout=TIME_LIMIT_SECONDS)
            self.assertEqual((one.returncode, said), (0, ""))
        self.assertEqual((self.parts / "fillings").read_text(), "filled\n")
        self.assertTrue((self.parts / "waiting").exists())


if __name__ == "__main__":
    unittest.main()
