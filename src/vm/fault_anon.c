/* SPDX-License-Identifier: MIT */
/*
 * fault_anon.c - fresh memory: the first touch of an anonymous page
 *
 * What is only read is the machine's one page of zeros; what is written gets a frame.
 */
#include "vm/fault_anon.h"

#include <quire/port.h>

#include "core/assert.h"
#include "vm/fault_huge.h"
#include "vm/frame.h"

/* A frame of zeros that is nobody's yet. NULL: there is none */
static inline struct quire_page *zeros(struct quire *q)
{
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_HIGHUSER_MOVABLE, 0);

	if (likely(page) &&
	    unlikely(quire_port_zero(q->config.host, quire_page_pfn(q, page), 1))) {
		quire_page_free(q, page, 0);
		return NULL;
	}
	return page;
}

/* Reads of fresh memory. */
static enum quire_fault read_zero(struct fault *f)
{
	uintptr_t token;
	struct leaf *leaf = fault_enter(f, &token);

	if (unlikely(!leaf))
		return fault_huge(f);
	if (likely(!user_get(f->table, leaf, f->address)))
		fault_set(f, leaf, f->address, vm_of(f->table->q)->zero_entry | fault_bits(f));
	fault_leave(f, token);
	return QUIRE_FAULT_DONE;
}

enum quire_fault fault_anon(struct fault *f)
{
	struct vma *vma = f->vma;
	struct quire *q = f->table->q;
	struct quire_page *page;
	struct leaf *leaf;
	uintptr_t token;

	f->kind = f->write ? QUIRE_FAULT_KIND_FRESH : QUIRE_FAULT_KIND_ZERO;
	if (!f->write)
		return read_zero(f);
	if (unlikely(!acquire_load(&vma->anon)) && anon_prepare(vma))
		return QUIRE_FAULT_OOM;
	page = zeros(q);
	if (unlikely(!page))
		return QUIRE_FAULT_OOM;
	leaf = fault_enter(f, &token);
	if (unlikely(!leaf)) {
		quire_page_free(q, page, 0);
		return fault_huge(f);
	}
	if (unlikely(user_get(f->table, leaf, f->address))) {
		/* Another processor was faster. */
		fault_leave(f, token);
		quire_page_free(q, page, 0);
		f->kind = QUIRE_FAULT_KIND_SPURIOUS;
		return QUIRE_FAULT_DONE;
	}
	fault_anon_own(f, page);
	atomic_fetch_add_explicit(&vma->mm->rss[RSS_ANON], 1, memory_order_relaxed);
	fault_set(f, leaf, f->address, fault_phys(q, page) | fault_bits(f) | FRAME_WRITTEN);
	fault_leave(f, token);
	return QUIRE_FAULT_DONE;
}
