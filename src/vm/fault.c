/* SPDX-License-Identifier: MIT */
/*
 * fault.c - page faults: is it allowed, and who answers it
 *
 *   address in an area? ──no──> below a stack? ──yes──> it grows, once more
 *        │ yes                      └─no──> SIGSEGV, MAPERR
 *   right for this access? ──no──> SIGSEGV, ACCERR
 *        │ yes
 *   not present ──> fault_anon.c, fault_file.c      write to one that is present ──> fault_cow.c
 *
 * A processor may have faulted on what another one has put right meanwhile: then nothing is done,
 * and it tries again.
 *
 * Source: Intel SDM vol. 3A, 4.7; the signals as sigaction(2) tells them
 */
#include "vm/fault.h"

#include <quire/port.h>

#include "core/assert.h"
#include "vm/account.h"
#include "vm/fault_anon.h"
#include "vm/fault_cow.h"
#include "vm/fault_file.h"
#include "vm/huge.h"
#include "vm/hugetlb.h"

#define RIGHTS (QUIRE_VM_READ | QUIRE_VM_WRITE | QUIRE_VM_EXEC)

const char *quire_fault_name(enum quire_fault fault)
{
	static const char *const names[] = { "done", "SIGSEGV", "SIGBUS", "OOM" };

	return (unsigned)fault <= QUIRE_FAULT_OOM ? names[fault] : "?";
}

const char *quire_fault_kind_name(enum quire_fault_kind kind)
{
	static const char *const names[] = { "fresh memory read: page of zeros",
					     "fresh memory written: own frame",
					     "page of a file mapped",
					     "copy-on-write",
					     "written by its last owner",
					     "page of a file made dirty",
					     "spurious" };

	return (unsigned)kind < QUIRE_NR_FAULT_KINDS ? names[kind] : "?";
}

COLD struct leaf *fault_enter_slow(struct fault *f, uintptr_t *token)
{
	uint32_t need;

	struct large large;

	f->stock.q = f->table->q;
	for (;;) {
		f->large = user_large(f->table, f->address, &large);
		f->huge = !f->small && huge_wanted(f->vma) && huge_fits(f->vma, f->address);
		if (f->large || f->huge) {
			fault_leave(f, *token);
			return NULL;
		}
		need = user_need(f->table, f->address, f->address);
		if (need <= f->stock.nr)
			return user_make(f->table, f->address, &f->stock);
		table_leave(f->table, *token);
		if (stock_fill(&f->stock, need))
			return NULL;
		*token = table_enter(f->table);
	}
}

/* ---- Stacks ---- */

/* May the area below be so close to a stack that begins at @start? */
static bool guarded(const struct vma *stack, uint64_t start)
{
	const struct vma *prev = vma_prev(stack->mm, stack->start);
	uint64_t gap = vm_of(stack->mm->q)->sysctl.stack_guard_pages << QUIRE_PAGE_SHIFT;

	if (!prev || (prev->flags & QUIRE_VM_GROWSDOWN) || !(prev->flags & RIGHTS))
		return !prev || start >= prev->end;
	return start >= prev->end && start - prev->end >= gap;
}

/* Let a stack grow down to an address, if limits allow. Locks: S for writing */
static bool grow(struct vma *stack, uint64_t address)
{
	struct quire_mm *mm = stack->mm;
	uint64_t start = address & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	uint64_t nr = (stack->start - start) >> QUIRE_PAGE_SHIFT;

	if (start < vm_of(mm->q)->sysctl.mmap_min_addr || nr > stack->pgoff ||
	    !guarded(stack, start))
		return false;
	/* Linux gives a stack that grows its anon at once, and merges areas accordingly. */
	if (anon_prepare(stack))
		return false;
	if (stack->end - start > mm->config.rlimit[QUIRE_RLIMIT_STACK] ||
	    !account_may_grow(mm, stack->flags, nr) || !account_may_lock(mm, stack->flags, nr))
		return false;
	if ((stack->flags & QUIRE_VM_ACCOUNT) && account_promise(mm, nr))
		return false;
	account_area(mm, stack->flags, (int64_t)nr);
	vma_resize(stack, start, stack->end);
	return true;
}

/*
 * Is there a stack above the address that reaches it now? Locks: S for reading, dropped and taken
 * again
 */
static COLD bool reach(struct quire_mm *mm, uint64_t address)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct vma *vma = vma_next(mm, address);
	bool grown = false;

	if (!vma || !(vma->flags & QUIRE_VM_GROWSDOWN))
		return false;
	sem_read_drop(&mm->sem, mm->q->config.host);
	sem_write(&mm->sem, mm->q->config.host);
	vma = vma_next(mm, address);
	if (vma && vma->start <= address)
		grown = true; /* by another fault */
	else if (vma && (vma->flags & QUIRE_VM_GROWSDOWN))
		grown = grow(vma, address);
	sem_write_drop(&mm->sem, mm->q->config.host);
	sem_read(&mm->sem, mm->q->config.host);
	return grown;
}

/* fault_area, within the fault. */
static inline struct vma *area(struct quire_mm *mm, uint64_t address)
{
	struct vma *vma = vma_find(mm, address);

	while (unlikely(!vma) && reach(mm, address))
		vma = vma_find(mm, address);
	return vma;
}

struct vma *fault_area(struct quire_mm *mm, uint64_t address)
{
	return area(mm, address);
}

/* ---- Faults ---- */

static enum quire_fault segv(struct quire_signal *out, int code)
{
	out->code = code;
	return QUIRE_FAULT_SIGSEGV;
}

/* What came of it. */
static inline enum quire_fault account(struct fault *f, enum quire_fault fault,
				       struct quire_signal *out)
{
	struct quire_mm *mm = f->vma->mm;

	if (likely(fault == QUIRE_FAULT_DONE)) {
		atomic_fetch_add_explicit(&mm->faults[f->kind], 1, memory_order_relaxed);
		if (unlikely(f->major))
			atomic_fetch_add_explicit(&mm->maj_faults, 1, memory_order_relaxed);
	}
	if (unlikely(fault == QUIRE_FAULT_SIGBUS))
		out->code = QUIRE_BUS_ADRERR;
	out->major = f->major;
	return fault;
}

/* Is it for this kind of access? What a processor finds missing, it may be brought for any. */
static inline bool allowed(const struct vma *vma, uint32_t code)
{
	if (code & QUIRE_PF_WRITE)
		return vma->flags & QUIRE_VM_WRITE;
	if (code & QUIRE_PF_PRESENT)
		return false;
	return vma->flags & RIGHTS;
}

static inline enum quire_fault answer(struct vma *vma, uint64_t address, uint32_t code,
				      struct quire_signal *out)
{
	struct fault f = { .vma = vma,
			   .table = vma->mm->table,
			   .address = address & ~(uint64_t)(QUIRE_PAGE_SIZE - 1),
			   .write = code & QUIRE_PF_WRITE };
	enum quire_fault fault;

	if (code & QUIRE_PF_PRESENT) {
		fault = fault_cow(&f);
	} else {
		vma_touch(vma);
		fault = vma->file ? fault_file(&f) : fault_anon(&f);
	}
	return account(&f, fault, out);
}

/* A read was refused of a page that is present. Has another processor changed its rights since? */
static COLD bool put_right(const struct vma *vma, uint64_t address, uint32_t code)
{
	uintptr_t token = table_enter(vma->mm->table);
	uint64_t entry = user_look(vma->mm->table, address);

	table_leave(vma->mm->table, token);
	return (entry & QUIRE_PTE_PRESENT) && (!(code & QUIRE_PF_EXEC) || !(entry & ENTRY_NX)) &&
	       (vma->flags & RIGHTS);
}

enum quire_fault quire_mm_fault(struct quire_mm *mm, quire_virt_t address, uint32_t error_code,
				struct quire_signal *out)
{
	struct quire_signal signal;
	enum quire_fault fault;
	struct vma *vma;

	if (!out)
		out = &signal;
	*out = (struct quire_signal){ .address = address };
	sem_read(&mm->sem, mm->q->config.host);
	vma = area(mm, address.v);
	if (unlikely(!vma))
		fault = segv(out, QUIRE_SEGV_MAPERR);
	else if (likely(allowed(vma, error_code)))
		fault = answer(vma, address.v, error_code, out);
	else if ((error_code & (QUIRE_PF_WRITE | QUIRE_PF_PRESENT)) == QUIRE_PF_PRESENT &&
		 put_right(vma, address.v, error_code))
		fault = QUIRE_FAULT_DONE;
	else
		fault = segv(out, QUIRE_SEGV_ACCERR);
	sem_read_drop(&mm->sem, mm->q->config.host);
	return fault;
}

/* ---- By the kernel ---- */

/* The same where a large leaf may be. Return: its entry, marked for a write. Locks: T */
static COLD uint64_t missing_large(struct quire_table *t, uint64_t address, bool write)
{
	struct large large;

	if (!user_large(t, address, &large))
		return 0;
	if (write && (large.entry & QUIRE_PTE_PRESENT) && (large.entry & QUIRE_PTE_RW))
		user_change_large(t, &large, ~0ull, QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY);
	return large.entry;
}

/* What a processor would find at the address. Return: false if the access needs no fault */
static bool missing(const struct vma *vma, uint64_t address, bool write, uint32_t *code)
{
	const uint64_t marks = QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY;
	struct quire_table *t = vma->mm->table;
	uintptr_t token = table_enter(t);
	const struct leaf *leaf = user_find(t, address);
	unsigned i = user_index(t, address);
	uint64_t entry = leaf ? table_get(t, leaf->contents, i) : missing_large(t, address, write);

	/* What the kernel is about to write is marked as a processor would mark it. */
	while (leaf && write && (entry & QUIRE_PTE_PRESENT) && (entry & QUIRE_PTE_RW) &&
	       (entry & marks) != marks &&
	       !entry_change(leaf->contents, i, t->format->entry_bytes, entry, entry | marks))
		entry = table_get(t, leaf->contents, i);
	table_leave(t, token);
	*code = (write ? QUIRE_PF_WRITE : 0) | (entry & QUIRE_PTE_PRESENT ? QUIRE_PF_PRESENT : 0);
	return !(entry & QUIRE_PTE_PRESENT) || (write && !(entry & QUIRE_PTE_RW));
}

enum quire_fault fault_in(struct vma *vma, uint64_t address, bool write,
			  struct quire_signal *signal)
{
	enum quire_fault fault = QUIRE_FAULT_DONE;
	uint32_t code;

	*signal = (struct quire_signal){ .address = { address } };
	if (!allowed(vma, write ? QUIRE_PF_WRITE : 0))
		return segv(signal, QUIRE_SEGV_ACCERR);
	while (fault == QUIRE_FAULT_DONE && missing(vma, address, write, &code))
		fault = answer(vma, address, code, signal);
	return fault;
}

/* A page of a file that a call wants to write is dirty at once, if the entry does not say so. */
static void dirty_at(struct vma *vma, uint64_t address)
{
	struct quire_table *t = vma->mm->table;
	uintptr_t token = table_enter(t);
	const struct leaf *leaf = user_find(t, address);
	uint64_t entry = leaf ? table_get(t, leaf->contents, user_index(t, address)) : 0;
	bool clean = (entry & (QUIRE_PTE_PRESENT | QUIRE_PTE_RW | QUIRE_PTE_DIRTY)) ==
		     (QUIRE_PTE_PRESENT | QUIRE_PTE_RW);
	struct quire_page *page = clean ? frame_of(vma->mm, entry) : NULL;

	if (page && !frame_anon(page))
		frame_dirty(t->q, page);
	table_leave(t, token);
}

int fault_populate_area(struct vma *vma, uint64_t start, uint64_t end, enum populate how)
{
	uint32_t kind = vma->flags & (QUIRE_VM_WRITE | QUIRE_VM_SHARED);
	bool write = how == POPULATE_WRITE || (how == POPULATE_MAP && kind == QUIRE_VM_WRITE);
	uint64_t step = hugetlb_is(vma) ? hugepool_bytes(vma->mm->q) : QUIRE_PAGE_SIZE;
	struct quire_signal signal;

	if (how == POPULATE_MAP && vma->flags & QUIRE_VM_LOCKONFAULT)
		return 0;
	for (uint64_t at = start; at < end; at = (at & ~(step - 1)) + step) {
		/* What can't be read isn't, whatever the processor does. */
		if (how != POPULATE_MAP && !(vma->flags & (write ? QUIRE_VM_WRITE : QUIRE_VM_READ)))
			return -QUIRE_EINVAL;
		if (write && vma->file)
			dirty_at(vma, at);
		switch (fault_in(vma, at, write, &signal)) {
		case QUIRE_FAULT_DONE:
			break;
		case QUIRE_FAULT_OOM:
			return -QUIRE_ENOMEM;
		case QUIRE_FAULT_SIGSEGV:
			return how == POPULATE_MAP ? -QUIRE_EFAULT : -QUIRE_EINVAL;
		default:
			return -QUIRE_EFAULT;
		}
	}
	return 0;
}

int fault_populate(struct quire_mm *mm, uint64_t start, uint64_t end, enum populate how)
{
	int error = 0;

	sem_read(&mm->sem, mm->q->config.host);
	while (!error && start < end) {
		struct vma *vma = vma_find(mm, start);
		uint64_t stop = vma && vma->end < end ? vma->end : end;

		if (!vma)
			error = -QUIRE_ENOMEM;
		else
			error = fault_populate_area(vma, start, stop, how);
		start = stop;
	}
	sem_read_drop(&mm->sem, mm->q->config.host);
	return error;
}
