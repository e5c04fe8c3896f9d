/* SPDX-License-Identifier: MIT */
/*
 * access.c - memory of a process: as its code touches it, and as the kernel copies from and to it
 *
 * The kernel's copies go by the process's own table, whatever this processor has loaded: the page
 * is had as by a fault, its frame held, and copied to or from where it lies. So nothing that a
 * program passes as an address can harm the kernel: what can't be had is not copied.
 */
#include <quire/mm.h>

#include <quire/highmem.h>
#include <quire/port.h>

#include "cache/pagecache.h"
#include "core/assert.h"
#include "kmem/touch.h"
#include "vm/fault.h"
#include "vm/frame.h"
#include "vm/huge.h"

/* ---- As the program's code ---- */

static enum quire_fault no_address(struct quire_signal *out)
{
	/* The processor does not say which. */
	*out = (struct quire_signal){ .code = QUIRE_SI_KERNEL };
	return QUIRE_FAULT_SIGSEGV;
}

/* One page's part of an access of a processor that can't do it as user code. Return: bytes done */
static size_t by_walk(struct quire_mm *mm, quire_virt_t virt, void *buf, size_t n,
		      enum quire_access access)
{
	size_t part = QUIRE_PAGE_SIZE - (size_t)(virt.v & (QUIRE_PAGE_SIZE - 1));

	part = n < part ? n : part;
	if (access == QUIRE_ACCESS_WRITE)
		return part - quire_copy_to_user(mm, virt, buf, part);
	return part - quire_copy_from_user(mm, buf, virt, part);
}

/* The tables are walked here instead; TLBs are not asked. */
static COLD enum quire_fault walked(struct quire_mm *mm, quire_virt_t virt, unsigned char *buf,
				    size_t n, enum quire_access access, struct quire_signal *out)
{
	enum quire_fault fault = QUIRE_FAULT_DONE;
	struct quire_walk walk;

	while (n && fault == QUIRE_FAULT_DONE) {
		size_t done = 0;

		if (quire_table_walk(mm->table, virt, access, true, &walk)) {
			done = by_walk(mm, virt, buf, n, access);
			/* High memory takes a window, and that a table that is loaded. */
			if (!done)
				return no_address(out);
		} else if (walk.fault.vector != QUIRE_VECTOR_PF) {
			return no_address(out);
		} else {
			fault = quire_mm_fault(mm, virt, walk.fault.error_code, out);
		}
		virt.v += done;
		buf += done;
		n -= done;
	}
	return fault;
}

/* Has this processor the process loaded? */
static bool is_loaded(const struct quire_mm *mm)
{
	uintptr_t token = quire_port_cpu_enter();
	bool here = quire_table_loaded(mm->q, token & 0xffff) == mm->table;

	quire_port_cpu_leave(token);
	return here;
}

enum quire_fault quire_user_access(struct quire_mm *mm, quire_virt_t virt, void *buf, size_t n,
				   enum quire_access access, struct quire_signal *out)
{
	unsigned how = (unsigned)access | QUIRE_ACCESS_USER;
	enum quire_fault fault = QUIRE_FAULT_DONE;
	struct quire_exception stop;
	struct quire_signal signal;
	unsigned char *at = buf;

	if (!out)
		out = &signal;
	*out = (struct quire_signal){ .code = 0 };
	/* What this processor finds would be another process's. */
	if (unlikely(!relaxed_load(&mm->table->nr_loaded)))
		return walked(mm, virt, at, n, access, out);
	while (fault == QUIRE_FAULT_DONE) {
		int error = quire_port_access(mm->q->config.host, virt, at, n,
					      (enum quire_access)how, &stop);

		if (likely(!error))
			return QUIRE_FAULT_DONE;
		if (error == -QUIRE_EOPNOTSUPP)
			return walked(mm, virt, at, n, access, out);
		if (error != -QUIRE_EFAULT || stop.vector != QUIRE_VECTOR_PF)
			return no_address(out);
		at += (size_t)(stop.address.v - virt.v);
		n -= (size_t)(stop.address.v - virt.v);
		virt = stop.address;
		if (unlikely(!is_loaded(mm)))
			return walked(mm, virt, at, n, access, out);
		fault = quire_mm_fault(mm, stop.address, stop.error_code, out);
	}
	return fault;
}

/* ---- As the kernel ---- */

/* The frame at an address if it is there for this access, held; the page of zeros isn't. */
static struct quire_page *hold(struct quire_mm *mm, uint64_t address, bool write)
{
	struct quire_table *t = mm->table;
	uintptr_t token = table_enter(t);
	uint64_t entry = huge_look(t, address);
	struct quire_page *page = NULL;

	if ((entry & QUIRE_PTE_PRESENT) && (!write || (entry & QUIRE_PTE_RW))) {
		page = frame_of(mm, entry);
		/* Of a huge page the first frame is held for all. */
		if (page)
			frames_pin(frames_head(page) & HEAD_TAIL ? quire_page_head(mm->q, page)
								 : page);
		else
			page = vm_of(mm->q)->zero;
	}
	table_leave(t, token);
	return page;
}

/* The page of an address, faulted in and held. NULL: it can't be had. Locks: S for reading */
static struct quire_page *have(struct quire_mm *mm, uint64_t address, bool write)
{
	struct vma *vma = fault_area(mm, address);
	struct quire_page *page = NULL;
	struct quire_signal signal;

	if (!vma)
		return NULL;
	while (!page && fault_in(vma, address, write, &signal) == QUIRE_FAULT_DONE)
		page = hold(mm, address, write);
	return page;
}

/* What is done to each page. */
struct transfer {
	struct quire_mm *mm;
	unsigned char *in;        /* filled; or */
	const unsigned char *out; /* written; or both NULL: zeroed */
};

static int transfer(const struct transfer *t, struct quire_page *page, unsigned offset, size_t n)
{
	if (t->in)
		return quire_page_read(t->mm->q, page, offset, t->in, n);
	if (t->out)
		return quire_page_write(t->mm->q, page, offset, t->out, n);
	return touch_zero(t->mm->q, page, offset, n);
}

/*
 * A page of a file with a store is written while it is locked, and dirty afterwards: write-back may
 * have cleaned the entry since the page was held. Of others the entry alone is marked, as by a
 * processor.
 */
static int transfer_locked(const struct transfer *t, struct quire_page *page, unsigned offset,
			   size_t n)
{
	struct quire *q = t->mm->q;
	int error;

	if (t->in || frames_owner(page) != QUIRE_OWNER_CACHE ||
	    relaxed_load(&use_of(q, page)->flags) & USE_MEMORY)
		return transfer(t, page, offset, n);
	use_lock(q, page);
	error = transfer(t, page, offset, n);
	if (pagecache_inode(page))
		pagecache_dirty(q, page);
	use_unlock(q, page);
	return error;
}

/* Return: bytes that were not done */
static size_t each_page(struct transfer *t, uint64_t address, size_t n)
{
	struct quire_mm *mm = t->mm;
	int error = 0;

	sem_read(&mm->sem, mm->q->config.host);
	while (n && !error) {
		unsigned offset = (unsigned)address & (QUIRE_PAGE_SIZE - 1);
		size_t part = n < QUIRE_PAGE_SIZE - offset ? n : QUIRE_PAGE_SIZE - offset;
		struct quire_page *page = have(mm, address, !t->in);

		if (!page)
			break;
		error = transfer_locked(t, page, offset, part);
		if (page != vm_of(mm->q)->zero)
			frame_put(mm->q, &page, 1);
		if (error)
			break;
		t->in = t->in ? t->in + part : NULL;
		t->out = t->out ? t->out + part : NULL;
		address += part;
		n -= part;
	}
	sem_read_drop(&mm->sem, mm->q->config.host);
	return n;
}

size_t quire_copy_to_user(struct quire_mm *mm, quire_virt_t to, const void *from, size_t n)
{
	return each_page(&(struct transfer){ .mm = mm, .out = from }, to.v, n);
}

size_t quire_copy_from_user(struct quire_mm *mm, void *to, quire_virt_t from, size_t n)
{
	return each_page(&(struct transfer){ .mm = mm, .in = to }, from.v, n);
}

size_t quire_clear_user(struct quire_mm *mm, quire_virt_t to, size_t n)
{
	return each_page(&(struct transfer){ .mm = mm }, to.v, n);
}
