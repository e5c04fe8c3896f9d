# SPDX-License-Identifier: MIT
"""common - what the checks of tools/ share"""

import fnmatch
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def tracked():
    """The project's files, those not yet committed too; in a tree without git all but build/."""
    result = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
    if result.returncode == 0:
        return [name for name in result.stdout.splitlines() if os.path.exists(os.path.join(ROOT, name))]
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if name not in ("build", ".git", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return found


def sources(*patterns):
    """Those that match one of the patterns, in which * stands for / too; without patterns all."""
    return sorted(name for name in tracked()
                  if not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns))


def finish(passed, failed, skipped=0):
    """Print the closing line of a suite. Returns the exit status."""
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0
