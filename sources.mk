# SPDX-License-Identifier: MIT
#
# sources.mk - the list of source files, which stands only here
#
# One file a line, "LIST += path", sorted within its list. The Makefile includes
# this file, CMakeLists.txt reads it line by line, and a kernel that builds Quire
# by its own means takes the QUIRE_ lists as they are.

# The library, lowest layer first: freestanding, needs include/ and src/ only.
# src/core
QUIRE_CORE :=
QUIRE_CORE += src/core/error.c
QUIRE_CORE += src/core/format.c
QUIRE_CORE += src/core/string.c

# src/phys
QUIRE_PHYS :=
QUIRE_PHYS += src/phys/block.c
QUIRE_PHYS += src/phys/boot.c
QUIRE_PHYS += src/phys/buddy.c
QUIRE_PHYS += src/phys/check.c
QUIRE_PHYS += src/phys/explain.c
QUIRE_PHYS += src/phys/frames.c
QUIRE_PHYS += src/phys/look.c
QUIRE_PHYS += src/phys/machine.c
QUIRE_PHYS += src/phys/memblock.c
QUIRE_PHYS += src/phys/memmap.c
QUIRE_PHYS += src/phys/migrate.c
QUIRE_PHYS += src/phys/page.c
QUIRE_PHYS += src/phys/page_slow.c
QUIRE_PHYS += src/phys/pcp.c
QUIRE_PHYS += src/phys/tier.c
QUIRE_PHYS += src/phys/zone.c

# src/report
QUIRE_REPORT :=
QUIRE_REPORT += src/report/buddyinfo.c
QUIRE_REPORT += src/report/extfrag.c
QUIRE_REPORT += src/report/iomem.c
QUIRE_REPORT += src/report/json.c
QUIRE_REPORT += src/report/meminfo.c
QUIRE_REPORT += src/report/pagetypeinfo.c
QUIRE_REPORT += src/report/report.c
QUIRE_REPORT += src/report/sysrq.c
QUIRE_REPORT += src/report/vmstat.c
QUIRE_REPORT += src/report/zoneinfo.c
QUIRE_REPORT += src/report/zones.c

# The lab: scripts, traces, figures; freestanding, on include/quire alone.
LAB :=
LAB += lab/args.c
LAB += lab/canvas.c
LAB += lab/canvas_svg.c
LAB += lab/canvas_text.c
LAB += lab/command.c
LAB += lab/command_expect.c
LAB += lab/command_machine.c
LAB += lab/command_page.c
LAB += lab/command_show.c
LAB += lab/figure.c
LAB += lab/figure_frames.c
LAB += lab/figure_free.c
LAB += lab/figure_zones.c
LAB += lab/gfp.c
LAB += lab/map.c
LAB += lab/map_line.c
LAB += lab/quote.c
LAB += lab/replay.c
LAB += lab/scan.c
LAB += lab/script.c
LAB += lab/session.c
LAB += lab/size.c
LAB += lab/text.c
LAB += lab/trace.c
LAB += lab/trace_gfp.c
LAB += lab/traced.c
LAB += lab/words.c

# The hosted port: port.h in a process.
HOSTED :=
HOSTED += ports/hosted/port.c

# The quire command.
CLI :=
CLI += apps/cli/cli.c
CLI += apps/cli/cmd_check.c
CLI += apps/cli/cmd_draw.c
CLI += apps/cli/cmd_help.c
CLI += apps/cli/cmd_proc.c
CLI += apps/cli/cmd_replay.c
CLI += apps/cli/cmd_run.c
CLI += apps/cli/cmd_shell.c
CLI += apps/cli/input.c
CLI += apps/cli/main.c
CLI += apps/cli/progress.c
CLI += apps/cli/replay_report.c
CLI += apps/cli/table.c
