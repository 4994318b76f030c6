"""How a process of ours ends: in order, or by force when its stop hangs."""

import asyncio
import signal
import sys

import pytest

# Work that can't be cancelled, as a library's may be that waits for what will never be.
STUBBORN = """
import asyncio, sys
from services.platform import service

async def work():
    print("begun", flush=True)
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if sys.argv[1] == "obeys":
                raise

service.limit_stop.__defaults__ = (0.5,)
asyncio.run(service.until_stopped(work()))
"""


@pytest.mark.parametrize(("how", "code"), [("obeys", 0), ("hangs", 1)])
async def test_a_stop_that_hangs_ends_by_force(how: str, code: int) -> None:
    """And says what it waits for; nobody else may be there to end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STUBBORN, how, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGTERM)
    output, _ = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == code
    assert (b"stop_hangs" in output) is (how == "hangs")
