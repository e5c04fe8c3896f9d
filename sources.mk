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
QUIRE_CORE += src/core/interval.c
QUIRE_CORE += src/core/radix.c
QUIRE_CORE += src/core/sem.c
QUIRE_CORE += src/core/string.c
QUIRE_CORE += src/core/tree.c
QUIRE_CORE += src/core/tree_check.c
QUIRE_CORE += src/core/tree_find.c

# src/arch
QUIRE_ARCH :=
QUIRE_ARCH += src/arch/format.c
QUIRE_ARCH += src/arch/segment.c

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
QUIRE_PHYS += src/phys/use.c
QUIRE_PHYS += src/phys/zone.c

# src/pgtable
QUIRE_PGTABLE :=
QUIRE_PGTABLE += src/pgtable/change.c
QUIRE_PGTABLE += src/pgtable/check.c
QUIRE_PGTABLE += src/pgtable/copy.c
QUIRE_PGTABLE += src/pgtable/direct.c
QUIRE_PGTABLE += src/pgtable/fixmap.c
QUIRE_PGTABLE += src/pgtable/layout.c
QUIRE_PGTABLE += src/pgtable/leaf.c
QUIRE_PGTABLE += src/pgtable/map.c
QUIRE_PGTABLE += src/pgtable/pgtable.c
QUIRE_PGTABLE += src/pgtable/slots.c
QUIRE_PGTABLE += src/pgtable/table.c
QUIRE_PGTABLE += src/pgtable/tlb.c
QUIRE_PGTABLE += src/pgtable/trim.c
QUIRE_PGTABLE += src/pgtable/user.c
QUIRE_PGTABLE += src/pgtable/walk.c

# src/kmem
QUIRE_KMEM :=
QUIRE_KMEM += src/kmem/ioremap.c
QUIRE_KMEM += src/kmem/kmalloc.c
QUIRE_KMEM += src/kmem/kmap.c
QUIRE_KMEM += src/kmem/kmem.c
QUIRE_KMEM += src/kmem/kspace.c
QUIRE_KMEM += src/kmem/kvmalloc.c
QUIRE_KMEM += src/kmem/shrinker.c
QUIRE_KMEM += src/kmem/slab.c
QUIRE_KMEM += src/kmem/slab_cache.c
QUIRE_KMEM += src/kmem/slab_checked.c
QUIRE_KMEM += src/kmem/slab_cpu.c
QUIRE_KMEM += src/kmem/slab_look.c
QUIRE_KMEM += src/kmem/touch.c
QUIRE_KMEM += src/kmem/vmalloc.c
QUIRE_KMEM += src/kmem/vmalloc_area.c
QUIRE_KMEM += src/kmem/vmalloc_look.c

# src/cache
QUIRE_CACHE :=
QUIRE_CACHE += src/cache/ahead.c
QUIRE_CACHE += src/cache/cache.c
QUIRE_CACHE += src/cache/file.c
QUIRE_CACHE += src/cache/hugefile.c
QUIRE_CACHE += src/cache/hugepool.c
QUIRE_CACHE += src/cache/inode.c
QUIRE_CACHE += src/cache/memfd.c
QUIRE_CACHE += src/cache/pagecache.c
QUIRE_CACHE += src/cache/rules.c
QUIRE_CACHE += src/cache/shrink.c
QUIRE_CACHE += src/cache/truncate.c
QUIRE_CACHE += src/cache/write.c
QUIRE_CACHE += src/cache/writeback.c

# src/vm
QUIRE_VM :=
QUIRE_VM += src/vm/access.c
QUIRE_VM += src/vm/account.c
QUIRE_VM += src/vm/anon.c
QUIRE_VM += src/vm/brk.c
QUIRE_VM += src/vm/check.c
QUIRE_VM += src/vm/check_frames.c
QUIRE_VM += src/vm/collapse.c
QUIRE_VM += src/vm/elf.c
QUIRE_VM += src/vm/elf_map.c
QUIRE_VM += src/vm/exec.c
QUIRE_VM += src/vm/exec_stack.c
QUIRE_VM += src/vm/fault.c
QUIRE_VM += src/vm/fault_anon.c
QUIRE_VM += src/vm/fault_cow.c
QUIRE_VM += src/vm/fault_file.c
QUIRE_VM += src/vm/fault_huge.c
QUIRE_VM += src/vm/fork.c
QUIRE_VM += src/vm/frame.c
QUIRE_VM += src/vm/huge.c
QUIRE_VM += src/vm/hugetlb.c
QUIRE_VM += src/vm/hugetlb_check.c
QUIRE_VM += src/vm/hugetlb_fault.c
QUIRE_VM += src/vm/hugetlb_range.c
QUIRE_VM += src/vm/layout.c
QUIRE_VM += src/vm/look.c
QUIRE_VM += src/vm/madvise.c
QUIRE_VM += src/vm/mincore.c
QUIRE_VM += src/vm/mlock.c
QUIRE_VM += src/vm/mm.c
QUIRE_VM += src/vm/mm_look.c
QUIRE_VM += src/vm/mmap.c
QUIRE_VM += src/vm/mprotect.c
QUIRE_VM += src/vm/mremap.c
QUIRE_VM += src/vm/mseal.c
QUIRE_VM += src/vm/msync.c
QUIRE_VM += src/vm/munmap.c
QUIRE_VM += src/vm/rmap.c
QUIRE_VM += src/vm/vm.c
QUIRE_VM += src/vm/vma.c
QUIRE_VM += src/vm/zap.c

# src/report
QUIRE_REPORT :=
QUIRE_REPORT += src/report/areas.c
QUIRE_REPORT += src/report/buddyinfo.c
QUIRE_REPORT += src/report/extfrag.c
QUIRE_REPORT += src/report/iomem.c
QUIRE_REPORT += src/report/json.c
QUIRE_REPORT += src/report/maps.c
QUIRE_REPORT += src/report/meminfo.c
QUIRE_REPORT += src/report/pagemap.c
QUIRE_REPORT += src/report/pagetypeinfo.c
QUIRE_REPORT += src/report/report.c
QUIRE_REPORT += src/report/slabinfo.c
QUIRE_REPORT += src/report/smaps.c
QUIRE_REPORT += src/report/status.c
QUIRE_REPORT += src/report/sysrq.c
QUIRE_REPORT += src/report/vmallocinfo.c
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
LAB += lab/command_file.c
LAB += lab/command_huge.c
LAB += lab/command_kspace.c
LAB += lab/command_machine.c
LAB += lab/command_mmap.c
LAB += lab/command_page.c
LAB += lab/command_process.c
LAB += lab/command_show.c
LAB += lab/command_slab.c
LAB += lab/command_table.c
LAB += lab/command_walk.c
LAB += lab/debt.c
LAB += lab/figure.c
LAB += lab/figure_frames.c
LAB += lab/figure_free.c
LAB += lab/figure_layout.c
LAB += lab/figure_slab.c
LAB += lab/figure_space.c
LAB += lab/figure_walk.c
LAB += lab/figure_zones.c
LAB += lab/gfp.c
LAB += lab/image.c
LAB += lab/lackey.c
LAB += lab/lesson.c
LAB += lab/map.c
LAB += lab/map_line.c
LAB += lab/places.c
LAB += lab/plot.c
LAB += lab/process.c
LAB += lab/program.c
LAB += lab/quote.c
LAB += lab/replay.c
LAB += lab/scan.c
LAB += lab/script.c
LAB += lab/session.c
LAB += lab/size.c
LAB += lab/strace.c
LAB += lab/strace_names.c
LAB += lab/text.c
LAB += lab/trace.c
LAB += lab/trace_gfp.c
LAB += lab/traced.c
LAB += lab/words.c

# A processor's paging in software, for simulated machines; freestanding.
SOFTMMU :=
SOFTMMU += ports/softmmu/simulated.c
SOFTMMU += ports/softmmu/softmmu.c

# With it: the ports that have one such machine at a time.
SINGLE :=
SINGLE += ports/softmmu/single.c

# The hosted port: port.h in a process.
HOSTED :=
HOSTED += ports/hosted/directory.c
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
CLI += apps/cli/cmd_walk.c
CLI += apps/cli/input.c
CLI += apps/cli/main.c
CLI += apps/cli/progress.c
CLI += apps/cli/program_report.c
CLI += apps/cli/replay_pages.c
CLI += apps/cli/replay_program.c
CLI += apps/cli/replay_report.c
CLI += apps/cli/table.c

# The port to a PC without an operating system, and the kernel that boots on it.
X86 :=
X86 += ports/x86/arena.c
X86 += ports/x86/boot.S
X86 += ports/x86/copy.S
X86 += ports/x86/heap.c
X86 += ports/x86/machine.c
X86 += ports/x86/mem.c
X86 += ports/x86/mmu.c
X86 += ports/x86/multiboot.c
X86 += ports/x86/port.c
X86 += ports/x86/serial.c
X86 += ports/x86/start.c
X86 += ports/x86/trap.c
X86 += ports/x86/vectors.S

KERNEL :=
KERNEL += apps/kernel/bench.c
KERNEL += apps/kernel/files.c
KERNEL += apps/kernel/main.c
