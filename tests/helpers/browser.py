"""A headless Chromium, driven through its DevTools pipe: no port, and no library.

The protocol: https://chromedevtools.github.io/devtools-protocol. Chromium reads commands from file
descriptor 3 and writes answers and events to 4, JSON ended by a zero byte.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Chrome first: where a system forbids programs a sandbox of their own, it has leave, as Ubuntu's.
NAMES = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser")
OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-dev-shm-usage",
)


def find_browser() -> str | None:
    """Return the path of the first Chromium or Chrome there is."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@dataclass
class Heard:
    """What a page did since it was opened.

    Attributes
    ----------
    console
        Messages: of scripts, of the browser about the page, and exceptions.
    requests
        Addresses of all that it asked for but itself.
    """

    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


class Browser:
    """One Chromium with one tab."""

    def __init__(self, executable: str, profile: Path) -> None:
        # Descriptors of 20 and more cannot be those that the shell is about to replace.
        ours_in, theirs_out = _pipe()
        theirs_in, ours_out = _pipe()
        command = [executable, *OPTIONS, f"--user-data-dir={profile}"]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # which cannot be had as root
        self._log = (profile / "log").open("wb")
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "HOME": str(profile)},
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._answers, self._commands = os.fdopen(ours_in, "rb", 0), os.fdopen(ours_out, "wb", 0)
        self._unread, self._number, self._session = b"", 0, ""
        self.heard, self._page, self._loaded = Heard(), "", False
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; return its result once it is there."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer.get('error')}"
                return answer["result"]

    def open(self, page: Path) -> Heard:
        """Open a page, from anew; return what it does, which goes on being added to."""
        self.ask("Page.navigate", url="about:blank")
        self.heard, self._loaded, self._page = Heard(), False, page.resolve().as_uri()
        self.ask("Page.navigate", url=self._page)
        while not self._loaded:
            self._next()
        self.evaluate("document.fonts.ready.then(() => true)")
        self._await_pictures()
        return self.heard

    def show(self, width: int, *, height: int = 900, media: str = "screen") -> None:
        """Lay the page out for a screen, or a sheet, of a width in CSS pixels."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.ask("Emulation.setEmulatedMedia", media=media)
        self._await_pictures()

    def _await_pictures(self) -> None:
        """Wait until pictures are there, or are known to be missing; each width has its own."""
        decoded = "Promise.allSettled([...document.images].map(i => i.decode()))"
        self.evaluate(f"{decoded}.then(() => true)")

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or what its promise holds."""
        answer = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.ask("Browser.close")
        self._process.wait()
        for file in (self._answers, self._commands, self._log):
            file.close()

    def _next(self) -> dict[str, Any]:
        """Return the next message, and note it if it is an event."""
        while b"\0" not in self._unread:
            piece = self._answers.read(1 << 20)
            assert piece, f"the browser ended: {Path(self._log.name).read_text(errors='replace')}"
            self._unread += piece
        one, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        if "method" in message:
            self._note(message["method"], message["params"])
        return message

    def _note(self, event: str, about: dict[str, Any]) -> None:
        match event:
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                address = about["request"]["url"]
                if address != self._page and not address.startswith("data:"):
                    self.heard.requests.append(address)
            case "Log.entryAdded":
                self.heard.console.append(about["entry"]["text"])
            case "Runtime.consoleAPICalled":
                self.heard.console.append(str([each.get("value") for each in about["args"]]))
            case "Runtime.exceptionThrown":
                self.heard.console.append(about["exceptionDetails"]["text"])


@contextmanager
def running_browser(executable: str, profile: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own, and end it."""
    profile.mkdir(parents=True, exist_ok=True)
    browser = Browser(executable, profile)
    try:
        yield browser
    finally:
        browser.close()


def _pipe() -> tuple[int, int]:
    """Return a pipe's ends, to read and to write."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
