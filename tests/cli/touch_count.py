#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""touch_count - count the page faults of a lackey recording a second time

    touch_count.py RECORDING JSON

A page that is read first faults once, for the page of zeros, and once more when it is written; one that is
written first faults once. What was written is resident. JSON is what quire replay --json printed.
"""

import gzip
import json
import sys

DOES = {"I": "r", "L": "r", "R": "r", "S": "w", "W": "w", "M": "rw"}


def touches(path):
    """The pages of each line, and whether it reads, writes, or both."""
    with gzip.open(path, "rt") as text:
        for line in text:
            kind, rest = line.strip()[:1], line.strip()[1:].split()[0]
            if "," not in rest:
                yield DOES[kind], [int(rest, 16)]
                continue
            start, size = rest.split(",")
            first = int(start, 16)
            yield DOES[kind], range(first >> 12, (first + int(size) - 1 >> 12) + 1)


def main():
    seen, written, faults = set(), set(), {"zero": 0, "fresh": 0, "copy": 0}
    for does, pages in touches(sys.argv[1]):
        for what in does:
            for page in pages:
                known = written if what == "w" else seen
                if page not in known:
                    faults["zero" if what == "r" else "copy" if page in seen else "fresh"] += 1
                seen.add(page)
                known.add(page)
    with open(sys.argv[2]) as text:
        counted = json.load(text)
    wanted = {"min_faults": sum(faults.values()), "maj_faults": 0, "resident_kb": len(written) * 4}
    wanted.update({"faults_" + kind: nr for kind, nr in faults.items()})
    for key, is_ in wanted.items():
        if counted[key] != is_:
            sys.exit(f"{key} is {counted[key]}, counted again {is_}")


main()
