"""A program that is run to its end before anything else goes on."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.daemon import StartFailed, User, child_command


async def run_to_end(
    name: str, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None, user: User | None = None
) -> None:
    """Run the program and wait for it; it does not outlive us. Raises StartFailed with what it said if it fails."""
    process = await asyncio.create_subprocess_exec(
        *child_command(argv, signal.SIGTERM, user),
        cwd=cwd,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise StartFailed(f"{name} failed ({process.returncode}):\n{output.decode(errors='replace')}")
