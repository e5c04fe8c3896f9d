/* SPDX-License-Identifier: MIT */
/*
 * command.c - the table of commands: parsing, help and completion
 */
#include "command.h"

#include <quire/report.h>

#include "args.h"
#include "command_file.h"
#include "command_huge.h"
#include "command_kspace.h"
#include "command_process.h"
#include "figure.h"
#include "gfp.h"
#include "text.h"

#define MAKES (COMMAND_ZONES | COMMAND_MAKES)

static const struct lab_command commands[] = {
	{ "machine", "[KIND] [ram SIZE] [OPTION...]", "begin with a new machine",
	  "Everything of the one before it is forgotten. `machine N frames` is a bare one\n"
	  "for lessons: all N frames are free, no per-cpu lists, no minimum of free frames.\n"
	  "Without ram, say ram or map next. Without a kind the map says it, else x86-64.",
	  machine_forms, 0, command_machine },
	{ "map", "FILE", "give the machine the memory of a file's map",
	  "A kernel log, /proc/iomem or a map in Quire's own form. Without a machine before\n"
	  "it the file says what machine it is, else an x86-64.",
	  NULL, 0, command_map },
	{ "ram", "START-END", "add memory", "Addresses: 1M-64M, 0x100000-0x4000000.", NULL,
	  COMMAND_BEFORE, command_ram },
	{ "reserve", "START-END [kernel|initrd|other]", "keep memory from the allocator", NULL,
	  NULL, COMMAND_BEFORE, command_reserve },
	{ "release", "START-END", "give reserved memory to the allocator after all",
	  "Before or after the zones are built; after it, what Linux does with its init\n"
	  "sections and the ramdisk.",
	  NULL, 0, command_release },
	{ "boot", "", "build the zones now", "Any command that needs zones does it, too.", NULL,
	  COMMAND_ZONES, command_boot },
	{ "pages", "ORDER [GFP...]", "allocate a block of 2^ORDER frames",
	  "A = pages 1 GFP_KERNEL|__GFP_ZERO gives it the name A; without a name it is only\n"
	  "found again by `free pfn N`. Without flags: GFP_KERNEL.",
	  NULL, MAKES, command_pages },
	{ "exact", "SIZE [GFP...]", "allocate frames for exactly so many bytes",
	  "A = exact 20K takes the next power of two and gives the rest back.", NULL, MAKES,
	  command_exact },
	{ "bulk", "N [GFP...]", "allocate N single frames at once",
	  "A[0], A[1] ... are its frames.", NULL, MAKES, command_bulk },
	{ "fill", "ORDER [GFP...]", "allocate blocks until there are no more",
	  "A[0], A[1] ... are the blocks, if it has a name.", NULL, MAKES, command_fill },
	{ "free", "BLOCK [order N]", "drop the reference, and with the last one the block",
	  "BLOCK is NAME, a part NAME[i], or pfn N. It is freed with the order it was\n"
	  "allocated with unless another is said.",
	  NULL, COMMAND_ZONES, command_free },
	{ "get", "BLOCK", "take one more reference", NULL, NULL, COMMAND_ZONES, command_get },
	{ "put", "BLOCK", "drop a reference, whatever the order", NULL, NULL, COMMAND_ZONES,
	  command_put },
	{ "split", "BLOCK", "make a block into single frames",
	  "NAME[0], NAME[1] ... are the frames.", NULL, COMMAND_ZONES, command_split },
	{ "drain", "", "empty the per-cpu lists", NULL, NULL, COMMAND_ZONES, command_drain },
	{ "slab", "[FLAGS [CACHES]]", "set the kernel heap up, debugged",
	  "F each free is checked, Z guard bytes, P poison, U who allocated and freed,\n"
	  "A bytes asked for are counted, R shuffled. CACHES: kmalloc-64,dma-*. Without it\n"
	  "the first command that needs the heap sets it up plain.",
	  NULL, COMMAND_ZONES, command_slab },
	{ "cache", "NAME SIZE [OPTION...]", "create a cache of objects",
	  "Options: align N, hwalign, dma, dma32, reclaim, poison, redzone, user, asked.", NULL,
	  COMMAND_ZONES, command_cache },
	{ "uncache", "NAME", "destroy a cache", "Its live objects are listed, and it stays.", NULL,
	  COMMAND_ZONES, command_uncache },
	{ "kmalloc", "SIZE [GFP...]", "allocate memory by size",
	  "K = kmalloc 20 gives it the name K. Names of objects and of blocks are apart.",
	  NULL, MAKES, command_kmalloc },
	{ "kzalloc", "SIZE [GFP...]", "the same, filled with zeros", NULL, NULL, MAKES,
	  command_kzalloc },
	{ "objects", "CACHE N [GFP...]", "allocate N objects of a cache",
	  "O[0], O[1] ... are they.", NULL, MAKES, command_objects },
	{ "kfree", "OBJECT [at N]", "free an object, or all of a name's",
	  "NAME or NAME[i]; at N: a pointer N bytes behind its start.", NULL, COMMAND_ZONES,
	  command_kfree },
	{ "krealloc", "OBJECT SIZE", "change its size", NULL, NULL, COMMAND_ZONES,
	  command_krealloc },
	{ "poke", "OBJECT OFFSET BYTE", "write a byte, right or wrong",
	  "After `slab F`: into a live object; Z: 8 bytes behind it; P: into a free one.",
	  NULL, COMMAND_ZONES, command_poke },
	{ "shrink", "[CACHE]", "give back frames without live objects", NULL, NULL, COMMAND_ZONES,
	  command_shrink },
	{ "table", "NAME WHAT...", "page tables: make one, map, unmap, protect ...",
	  "`table A` makes one for a process; `kernel` is the kernel's. The kernel's\n"
	  "address space is built by the first command that needs it.",
	  table_forms, COMMAND_ZONES, command_table },
	{ "walk", "[SEL:]ADDRESS [ACCESS] [in NAME]", "from an address to memory, step by step",
	  "ACCESS: read, write or exec, and user. Without a name in the table that this\n"
	  "processor has loaded. Shows the fault that the processor would raise.",
	  NULL, COMMAND_ZONES, command_walk },
	{ "migrate", "TYPE START-END", "set the migrate type of pageblocks",
	  "Unmovable, Movable, Reclaimable, CMA or Isolate; the range in frame numbers.", NULL,
	  COMMAND_ZONES, command_migrate },
	{ "isolate", "START-END", "allocate nothing more from these pageblocks",
	  "The range in frame numbers.", NULL, COMMAND_ZONES, command_isolate },
	{ "sysctl", "SETTING = VALUE", "turn a knob of /proc/sys/vm or /sys/kernel/mm", NULL,
	  sysctl_forms,
	  COMMAND_ZONES, command_sysctl },
	{ "kernel", "", "build the kernel's address space now",
	  "The direct map, fixmap, windows, the vmalloc region. Any command that needs it\n"
	  "does it, too.",
	  NULL, COMMAND_ZONES, command_kernel },
	{ "vmalloc", "SIZE [GFP...]", "allocate virtually contiguous memory",
	  "A = vmalloc 16K gives its address the name A.", NULL, MAKES, command_vmalloc },
	{ "vzalloc", "SIZE", "the same, filled with zeros", NULL, NULL, MAKES, command_vzalloc },
	{ "vmalloc_32", "SIZE", "the same, not from high memory, below 4 GB", NULL, NULL, MAKES,
	  command_vmalloc_32 },
	{ "vmalloc_huge", "SIZE [GFP...]", "the same, with large pages", NULL, NULL, MAKES,
	  command_vmalloc_huge },
	{ "vfree", "ADDRESS", "free what vmalloc gave",
	  "ADDRESS is a number, NAME, or NAME+OFFSET.", NULL, COMMAND_ZONES, command_vfree },
	{ "vmap", "BLOCK...", "map frames one after the other", NULL, NULL, MAKES, command_vmap },
	{ "vunmap", "ADDRESS", "end a vmap", NULL, NULL, COMMAND_ZONES, command_vunmap },
	{ "ioremap", "ADDRESS SIZE [MODE]", "map a device",
	  "MODE is uncached (Linux's ioremap), uc, wc, wt or wb.", NULL, MAKES, command_ioremap },
	{ "iounmap", "ADDRESS", "end an ioremap", NULL, NULL, COMMAND_ZONES, command_iounmap },
	{ "unmap_aliases", "", "flush the TLBs for all areas freed", NULL, NULL, COMMAND_ZONES,
	  command_unmap_aliases },
	{ "kmap", "BLOCK", "open a window to a frame", "A = kmap B gives its address the name A.",
	  NULL, MAKES, command_kmap },
	{ "kunmap", "BLOCK", "close it", NULL, NULL, COMMAND_ZONES, command_kunmap },
	{ "kmap_local", "BLOCK", "open a short-lived window of this processor", NULL, NULL, MAKES,
	  command_kmap_local },
	{ "kunmap_local", "ADDRESS", "close the newest one", NULL, NULL, COMMAND_ZONES,
	  command_kunmap_local },
	{ "va", "ADDRESS", "the direct map's address of a physical one", NULL, NULL, COMMAND_ZONES,
	  command_va },
	{ "pa", "ADDRESS", "the physical address of one in the direct map", NULL, NULL,
	  COMMAND_ZONES, command_pa },
	{ "write", "ADDRESS [=] N", "write 32 bits of memory, as the kernel",
	  "ADDRESS is a number, NAME, or NAME+OFFSET.", NULL, COMMAND_ZONES, command_write },
	{ "process", "[WORD...]", "begin a process: an empty address space",
	  "P = process. Words: compat (32 bits on a 64-bit machine), bottom_up, privileged,\n"
	  "seed N (its layout is random). What follows is about it; about another one for\n"
	  "one line: on Q: COMMAND.",
	  NULL, MAKES, command_process },
	{ "program", "[text SIZE] [data SIZE] [bss SIZE] [pie] [compat]",
	  "begin a process with a program of that size",
	  "An ELF image is made and executed: P = program text 20K bss 1M.", NULL, MAKES,
	  command_program },
	{ "exec", "FILE [ARG...] [env STRING...]", "execute a program's file of the host",
	  "P = exec FILE begins a process, or gives P a new image.", NULL, MAKES, command_exec },
	{ "fork", "[PROCESS]", "begin a child: the same areas, frames shared", "C = fork P.", NULL,
	  MAKES, command_fork },
	{ "mmap", "SIZE [at ADDRESS] [file F [offset N]] [RIGHTS] [FLAG...]", "map memory, a file",
	  "Private and anonymous, rw unless other rights are said (r, rx ... none). Flags:\n"
	  "shared fixed noreplace growsdown populate locked noreserve stack 32bit hugetlb.",
	  NULL, MAKES, command_mmap },
	{ "munmap", "ADDRESS SIZE", "unmap it", NULL, NULL, COMMAND_ZONES, command_munmap },
	{ "mprotect", "ADDRESS SIZE RIGHTS", "other rights: r, rw, rx, none ...", NULL, NULL,
	  COMMAND_ZONES, command_mprotect },
	{ "mremap", "ADDRESS SIZE NEWSIZE [at ADDRESS] [FLAG...]", "another size, another place",
	  "Flags: maymove, dontunmap.", NULL, MAKES, command_mremap },
	{ "brk", "[ADDRESS|+SIZE]", "the end of the heap",
	  "A = brk +64K lets the heap grow; A is where the new part begins.", NULL, MAKES,
	  command_brk },
	{ "madvise", "ADDRESS SIZE ADVICE", "normal, dontneed, free, dontfork, populate_write ...",
	  NULL, NULL, COMMAND_ZONES, command_madvise },
	{ "khugepaged", "", "make huge pages of small ones",
	  "Looks at as many pages as sysctl transparent_hugepage/khugepaged/pages_to_scan\n"
	  "says, from where it ended. Linux does so every 10 seconds.",
	  NULL, COMMAND_ZONES, command_khugepaged },
	{ "mlock", "ADDRESS SIZE [onfault]", "keep it in memory", NULL, NULL, COMMAND_ZONES,
	  command_mlock },
	{ "munlock", "ADDRESS SIZE", "no longer", NULL, NULL, COMMAND_ZONES, command_munlock },
	{ "mlockall", "[current] [future] [onfault]", "keep all of it in memory", NULL, NULL,
	  COMMAND_ZONES, command_mlockall },
	{ "munlockall", "", "no longer", NULL, NULL, COMMAND_ZONES, command_munlockall },
	{ "msync", "ADDRESS SIZE [sync|async] [invalidate]", "write a file's pages back", NULL,
	  NULL, COMMAND_ZONES, command_msync },
	{ "mseal", "ADDRESS SIZE", "it can't be changed any more", NULL, NULL, COMMAND_ZONES,
	  command_mseal },
	{ "rlimit", "as|data|stack|memlock [=] SIZE|unlimited", "a limit of the process", NULL,
	  NULL, COMMAND_ZONES, command_rlimit },
	{ "touch", "ADDRESS [SIZE] [read|write|exec]", "access each page as the program does",
	  "One byte of each; what is written is 0. Fails with the program's signal.",
	  NULL, COMMAND_ZONES, command_touch },
	{ "store", "ADDRESS [=] N", "write 32 bits of memory, as the program", NULL, NULL,
	  COMMAND_ZONES, command_store },
	{ "file", "SIZE [store|memory|huge]", "make and open a file",
	  "F = file 64K: page N of its store is full of byte N + 1. memory: it has no\n"
	  "store, is zeros, and can be sealed. huge: so are huge pages, of the pool.",
	  NULL, MAKES, command_file },
	{ "close", "FILE", "close it; what was written goes to the store", NULL, NULL,
	  COMMAND_ZONES, command_close },
	{ "fread", "FILE OFFSET SIZE", "read, through the page cache", NULL, NULL, COMMAND_ZONES,
	  command_fread },
	{ "fwrite", "FILE OFFSET SIZE BYTE", "write that byte so often", NULL, NULL, COMMAND_ZONES,
	  command_fwrite },
	{ "truncate", "FILE SIZE", "set its size", NULL, NULL, COMMAND_ZONES, command_truncate },
	{ "punch", "FILE OFFSET SIZE", "make a hole", NULL, NULL, COMMAND_ZONES, command_punch },
	{ "sync", "[FILE]", "write dirty pages to the store", NULL, NULL, COMMAND_ZONES,
	  command_sync },
	{ "drop_caches", "", "drop clean pages of files that nobody maps", NULL, NULL,
	  COMMAND_ZONES, command_drop_caches },
	{ "fadvise", "FILE ADVICE [OFFSET SIZE]", "say how it will be used",
	  "normal, random, sequential, willneed, dontneed, noreuse.", NULL, COMMAND_ZONES,
	  command_fadvise },
	{ "seal", "FILE SEAL...", "forbid changes of a file of memory",
	  "seal, shrink, grow, write, future_write, exec.", NULL, COMMAND_ZONES, command_seal },
	{ "expect", "WHAT... [=] VALUE", "fail unless it is so", NULL, expect_forms, COMMAND_ZONES,
	  command_expect },
	{ "cat", "/proc/NAME | /proc/PROCESS/NAME", "show a report",
	  "JSON after `json on`. Of a process: maps, smaps, smaps_rollup, statm, status.", NULL,
	  COMMAND_ZONES,
	  command_cat },
	{ "draw", "VIEW [svg]", "draw a picture", NULL, NULL, COMMAND_ZONES, command_draw },
	{ "explain", "[pages] ORDER [GFP...]", "how a request would fare, zone by zone", NULL, NULL,
	  COMMAND_ZONES, command_explain },
	{ "show", "", "list the names and what they hold", NULL, NULL, COMMAND_ZONES,
	  command_show },
	{ "check", "", "walk everything: does every invariant hold?", NULL, NULL, COMMAND_ZONES,
	  command_check },
	{ "hash", "", "one number for the whole state", NULL, NULL, COMMAND_ZONES, command_hash },
	{ "say", "\"TEXT\"", "tell the reader something", NULL, NULL, 0, command_say },
	{ "json", "on|off", "reports as JSON", NULL, NULL, 0, command_json },
	{ "help", "[COMMAND]", "this list, or a command's own help", NULL, NULL, 0, command_help },
	{ "quit", "", "end the shell, or the script at this line", NULL, NULL, 0, command_quit },
	{ "exit", "[PROCESS]", "end a process; without one the same as quit", NULL, NULL, 0,
	  command_exit },
};

const struct lab_command *command_list(size_t i)
{
	return i < sizeof(commands) / sizeof(commands[0]) ? &commands[i] : NULL;
}

const struct lab_command *command_find(const char *name)
{
	const struct lab_command *c;

	for (size_t i = 0; (c = command_list(i)); i++) {
		if (text_equal(c->name, name))
			return c;
	}
	return NULL;
}

enum lab_status command_form(struct lab *lab, const struct lab_form *forms, const char *what)
{
	const char *word = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };

	for (const struct lab_form *f = forms; word && f->name; f++) {
		if (text_equal(f->name, word))
			return f->run(lab);
		nearest_try(&near, word, f->name);
	}
	return args_wrong(lab, what, word, near.word);
}

/* Is the line NAME = COMMAND? Then the cursor goes behind the =. */
static const char *take_target(struct lab_words *words)
{
	const char *name = words_peek(words);
	unsigned sign = words->at + 1;

	if (!name || sign >= words->nr || words->quoted[sign] ||
	    !text_equal(words->word[sign], "="))
		return NULL;
	words->at += 2;
	return name;
}

enum lab_status command_run(struct lab *lab)
{
	const char *target = take_target(&lab->words);
	const char *name = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };
	const struct lab_command *c = name ? command_find(name) : NULL;
	enum lab_status status = LAB_OK;

	if (!c) {
		for (size_t i = 0; name && command_list(i); i++)
			nearest_try(&near, name, command_list(i)->name);
		return args_wrong(lab, "command", name, near.word);
	}
	if (target && !(c->flags & COMMAND_MAKES))
		return session_fail(lab, LAB_USAGE, "%s makes no block to be named", name);
	if ((c->flags & COMMAND_BEFORE) && lab->zones)
		return session_fail(lab, LAB_USAGE,
				    "%s comes before the first command that needs zones", name);
	if (c->flags & COMMAND_ZONES)
		status = lab_boot(lab);
	return status ? status : c->run(lab, target);
}

static void help_all(const struct quire_sink *sink)
{
	const struct lab_command *c;

	quire_format(sink, "A line is a command, or NAME = COMMAND, or\n"
			   "  on cpu N: COMMAND      do it on that processor\n"
			   "  repeat N: COMMAND      do it N times\n"
			   "# begins a remark. The commands:\n\n");
	for (size_t i = 0; (c = command_list(i)); i++)
		quire_format(sink, "  %-9s %s\n", c->name, c->about);
	quire_format(sink, "\n`help COMMAND` tells more.\n");
}

static void help_forms(const struct quire_sink *sink, const struct lab_form *f)
{
	for (; f->name; f++) {
		char left[64];
		size_t width = quire_format_buffer(left, sizeof(left), "%s %s", f->name,
						   f->synopsis);

		if (width <= 24)
			quire_format(sink, "  %-24s ", left);
		else
			quire_format(sink, "  %s\n%27s", left, "");
		quire_format(sink, "%s\n", f->about);
	}
}

/* Lists that other tables hold: reports, views, flags. */
static void help_lists(const struct quire_sink *sink, const struct lab_command *c)
{
	size_t column = 0;

	for (size_t i = 0; c->run == command_cat && quire_report_list(i); i++)
		quire_format(sink, "  %-16s %s\n", quire_report_list(i)->name,
			     quire_report_list(i)->about);
	for (size_t i = 0; c->run == command_draw && lab_view_list(i); i++)
		quire_format(sink, "  %-16s %s\n", lab_view_list(i)->name,
			     lab_view_list(i)->about);
	if (!text_equal(c->name, "pages"))
		return;
	quire_format(sink, "\nFlags:");
	for (size_t i = 0; lab_gfp_list(i); i++) {
		const char *name = lab_gfp_list(i)->name;
		if (column % 3 == 0)
			quire_format(sink, "\n ");
		quire_format(sink, " %-24s", name);
		column++;
	}
	quire_format(sink, "\n");
}

int lab_help(const struct quire_sink *sink, const char *name)
{
	const struct lab_command *c;

	if (!name || !*name) {
		help_all(sink);
		return 0;
	}
	c = command_find(name);
	if (!c)
		return -QUIRE_ENOENT;
	quire_format(sink, "%s%s%s%s\n    %s\n", c->flags & COMMAND_MAKES ? "[NAME =] " : "",
		     c->name, *c->synopsis ? " " : "", c->synopsis, c->about);
	if (c->help)
		quire_format(sink, "\n%s\n", c->help);
	if (c->forms) {
		quire_format(sink, "\n");
		help_forms(sink, c->forms);
	}
	help_lists(sink, c);
	return 0;
}
