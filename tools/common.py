# SPDX-License-Identifier: MIT
"""common - what the checks of tools/ share"""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def sources(*patterns):
    """The project's files, those not yet committed too, that match."""
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], cwd=ROOT,
                         stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
    return sorted(f for f in out.splitlines() if os.path.exists(os.path.join(ROOT, f)))


def finish(passed, failed, skipped=0):
    """Print the closing line of a suite. Returns the exit status."""
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0
