"""Become another program that dies with its parent.

    python tether.py SIGNAL PROGRAM ARGUMENT…

On Linux the kernel sends the signal when the parent ends, even by kill -9, so that no engine
outlives its supervisor and holds its files. Elsewhere the next start finds and ends what is left.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then replace it by the named program."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(
            _PR_SET_PDEATHSIG, getattr(signal, f"SIG{sys.argv[1]}")
        )
    # The parent may have died before the tie was made.
    if os.getppid() != parent:
        sys.exit(0)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - becoming it is the point


if __name__ == "__main__":
    main()
