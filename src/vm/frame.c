/* SPDX-License-Identifier: MIT */
/*
 * frame.c - frames of processes: found, given back
 */
#include "vm/frame.h"

#include "cache/hugepool.h"
#include "cache/pagecache.h"
#include "core/assert.h"
#include "vm/anon.h"

COLD struct quire_page *frame_section(struct frame_finder *f, uint64_t pfn)
{
	const struct frames *frames = &f->q->frames;
	uint32_t i = frames_find(f->q, pfn), n = i >> SECTION_ORDER;

	ASSERT("RMAP-2", i != FRAME_NONE);
	/* Two zones in one section: each frame is looked for on its own. */
	bool twice = (n && frames->section_start[n - 1] == frames->section_start[n]) ||
		     (n + 1 < frames->nr_sections &&
		      frames->section_start[n + 1] == frames->section_start[n]);

	f->section = twice ? UINT64_MAX : pfn >> SECTION_ORDER;
	f->first = &frames->pages[n << SECTION_ORDER];
	return &frames->pages[i];
}

/* Of a file, or (any frame of it) a huge page. */
static COLD void put_other(struct quire *q, struct quire_page *page)
{
	struct quire_page *head = quire_page_head(q, page);

	if (frames_owner(head) == QUIRE_OWNER_HUGETLB)
		(void)hugepool_put(q, head, false);
	else
		pagecache_put(q, page);
}

void frame_put(struct quire *q, struct quire_page **page, size_t nr)
{
	struct anon *anon = NULL;
	size_t last = 0, counted = 0, done;

	for (size_t n = 0; n < nr; n++) {
		struct quire_page *p = page[n];
		struct anon *its;

		if (unlikely(!frame_anon(p))) {
			put_other(q, p);
			continue;
		}
		if (!frames_let_go(p))
			continue;
		its = (struct anon *)p->private;
		if (unlikely(its != anon)) {
			if (anon)
				anon_frames_gone(anon, last - counted);
			anon = its;
			counted = last;
		}
		relaxed_store(&p->owner, QUIRE_OWNER_NONE);
		relaxed_store(&p->word, COUNT_ONE | HEAD_USED);
		page[last++] = p;
	}
	if (anon)
		anon_frames_gone(anon, last - counted);
	quire_page_free_bulk(q, last, page, &done);
	ASSERT("RMAP-1", done == last);
}
