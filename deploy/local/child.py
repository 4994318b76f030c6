"""Becomes another program that does not outlive its parent: `child.py PARENT SIGNAL UID GID PROGRAM [ARGUMENT…]`.

The kernel sends SIGNAL to the program when the process PARENT is gone, however it went (Linux; elsewhere nothing is
sent). UID and GID of -1 change no user. The order matters: changing the user forgets the signal that was asked for.
Run by its path with `-I -S`: it needs nothing but the standard library and is gone after some milliseconds.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def become(parent: int, death_signal: int, uid: int, gid: int, program: list[str]) -> None:
    """Replace this process by `program`; returns only if `parent` is gone already."""
    if uid != -1:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() == parent:
        os.execv(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    starter, on_death, user_id, group_id = map(int, sys.argv[1:5])
    become(starter, on_death, user_id, group_id, sys.argv[5:])
    sys.exit("the parent process is gone")
