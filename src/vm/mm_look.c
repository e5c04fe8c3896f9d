/* SPDX-License-Identifier: MIT */
/*
 * mm_look.c - address spaces, told
 */
#include <quire/mm.h>

#include <quire/port.h>

#include "cache/hugepool.h"
#include "vm/account.h"
#include "vm/huge.h"
#include "vm/mm.h"
#include "vm/rmap.h"

void quire_mm_layout(struct quire_mm *mm, struct quire_mm_layout *out)
{
	sem_read(&mm->sem, mm->q->config.host);
	*out = mm->layout;
	sem_read_drop(&mm->sem, mm->q->config.host);
}

void quire_mm_stat(struct quire_mm *mm, struct quire_mm_stat *out)
{
	struct quire_table_stat table;
	uint64_t rss = 0;

	sem_read(&mm->sem, mm->q->config.host);
	quire_table_stat(mm->table, &table);
	*out = (struct quire_mm_stat){
		.total_vm = mm->total_vm,
		.data_vm = mm->data_vm,
		.stack_vm = mm->stack_vm,
		.exec_vm = mm->exec_vm,
		.locked_vm = mm->locked_vm,
		.rss_anon = relaxed_load(&mm->rss[RSS_ANON]),
		.rss_file = relaxed_load(&mm->rss[RSS_FILE]),
		.rss_shmem = relaxed_load(&mm->rss[RSS_SHMEM]),
		.hiwater_rss = mm->hiwater_rss,
		.hiwater_vm = mm->hiwater_vm,
		.nr_vmas = mm->areas.nr,
		.table_bytes = table.nr_tables << QUIRE_PAGE_SHIFT,
		.maj_faults = relaxed_load(&mm->maj_faults),
	};
	for (unsigned kind = 0; kind < QUIRE_NR_FAULT_KINDS; kind++)
		out->faults[kind] = relaxed_load(&mm->faults[kind]);
	out->min_faults = mm_faults(mm) - out->maj_faults;
	sem_read_drop(&mm->sem, mm->q->config.host);
	rss = out->rss_anon + out->rss_file + out->rss_shmem;
	if (rss > out->hiwater_rss)
		out->hiwater_rss = rss;
}

static enum quire_vma_kind kind_of(const struct vma *vma)
{
	const struct quire_mm_layout *at = &vma->mm->layout;

	if (vma->file)
		return QUIRE_VMA_PLAIN;
	if (vma->start < at->brk.v && vma->end > at->start_brk.v)
		return QUIRE_VMA_HEAP;
	if (vma->start <= at->start_stack.v && vma->end >= at->start_stack.v && at->start_stack.v)
		return QUIRE_VMA_STACK;
	return QUIRE_VMA_PLAIN;
}

void mm_tell(const struct vma *vma, struct quire_vma_info *out)
{
	*out = (struct quire_vma_info){
		.start = { vma->start },
		.end = { vma->end },
		.flags = vma->flags,
		.pgoff = vma->file ? vma->pgoff : 0,
		.file = vma->file,
		.kind = kind_of(vma),
	};
}

bool quire_mm_next_vma(struct quire_mm *mm, quire_virt_t from, struct quire_vma_info *out)
{
	const struct vma *vma;

	sem_read(&mm->sem, mm->q->config.host);
	vma = vma_next(mm, from.v);
	if (vma)
		mm_tell(vma, out);
	sem_read_drop(&mm->sem, mm->q->config.host);
	return vma != NULL;
}

static bool is_user(const struct quire_page *page)
{
	enum quire_owner owner = frames_owner(page);

	return owner == QUIRE_OWNER_ANON || owner == QUIRE_OWNER_CACHE;
}

/* Frames that are mapped where mlock keeps them in memory. */
static uint64_t count_mlocked(struct quire *q)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < q->frames.nr; i++)
		nr += is_user(&q->frames.pages[i]) && rmap_mlocked(q, &q->frames.pages[i]);
	return nr;
}

/* Blocks that large leaves map. Blocks of frames are aligned in the frame array, too. */
static uint64_t count_huge(struct quire *q)
{
	uint32_t step = format_entries(format_of(q->config.machine), 0);
	uint64_t nr = 0;

	for (uint32_t i = 0; i < q->frames.nr; i += step)
		nr += frames_owner(&q->frames.pages[i]) == QUIRE_OWNER_ANON &&
		      rmap_huge(q, &q->frames.pages[i]);
	return nr;
}

const char *quire_thp_name(enum quire_thp enabled)
{
	static const char *const names[] = { "never", "madvise", "always" };

	return (unsigned)enabled <= QUIRE_THP_ALWAYS ? names[enabled] : "?";
}

const char *quire_thp_event_name(enum quire_thp_event event)
{
	static const char *const names[] = {
		"thp_fault_alloc",	   "thp_fault_fallback",
		"thp_collapse_alloc",	   "thp_collapse_alloc_failed",
		"thp_split_pmd",	   "thp_scan_exceed_none_pte",
		"thp_scan_exceed_share_pte", "thp_zero_page_alloc",
	};

	return (unsigned)event < QUIRE_NR_THP_EVENTS ? names[event] : "?";
}

int quire_vm_stat(struct quire *q, struct quire_vm_stat *out)
{
	struct vm *vm = vm_of(q);

	if (!vm)
		return -QUIRE_ENODEV;
	*out = (struct quire_vm_stat){
		.committed = account_committed(q),
		.commit_limit = account_limit(q),
		.nr_anon = relaxed_load(&vm->nr_anon),
		.nr_mapped = relaxed_load(&vm->nr_mapped),
	};
	struct hugepool_stat pool;
	bool locked = false, huge = false;

	hugepool_stat(q, &pool);
	out->nr_hugepages = pool.nr;
	out->nr_hugepages_free = pool.nr_free;
	out->nr_hugepages_reserved = pool.nr_reserved;
	out->nr_hugepages_surplus = pool.nr_surplus;
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&vm->lock);
	out->pgfault = vm->pgfault;
	out->pgmajfault = vm->pgmajfault;
	for (const struct quire_mm *mm = vm->mms; mm; mm = mm->next) {
		uint64_t major = relaxed_load(&mm->maj_faults);

		out->nr_mms++;
		locked = locked || mm->locked_vm;
		huge = huge || huge_any(mm);
		out->pgmajfault += major;
		out->pgfault += mm_faults(mm);
		out->nr_table_pages += mm->table->nr_tables + mm->table->deposit.nr;
	}
	lock_drop(&vm->lock);
	quire_port_cpu_leave(token);
	out->nr_mlocked = locked ? count_mlocked(q) : 0;
	out->nr_anon_huge = huge ? count_huge(q) : 0;
	for (unsigned i = 0; i < QUIRE_NR_THP_EVENTS; i++)
		out->thp[i] = relaxed_load(&vm->thp[i]);
	return 0;
}
