/* SPDX-License-Identifier: MIT */
/*
 * mm.c - address spaces: create, destroy, load, limits
 */
#include "vm/mm.h"

#include <quire/port.h>

#include "core/assert.h"
#include "vm/account.h"
#include "vm/layout.h"
#include "vm/zap.h"

#define MB(n) ((uint64_t)(n) << 20)

void quire_mm_config_init(struct quire_mm_config *config)
{
	*config = (struct quire_mm_config){ .compat = false };
	for (unsigned i = 0; i < QUIRE_NR_RLIMITS; i++)
		config->rlimit[i] = QUIRE_RLIM_INFINITY;
	config->rlimit[QUIRE_RLIMIT_STACK] = MB(8);
	config->rlimit[QUIRE_RLIMIT_MEMLOCK] = MB(8);
}

static uintptr_t enter(struct vm *vm) LOCK_ATTRIBUTE(acquire_capability(vm->lock))
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&vm->lock);
	return token;
}

static void leave(struct vm *vm, uintptr_t token) LOCK_ATTRIBUTE(release_capability(vm->lock))
{
	lock_drop(&vm->lock);
	quire_port_cpu_leave(token);
}

/* Put it at the end of the list. */
static void enlist(struct vm *vm, struct quire_mm *mm)
{
	uintptr_t token = enter(vm);

	mm->number = ++vm->nr_created;
	mm->prev = vm->last;
	if (vm->last)
		vm->last->next = mm;
	else
		vm->mms = mm;
	vm->last = mm;
	leave(vm, token);
}

static void delist(struct vm *vm, struct quire_mm *mm)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	/* khugepaged may look at it just now. */
	sem_write(&vm->scan, mm->q->config.host);
	uintptr_t token = enter(vm);
	uint64_t major = relaxed_load(&mm->maj_faults);

	if (mm->prev)
		mm->prev->next = mm->next;
	else
		vm->mms = mm->next;
	if (mm->next)
		mm->next->prev = mm->prev;
	else
		vm->last = mm->prev;
	vm->pgmajfault += major;
	vm->pgfault += mm_faults(mm);
	leave(vm, token);
	sem_write_drop(&vm->scan, mm->q->config.host);
}

int quire_mm_create(struct quire *q, const struct quire_mm_config *config, struct quire_mm **out)
{
	struct vm *vm = vm_of(q);
	struct quire_mm *mm;
	int error;

	if (!vm)
		return -QUIRE_ENODEV;
	if (config && config->compat && q->config.machine < QUIRE_X86_64)
		return -QUIRE_EINVAL;
	mm = quire_cache_alloc(vm->mm_cache, QUIRE_GFP_KERNEL);
	if (!mm)
		return -QUIRE_ENOMEM;
	*mm = (struct quire_mm){ .q = q };
	if (config)
		mm->config = *config;
	else
		quire_mm_config_init(&mm->config);
	layout_setup(mm);
	error = quire_table_create(q, &mm->table);
	if (error) {
		quire_cache_free(vm->mm_cache, mm);
		return error;
	}
	enlist(vm, mm);
	*out = mm;
	return 0;
}

void mm_empty(struct quire_mm *mm)
{
	uint64_t accounted = 0;
	struct vma *vma;

	while ((vma = vma_next(mm, 0))) {
		if (vma->flags & QUIRE_VM_ACCOUNT)
			accounted += vma_pages(vma);
		account_area(mm, vma->flags, -(int64_t)vma_pages(vma));
		if (relaxed_load(&vma->touched))
			zap_range(vma, vma->start, vma->end);
		vma_unlink(vma);
	}
	vma_nodes_put(mm, 0);
	if (accounted)
		account_release(mm, accounted);
}

int quire_mm_destroy(struct quire_mm *mm)
{
	struct quire *q;
	int error;

	if (!mm)
		return 0;
	q = mm->q;
	if (acquire_load(&mm->table->nr_loaded))
		return -QUIRE_EBUSY;
	sem_write(&mm->sem, q->config.host);
	mm_empty(mm);
	sem_write_drop(&mm->sem, q->config.host);
	delist(vm_of(q), mm); /* whoever goes over the list looks at the table */
	error = quire_table_destroy(mm->table);
	ASSERT("VMA-1", !error);
	quire_cache_free(vm_of(q)->mm_cache, mm);
	return 0;
}

int quire_mm_load(struct quire_mm *mm)
{
	return quire_table_load(mm->table);
}

struct quire_table *quire_mm_table(struct quire_mm *mm)
{
	return mm->table;
}

int quire_mm_set_rlimit(struct quire_mm *mm, enum quire_rlimit limit, uint64_t bytes)
{
	if (limit != QUIRE_RLIMIT_DATA && limit != QUIRE_RLIMIT_STACK &&
	    limit != QUIRE_RLIMIT_MEMLOCK && limit != QUIRE_RLIMIT_AS)
		return -QUIRE_EINVAL;
	sem_write(&mm->sem, mm->q->config.host);
	mm->config.rlimit[limit] = bytes;
	sem_write_drop(&mm->sem, mm->q->config.host);
	return 0;
}
