"""A server of the built program, as `prover/cli/tests/server` starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
STORY = REPOSITORY / "prover" / "cli" / "tests" / "models" / "loan"
BINARY_VARIABLE = "APODICT_BINARY"


def binary() -> str:
    path = os.environ.get(BINARY_VARIABLE)
    if not path or not Path(path).is_file():
        raise RuntimeError(f"set {BINARY_VARIABLE} to the program `apodict`, or run `cargo xtask client`")
    return path


class Server:
    """Listens on a free port of this machine. Its development string is made in its data folder."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self._options = options
        self.url = self._start("127.0.0.1:0")

    def _start(self, address: str) -> str:
        command = [binary(), "serve", "--listen", address, "--data", str(self.data), *self._options]
        with (self.data.parent / f"{self.data.name}.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        self._process.stdout.close()
        assert line.startswith("listening on http://"), line
        return line.removeprefix("listening on ").strip()

    def kill(self) -> None:
        """As `kill -9`."""
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        """On the same address."""
        assert self._start(self.url.removeprefix("http://")) == self.url

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(timeout=60) == 0

    def key(self, *options: str) -> str:
        """Make an API key; its secret."""
        command = [binary(), "--json", "api-key", "create", "--data", str(self.data), *options]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, timeout=60)
        return str(json.loads(made.stdout)["secret"])
