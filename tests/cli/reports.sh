#!/bin/sh
# SPDX-License-Identifier: MIT
#
# reports.sh - JSON of every report and SVG of every view: well-formed, and the text's numbers

. tests/count.sh

quire=${QUIRE:-build/quire}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Numbers of a report in their order: the same from text and from JSON, as zones are.
cat >"$tmp/same.py" <<'END'
import json, re, sys

name, text, data = sys.argv[1], open(sys.argv[2]).read(), json.load(open(sys.argv[3]))


def numbers(value):
    if isinstance(value, bool) or value is None:
        sys.exit("neither number nor text: %r" % value)
    if isinstance(value, (int, float)):
        return [float(value)]
    if isinstance(value, dict):
        return [n for v in value.values() for n in numbers(v)]
    return [n for v in value for n in numbers(v)] if isinstance(value, list) else []


# Names that hold digits go; "Node 0" becomes the field "node".
text = re.sub(r"DMA32|pgalloc_\w+|\d+\*|\*\d+kB|[0-9a-f]+-[0-9a-f]+ :", "", text)
if name == "pagetypeinfo":
    text = re.sub(r"at order.*", "", text)
if name in ("iomem", "sysrq-m"):
    # Other units and another order: well-formed is what is asked here.
    sys.exit(0 if numbers(data) else "no numbers")
mine = [float(n) for n in re.findall(r"-?\d+\.?\d*", text)]
if mine != numbers(data):
    sys.exit("text %s\nJSON %s" % (mine, numbers(data)))
END

cat >"$tmp/some.quire" <<'END'
A = bulk 1000 GFP_KERNEL
B = pages 3 GFP_HIGHUSER_MOVABLE
C = pages 9 GFP_KERNEL
END

for machine in "i386 --ram 1536M" "i386-pae --ram 5G" "x86-64 --ram 8G"; do
	# The words of a machine are meant to be split.
	# shellcheck disable=SC2086
	set -- --machine $machine --cpus 2 --script "$tmp/some.quire"
	for name in buddyinfo pagetypeinfo zoneinfo meminfo iomem vmstat sysrq-m extfrag_index \
		unusable_index; do
		"$quire" proc "$@" $name >"$tmp/text" && "$quire" proc "$@" --json $name >"$tmp/json"
		expect "$machine: $name: text and JSON" \
			python3 "$tmp/same.py" $name "$tmp/text" "$tmp/json"
	done
	for view in frames free zones; do
		"$quire" draw "$@" --svg $view >"$tmp/$view.svg"
		expect "$machine: $view: SVG is XML" \
			python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$tmp/$view.svg"
		expect "$machine: $view: text" "$quire" draw "$@" $view
	done
done
finish
