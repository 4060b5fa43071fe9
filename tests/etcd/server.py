"""A real etcd server of one member, on free loopback ports, with its data in a temporary folder."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

START_SECONDS = 20.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


def etcd_binary() -> str | None:
    """The path of the etcd server on PATH, or None."""
    return shutil.which("etcd")


@contextmanager
def running_etcd() -> Iterator[str]:
    """Start a fresh server, yield its base URL once it is healthy, and stop it at the end."""
    binary = etcd_binary()
    if binary is None:
        raise RuntimeError("no etcd on PATH: install the package etcd-server")
    client_port, peer_port = _free_ports(2)
    url, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    with tempfile.TemporaryDirectory(prefix="kspec-etcd-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    binary,
                    *("--name", "default", "--data-dir", str(Path(folder, "data"))),
                    *("--listen-client-urls", url, "--advertise-client-urls", url),
                    *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                    *("--initial-cluster", f"default={peer}"),
                    *("--logger", "zap", "--log-level", "warn"),
                    "--unsafe-no-fsync",  # the data dies with the test
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _await_health(process, url, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _await_health(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health", timeout=1.0).json().get("health") == "true":
                return
        except (httpx.TransportError, ValueError):
            pass  # not listening yet
        try:
            process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError(f"etcd exited with {process.returncode}:\n{log.read_text()}")
    raise RuntimeError(f"etcd was not healthy within {START_SECONDS} s:\n{log.read_text()}")
