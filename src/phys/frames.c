/* SPDX-License-Identifier: MIT */
/*
 * frames.c - the frame array and the section table
 */
#include "phys/frames.h"

#include <quire/port.h>

#include "phys/machine.h"

uint32_t frames_find(const struct quire *q, uint64_t pfn)
{
	const struct frames *f = &q->frames;
	uint64_t root = pfn >> (SECTION_ORDER + ROOT_ORDER);

	if (root >= f->nr_roots || !f->roots[root])
		return FRAME_NONE;
	uint32_t section = f->roots[root][(pfn >> SECTION_ORDER) & (ROOT_SECTIONS - 1)];
	if (!section)
		return FRAME_NONE;
	section--;
	/* Straddled by zones: go on to the one whose zone holds the pfn. */
	while (section + 1 < f->nr_sections &&
	       f->section_start[section + 1] == f->section_start[section] &&
	       pfn >= q->zones[q->blocks[2 * (section + 1)].zone].start)
		section++;
	return section << SECTION_ORDER | (pfn & (SECTION_FRAMES - 1));
}

void frames_enter(struct frames *f, uint32_t section, uint32_t start)
{
	uint32_t *slot = &f->roots[start >> ROOT_ORDER][start & (ROOT_SECTIONS - 1)];

	f->section_start[section] = start;
	if (!*slot)
		*slot = section + 1;
	else
		f->twice = true;
}

static void *take(struct frames *f, void *host, uint64_t bytes)
{
	if (bytes > SIZE_MAX)
		return NULL;
	void *p = quire_port_alloc(host, quire_phys(QUIRE_PORT_ANYWHERE), (size_t)bytes);
	if (p)
		f->table_bytes += bytes;
	return p;
}

int frames_alloc(struct frames *f, void *host, uint32_t nr_sections, uint64_t max_pfn, uint64_t at)
{
	uint64_t bytes = (uint64_t)nr_sections * SECTION_FRAMES * sizeof(*f->pages);

	*f = (struct frames){ 0 };
	if (bytes > SIZE_MAX)
		return -QUIRE_ENOMEM;
	f->nr_sections = nr_sections;
	f->nr = (uintptr_t)nr_sections << SECTION_ORDER;
	f->nr_roots = (uint32_t)((max_pfn + (1u << (SECTION_ORDER + ROOT_ORDER)) - 1) >>
				 (SECTION_ORDER + ROOT_ORDER));
	f->section_start = take(f, host, (uint64_t)nr_sections * sizeof(*f->section_start));
	f->roots = take(f, host, (uint64_t)f->nr_roots * sizeof(*f->roots));
	f->pages = quire_port_alloc(host, quire_phys(at), (size_t)bytes);
	if (f->section_start && f->roots && f->pages)
		return 0;
	frames_free(f, host);
	return -QUIRE_ENOMEM;
}

int frames_root(struct frames *f, void *host, uint64_t pfn)
{
	uint32_t **root = &f->roots[pfn >> (SECTION_ORDER + ROOT_ORDER)];

	if (!*root)
		*root = take(f, host, ROOT_SECTIONS * sizeof(**root));
	return *root ? 0 : -QUIRE_ENOMEM;
}

void frames_free(struct frames *f, void *host)
{
	for (uint32_t i = 0; f->roots && i < f->nr_roots; i++)
		quire_port_free(host, f->roots[i], ROOT_SECTIONS * sizeof(**f->roots));
	quire_port_free(host, f->roots, f->nr_roots * sizeof(*f->roots));
	quire_port_free(host, f->section_start, f->nr_sections * sizeof(*f->section_start));
	quire_port_free(host, f->pages, (size_t)f->nr * sizeof(*f->pages));
	*f = (struct frames){ 0 };
}
