#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""replay_count.py - a second count of a recording, independent of quire replay

replay_count.py TRACE [JSON]

Counts what quire replay must count when its machine refuses nothing, by its own reading of
the text: it follows single frames, where quire follows blocks. With the JSON that
quire printed it compares the two and fails at the first difference. Where the
machine refused requests it compares the sums that hold even so.
"""
import gzip
import json
import re
import sys

EVENT = re.compile(r": +(?:kmem:)?(mm_page_alloc|mm_page_free|mm_page_free_batched): (.*)$")


def lines_of(path):
    with open(path, "rb") as f:
        packed = f.read(2) == b"\x1f\x8b"
    with (gzip.open if packed else open)(path, "rt", errors="replace", newline="\n") as f:
        yield from f


def count(path):
    n = dict.fromkeys("lines alloc_lines free_lines allocs recorded_failures frees unknown_frees "
                      "echoes peak_frames live_frames".split(), 0)
    owner = {}    # frame -> number of the allocation that it belongs to
    members = {}  # that number -> its frames
    freed_by = {}  # frame -> name of the event that freed a block starting there

    for line in lines_of(path):
        n["lines"] += 1
        m = EVENT.search(line)
        if not m:
            continue
        name, fields = m.group(1), dict(re.findall(r"(\w+)=\s*(\S*)", m.group(2)))
        pfn, order = int(fields["pfn"], 0), int(fields["order"])
        if name == "mm_page_alloc":
            n["alloc_lines"] += 1
            null = re.fullmatch(r"(0x)?0*|\((null|nil)\)", fields["page"])
            if pfn == 2**64 - 1 or (pfn == 0 and null):
                n["recorded_failures"] += 1
                continue
            n["allocs"] += 1
            block = n["allocs"]
            frames = range(pfn, pfn + (1 << order))
            for f in frames:
                if f in owner:  # its free is missing
                    for other in members.pop(owner[f]):
                        del owner[other]
                freed_by.pop(f, None)
            for f in frames:
                owner[f] = block
            members[block] = set(frames)
            n["peak_frames"] = max(n["peak_frames"], len(owner))
            continue
        n["free_lines"] += 1
        if freed_by.get(pfn, name) != name:
            n["echoes"] += 1
            del freed_by[pfn]
            continue
        known = [f for f in range(pfn, pfn + (1 << order)) if f in owner]
        n["frees" if known else "unknown_frees"] += 1
        for f in known:
            members[owner[f]].discard(f)
            del owner[f]
        freed_by[pfn] = name
    n["live_frames"] = len(owner)
    return n


def main():
    n = count(sys.argv[1])
    if len(sys.argv) < 3:
        print(json.dumps(n))
        return 0
    with open(sys.argv[2]) as f:
        q = json.load(f)
    pairs = {
        "lines": (n["lines"], q["lines"]),
        "mm_page_alloc": (n["alloc_lines"], q["allocs"] + q["failed"] + q["recorded_failures"]),
        "free events": (n["free_lines"],
                        q["frees"] + q["failed_frees"] + q["unknown_frees"] + q["echoes"]),
    }
    for key in "recorded_failures", "unknown_frees", "echoes":
        pairs[key] = (n[key], q[key])
    pairs["frees"] = (n["frees"], q["frees"] + q["failed_frees"])
    if not q["failed"]:
        for key in "peak_frames", "live_frames":
            pairs[key] = (n[key], q[key])
    for key, (ours, theirs) in pairs.items():
        if ours != theirs:
            print(f"{sys.argv[1]}: {key}: counted {ours}, quire {theirs}")
            return 1
    return 0


sys.exit(main())
