/* SPDX-License-Identifier: MIT */
/*
 * vm.c - the tier: boot, end, what /proc/sys/vm sets
 */
#include <quire/mm.h>

#include <quire/port.h>

#include "cache/hugepool.h"
#include "vm/anon.h"
#include "vm/check.h"
#include "vm/mm.h"
#include "vm/rmap.h"

/*
 * Records take as much on 32-bit hosts, whose pointers are smaller: what the heap looks like is a
 * machine's state. Ten nodes of 400 bytes fill a frame, so they can be had one frame at a time.
 */
#define VMA_BYTES 128
#define MM_BYTES 640
#define NODE_BYTES 400
_Static_assert(sizeof(struct vma) <= VMA_BYTES, "VMA_BYTES");
_Static_assert(sizeof(struct quire_mm) <= MM_BYTES, "MM_BYTES");
_Static_assert(sizeof(struct tree_node) <= NODE_BYTES, "NODE_BYTES");

/* As Linux is shipped. */
static const struct quire_vm_sysctl defaults = {
	.transparent_huge = QUIRE_THP_MADVISE,
	.use_zero_page = true,
	.overcommit_memory = QUIRE_OVERCOMMIT_GUESS,
	.overcommit_ratio = 50,
	.user_reserve_kbytes = 131072,
	.admin_reserve_kbytes = 8192,
	.max_map_count = 65530,
	.mmap_min_addr = 65536,
	.stack_guard_pages = 256,
};

/* Return: 0; an error, and what has been had is given back by vm_end */
static int build(struct vm *vm, struct quire *q)
{
	const struct {
		struct quire_cache **out;
		struct quire_cache_args args;
	} caches[] = {
		{ &vm->vma_cache, { .name = "vm_area_struct", .size = VMA_BYTES, .align = 64 } },
		{ &vm->mm_cache, { .name = "mm_struct", .size = MM_BYTES, .align = 64 } },
		{ &vm->node_cache, { .name = "vm_area_node", .size = NODE_BYTES } },
		{ &vm->anon_cache, { .name = "anon_vma", .size = ANON_BYTES } },
	};
	int error = use_map(q);

	for (unsigned i = 0; !error && i < sizeof(caches) / sizeof(caches[0]); i++)
		error = quire_cache_create(q, &caches[i].args, caches[i].out);
	if (error)
		return error;
	vm->zero = quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, 0);
	if (!vm->zero)
		return -QUIRE_ENOMEM;
	vm->zero_entry = quire_pfn_phys(quire_page_pfn(q, vm->zero)).v;
	return 0;
}

static void end(struct quire *q, struct vm *vm)
{
	struct quire_page *huge = relaxed_load(&vm->huge_zero);

	if (huge)
		quire_page_free(q, huge, quire_page_order(huge));
	if (vm->zero)
		quire_page_free(q, vm->zero, 0);
	quire_cache_destroy(vm->anon_cache);
	quire_cache_destroy(vm->node_cache);
	quire_cache_destroy(vm->mm_cache);
	quire_cache_destroy(vm->vma_cache);
	quire_port_free(q->config.host, vm, sizeof(*vm));
}

/* Processes that are left end; their tables, loaded or not, go with the tier of page tables. */
static void destroy(struct quire *q, struct tier *tier)
{
	struct vm *vm = (struct vm *)(void *)tier;

	while (vm->mms) {
		struct quire_mm *mm = vm->mms;

		vm->mms = mm->next;
		mm_empty(mm);
		(void)quire_table_destroy(mm->table);
		quire_cache_free(vm->mm_cache, mm);
	}
	pagecache_set_above(q, NULL);
	end(q, vm);
}

/* Frames of a huge page. */
static unsigned huge_pages(const struct quire *q)
{
	return format_entries(format_of(q->config.machine), 0);
}

int quire_vm_boot(struct quire *q)
{
	unsigned huge = huge_pages(q);
	struct vm *vm;
	int error;

	if (!q->tier[TIER_CACHE])
		return -QUIRE_ENODEV;
	if (vm_of(q))
		return -QUIRE_EBUSY;
	vm = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE), sizeof(*vm));
	if (!vm)
		return -QUIRE_ENOMEM;
	vm->tier = (struct tier){ destroy, check_vm, check_vm_hash, NULL };
	vm->sysctl = defaults;
	vm->sysctl.pages_to_scan = 8 * huge;
	vm->sysctl.max_ptes_none = huge - 1;
	vm->sysctl.max_ptes_shared = huge / 2;
	error = build(vm, q);
	if (error) {
		end(q, vm);
		return error;
	}
	q->tier[TIER_VM] = &vm->tier;
	pagecache_set_above(q, &rmap_above);
	return 0;
}

int quire_vm_sysctl(struct quire *q, struct quire_vm_sysctl *out)
{
	const struct vm *vm = vm_of(q);
	struct hugepool_stat pool;

	if (!vm)
		return -QUIRE_ENODEV;
	hugepool_stat(q, &pool);
	*out = vm->sysctl;
	out->nr_hugepages = pool.nr - pool.nr_surplus;
	out->nr_overcommit_hugepages = pool.nr_overcommit;
	return 0;
}

/* But for what the pool has. */
static bool is_same(const struct quire_vm_sysctl *a, const struct quire_vm_sysctl *b)
{
	return a->overcommit_memory == b->overcommit_memory &&
	       a->overcommit_ratio == b->overcommit_ratio &&
	       a->overcommit_kbytes == b->overcommit_kbytes &&
	       a->user_reserve_kbytes == b->user_reserve_kbytes &&
	       a->admin_reserve_kbytes == b->admin_reserve_kbytes &&
	       a->max_map_count == b->max_map_count && a->mmap_min_addr == b->mmap_min_addr &&
	       a->stack_guard_pages == b->stack_guard_pages &&
	       a->transparent_huge == b->transparent_huge &&
	       a->use_zero_page == b->use_zero_page && a->pages_to_scan == b->pages_to_scan &&
	       a->max_ptes_none == b->max_ptes_none && a->max_ptes_shared == b->max_ptes_shared;
}

int quire_vm_set_sysctl(struct quire *q, const struct quire_vm_sysctl *sysctl)
{
	struct quire_vm_sysctl all = *sysctl;
	struct vm *vm = vm_of(q);

	if (!vm)
		return -QUIRE_ENODEV;
	if ((unsigned)sysctl->overcommit_memory > QUIRE_OVERCOMMIT_NEVER)
		return -QUIRE_EINVAL;
	if ((unsigned)sysctl->transparent_huge > QUIRE_THP_ALWAYS || !sysctl->pages_to_scan ||
	    sysctl->max_ptes_none >= huge_pages(q) || sysctl->max_ptes_shared >= huge_pages(q))
		return -QUIRE_EINVAL;
	if (sysctl->mmap_min_addr > UINT32_MAX || sysctl->stack_guard_pages > UINT32_MAX)
		return -QUIRE_EINVAL;
	uintptr_t token = quire_port_cpu_enter();

	/* The pool has these. Others read the rest without the lock: written if it changes. */
	all.nr_hugepages = all.nr_overcommit_hugepages = 0;
	lock_take(&vm->lock);
	if (!is_same(&vm->sysctl, &all))
		vm->sysctl = all;
	lock_drop(&vm->lock);
	quire_port_cpu_leave(token);
	hugepool_overcommit(q, sysctl->nr_overcommit_hugepages);
	hugepool_resize(q, sysctl->nr_hugepages);
	return 0;
}
