"""One question to a running Colloquy, over its API alone: an account, a document, a question, its answer."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import urllib.parse
import uuid
from collections.abc import Callable
from typing import TypeVar

DOCUMENT = "# The marimba of Zanthor\n\nThe great marimba of Zanthor has sixty-one rosewood bars. Otakar Brill built it in 1887.\n"
QUESTION, WORD = "How many bars does the great marimba of Zanthor have?", "sixty-one"
PASSWORD = "correct horse battery staple"
PATIENCE_SECONDS = 90.0
LOOK_EVERY_SECONDS = 0.02

Found = TypeVar("Found")


def until(what: str, look: Callable[[], Found | None], patience: float = PATIENCE_SECONDS) -> Found:
    """The first value that `look` finds; ends the check after `patience` seconds."""
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        if (found := look()) is not None:
            return found
        time.sleep(LOOK_EVERY_SECONDS)
    sys.exit(f"not within {patience:.0f} s: {what}")


class Client:
    """A person with an account."""

    def __init__(self, url: str, origin: str | None = None) -> None:
        self.url, self.origin, self.token = url, origin or url, ""

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, and body; status 0 if nobody answers."""
        place = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
        sent = {"Origin": self.origin, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        except OSError:
            return 0, {}, b""
        finally:
            connection.close()

    def expect(self, method: str, path: str, body: dict | None = None) -> tuple[dict[str, str], dict]:
        """Headers and JSON of an answer, which has to be a success."""
        data = None if body is None else json.dumps(body).encode()
        status, headers, text = self.send(method, path, data, Content_Type="application/json")
        if not 200 <= status < 300:
            sys.exit(f"{method} {path}: {status} {text.decode(errors='replace')}")
        return headers, json.loads(text or b"{}")

    def is_ready(self) -> bool:
        """Whether the process takes requests, and the account service answers."""
        return all(self.send("GET", path)[0] == 200 for path in ("/readyz", "/api/auth/ok"))

    def sign_up(self) -> None:
        person = {"email": f"{uuid.uuid4().hex}@example.org", "password": PASSWORD, "name": "Ann"}
        headers, _ = self.expect("POST", "/api/auth/sign-up/email", person)
        self.token = headers["set-auth-token"]
        self.token = self.expect("GET", "/api/auth/token")[1]["token"]

    def upload(self, text: str) -> None:
        """Adds a document, and waits until it is indexed."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="marimba.md"\r\nContent-Type: text/markdown\r\n\r\n'
        body = f"{head}{text}\r\n--{boundary}--\r\n".encode()
        status, _, answer = self.send("POST", "/v1/documents", body, Content_Type=f"multipart/form-data; boundary={boundary}")
        if status != 202:
            sys.exit(f"the upload was answered with {status}: {answer.decode(errors='replace')}")
        document = json.loads(answer)["document_id"]
        indexed = lambda: self.with_status(f"/v1/documents/{document}", "indexed", "rejected")  # noqa: E731
        row = until("the document is indexed", indexed)
        if row["status"] != "indexed":
            sys.exit(f"the document was rejected: {row}")

    def with_status(self, path: str, *statuses: str) -> dict | None:
        status, _, text = self.send("GET", path)
        row = json.loads(text) if status == 200 else {}
        return row if row.get("status") in statuses else None

    def ask(self, question: str) -> dict:
        """Asks in a new conversation, and returns the answer."""
        conversation = uuid7()
        command = {"type": "ask", "question_id": uuid7(), "text": question}
        self.expect("POST", f"/v1/conversations/{conversation}/commands", command)

        def answer() -> dict | None:
            status, _, text = self.send("GET", f"/v1/conversations/{conversation}/messages")
            items = json.loads(text)["items"] if status == 200 else []
            ended = [item for item in items if item["role"] == "assistant" and item["status"] in ("completed", "failed")]
            return ended[0] if ended else None

        return until("the question is answered", answer)


def uuid7() -> str:
    stamp = int(time.time() * 1000).to_bytes(6, "big")
    random = bytearray(os.urandom(10))
    random[0], random[2] = 0x70 | random[0] & 0x0F, 0x80 | random[2] & 0x3F
    return str(uuid.UUID(bytes=stamp + bytes(random)))


def try_out(url: str, origin: str | None = None) -> str:
    """Signs up, uploads a document and asks a question about it; ends the check unless the answer is right and cited."""
    client = Client(url, origin)
    client.sign_up()
    client.upload(DOCUMENT)
    answer = client.ask(QUESTION)
    if WORD not in answer["text"] or not answer["citations"]:
        sys.exit(f"the answer is wrong: {answer}")
    return answer["text"]
