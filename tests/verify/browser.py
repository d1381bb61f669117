"""A real browser for the page that checks: Chromium without a window, driven over a pipe."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "verify" / "index.html"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ANSWER_SECONDS = 120.0

Files = dict[str, str | bytes]


def program() -> str | None:
    """Return where the browser is; None where it is not."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """A running browser with one tab; commands are those of the DevTools protocol."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self.process, self._to, self._back = process, to, back
        self._number, self._rest, self._session = 0, b"", ""
        self.errors: list[str] = []  # what the page complained of since it was opened

    def ask(self, method: str, **said: Any) -> dict[str, Any]:
        """Send one command; return its result."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": said}
        if self._session and not method.startswith("Target."):
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next(method)
            if told.get("id") == number:
                if "error" in told:
                    raise AssertionError(f"{method}: {told['error']}")
                result: dict[str, Any] = told["result"]
                return result
            self._hear(told)

    def _next(self, method: str) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._back], [], [], _ANSWER_SECONDS)
            piece = os.read(self._back, 1 << 20) if ready else b""
            if not piece:
                raise AssertionError(f"the browser does not answer {method}")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(line)
        return told

    def _hear(self, told: dict[str, Any]) -> None:
        said = told.get("params", {})
        if told.get("method") == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.errors.append(said["entry"]["text"])
        if told.get("method") == "Runtime.exceptionThrown":
            self.errors.append(said["exceptionDetails"]["text"])
        if told.get("method") == "Network.requestWillBeSent":
            url = said["request"]["url"]
            if not url.startswith(("file:", "blob:", "data:")):
                self.errors.append(f"asked the network for {url}")

    def begin(self) -> None:
        """Attach to the one tab."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for part in ("Page", "Runtime", "Log", "DOM", "Network", "Accessibility"):
            self.ask(f"{part}.enable")

    def open(
        self,
        *,
        language: str = "en-GB",
        width: int = 1200,
        height: int = 900,
        dark: bool = False,
        media: str = "",
        touch: bool = False,
    ) -> None:
        """Open the page from disk, as on a telephone or a large screen."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if width < 600 else 1,
            mobile=touch,
        )
        self.ask("Emulation.setTouchEmulationEnabled", enabled=touch)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme, still])
        agent = self.ask("Browser.getVersion")["userAgent"].replace("Headless", "")
        self.ask("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        self.errors.clear()
        self.ask("Page.navigate", url=PAGE.as_uri())
        self.until("document.readyState === 'complete' && 'kezekVerify' in window")

    def run(self, script: str) -> Any:
        """Return what an expression gives; a promise is waited for."""
        told = self.ask(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            allowUnsafeEvalBlockedByCSP=False,
        )
        if "exceptionDetails" in told:
            raise AssertionError(json.dumps(told["exceptionDetails"], ensure_ascii=False)[:2000])
        return told["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until an expression is true; it looks again every 20 ms, for a minute at most."""
        waiting = f"""new Promise((done, late) => {{
            const since = Date.now();
            const look = () => ({script}) ? done(true)
                : Date.now() - since > 60000 ? late(new Error("too late")) : setTimeout(look, 20);
            look();
        }})"""
        self.run(waiting)

    def choose(self, field: str, paths: list[Path]) -> None:
        """Choose files in a field of the page, as a person does."""
        document = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=document, selector=field)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def picture(self, path: Path) -> None:
        """Write a picture of the whole page."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        told = self.ask(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1},
        )
        path.write_bytes(base64.b64decode(told["data"]))


@contextmanager
def running() -> Iterator[Browser]:
    """Run a browser; skip where there is none, fail there in CI."""
    where = program()
    if where is None:
        reason = "no browser here: apt-get install -y --no-install-recommends chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tempfile.mkdtemp(prefix="kezek-browser-")
    to_read, to_write = os.pipe()
    back_read, back_write = os.pipe()
    flags = [
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND"),
        *("--remote-debugging-pipe", f"--user-data-dir={folder}"),
    ]
    # The browser reads commands from its descriptor 3 and answers on 4. Both ends are moved out of
    # the way first: either may be one of these numbers.
    ours = (fcntl.fcntl(to_read, fcntl.F_DUPFD, 10), fcntl.fcntl(back_write, fcntl.F_DUPFD, 10))
    moved = f"import os, sys; os.dup2({ours[0]}, 3); os.dup2({ours[1]}, 4); "
    moved += "os.execvp(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", moved, where, *flags],
        pass_fds=ours,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for end in (*ours, to_read, back_write):
        os.close(end)
    browser = Browser(process, to_write, back_read)
    try:
        browser.begin()
        yield browser
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(to_write)
        os.close(back_read)
        shutil.rmtree(folder, ignore_errors=True)


def given(files: Files) -> str:
    """Return files as the page's own function takes them."""
    texts = [
        {"name": name, "text": text if isinstance(text, str) else text.decode()}
        for name, text in files.items()
    ]
    return json.dumps(texts)


def files_below(folder: Path) -> Files:
    """Return all files of a folder, by their names below it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
