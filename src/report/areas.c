/* SPDX-License-Identifier: MIT */
/*
 * areas.c - a process's areas one by one, for reports that may sleep between them
 *
 *	08048000-08049000 r-xp 00000000 fe:00 1234       /bin/true
 *
 * Names begin at one column, whatever stands before them leaves room for it or not: 74th of a
 * 64-bit kernel, 50th of a 32-bit one.
 *
 * Source: proc(5), proc_pid_maps(5); texts of Linux 6.1 and 6.18
 */
#include "report/areas.h"

#include "vm/mm.h"

bool area_next(struct quire_mm *mm, uint64_t from, struct quire_vma_info *out)
{
	void *host = quire_config(mm->q)->host;
	const struct vma *vma;

	sem_read(&mm->sem, host);
	vma = vma_next(mm, from);
	if (vma) {
		mm_tell(vma, out);
		if (out->file)
			quire_file_get(out->file);
	}
	sem_read_drop(&mm->sem, host);
	return vma != NULL;
}

void area_done(const struct quire_vma_info *area)
{
	quire_file_put(area->file);
}

static const char *area_name(const struct quire_vma_info *area)
{
	static const char *const names[] = {
		[QUIRE_VMA_PLAIN] = "",
		[QUIRE_VMA_HEAP] = "[heap]",
		[QUIRE_VMA_STACK] = "[stack]",
		[QUIRE_VMA_VDSO] = "[vdso]",
	};

	return area->file ? quire_file_name(area->file) : names[area->kind];
}

/* Up to where names begin. */
static void write_start(const struct quire_mm *mm, const struct quire_vma_info *area,
			const struct quire_sink *sink, bool named)
{
	unsigned column = quire_config(mm->q)->machine >= QUIRE_X86_64 ? 73 : 49;
	struct quire_inode_info inode = { .ino = 0 };
	uint32_t flags = area->flags;
	char text[128];
	size_t n;

	if (area->file)
		quire_inode_info(quire_file_inode(area->file), &inode);
	n = quire_format_buffer(text, sizeof(text), "%08jx-%08jx %c%c%c%c %08jx %02x:%02x %ju ",
				(uintmax_t)area->start.v, (uintmax_t)area->end.v,
				flags & QUIRE_VM_READ ? 'r' : '-',
				flags & QUIRE_VM_WRITE ? 'w' : '-',
				flags & QUIRE_VM_EXEC ? 'x' : '-',
				flags & QUIRE_VM_MAYSHARE ? 's' : 'p',
				(uintmax_t)area->pgoff << QUIRE_PAGE_SHIFT,
				(unsigned)inode.dev_major, (unsigned)inode.dev_minor,
				(uintmax_t)inode.ino);
	quire_format(sink, "%s", text);
	if (named)
		quire_format(sink, "%*s", n + 1 < column ? (int)(column - n) : 1, "");
}

/* A name may have a line's end in it, which is written as \012. */
static void write_name(const char *name, const struct quire_sink *sink)
{
	for (; *name; name++)
		quire_format(sink, *name == '\n' ? "\\012" : "%c", *name);
}

void area_line(const struct quire_mm *mm, const struct quire_vma_info *area,
	       const struct quire_sink *sink)
{
	const char *name = area_name(area);

	write_start(mm, area, sink, *name != 0);
	write_name(name, sink);
}

void area_rollup_line(const struct quire_mm *mm, uint64_t start, uint64_t end,
		      const struct quire_sink *sink)
{
	const struct quire_vma_info all = { .start = { start }, .end = { end } };

	write_start(mm, &all, sink, true);
	quire_format(sink, "[rollup]");
}

void area_json(struct json *j, const struct quire_vma_info *area)
{
	const char rights[] = {
		area->flags & QUIRE_VM_READ ? 'r' : '-',
		area->flags & QUIRE_VM_WRITE ? 'w' : '-',
		area->flags & QUIRE_VM_EXEC ? 'x' : '-',
		area->flags & QUIRE_VM_MAYSHARE ? 's' : 'p',
		0,
	};
	struct quire_inode_info inode = { .ino = 0 };

	if (area->file)
		quire_inode_info(quire_file_inode(area->file), &inode);
	json_number(j, "start", area->start.v);
	json_number(j, "end", area->end.v);
	json_string(j, "rights", rights);
	json_number(j, "offset", area->pgoff << QUIRE_PAGE_SHIFT);
	json_number(j, "major", inode.dev_major);
	json_number(j, "minor", inode.dev_minor);
	json_number(j, "inode", inode.ino);
	json_string(j, "name", area_name(area));
}
