"""What the system lets processes of these tests do."""

from __future__ import annotations

import subprocess
import sys


def may_come_first() -> bool:
    """Return whether processes of ours may run before all others: else one may wait, and another may not."""
    program = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(2))"
    ran = subprocess.run([sys.executable, "-S", "-c", program], stderr=subprocess.DEVNULL, check=False)
    return ran.returncode == 0
