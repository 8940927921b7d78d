"""Prints the TCP ports of an address that answer: scan.py ADDRESS [PORT...], all of them without a port.

Runs on a host, by its own Python.
"""

from __future__ import annotations

import asyncio
import resource
import sys

AT_ONCE = 4000
# A SYN is sent again after one second.
SECONDS = 1.5


async def answers(address: str, port: int, turn: asyncio.Semaphore) -> bool:
    async with turn:
        try:
            _reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), SECONDS)
        except OSError:
            return False
        writer.close()
        return True


async def scan(address: str, ports: list[int]) -> list[int]:
    turn = asyncio.Semaphore(AT_ONCE)
    # The neighbour's address has to be known before so many ask for it that most are forgotten.
    await answers(address, ports[0], turn)
    found = await asyncio.gather(*(answers(address, port, turn) for port in ports))
    return [port for port, is_open in zip(ports, found, strict=True) if is_open]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * AT_ONCE, 2 * AT_ONCE))
    wanted = [int(port) for port in sys.argv[2:]] or list(range(1, 65536))
    print(*asyncio.run(scan(sys.argv[1], wanted)))
