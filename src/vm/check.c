/* SPDX-License-Identifier: MIT */
/*
 * check.c - the invariants of areas, VMA-1 to VMA-6, and the hash of all address spaces
 */
#include "vm/check.h"

#include "cache/inode.h"
#include "core/hash.h"
#include "vm/account.h"
#include "vm/check_frames.h"
#include "vm/hugetlb.h"

/* What is promised, over all address spaces. */
struct promised {
	uint64_t nr_pages;
};

static bool broken(struct quire_violation *out, const char *rule, const char *text, uint64_t where)
{
	if (out)
		*out = (struct quire_violation){ rule, text, where };
	return false;
}

static bool area_check(const struct quire_mm *mm, const struct tree_range *range,
		       struct quire_violation *out)
{
	const struct vma *vma = range->value;
	uint64_t mask = QUIRE_PAGE_SIZE - 1;

	if (range->start != vma->start || range->end != vma->end || vma->mm != mm ||
	    (vma->start | vma->end) & mask || vma->end > mm->layout.task_size.v)
		return broken(out, "VMA-1", "an area is in the tree by its range", range->start);
	if (vma->file &&
	    (vma->maps.first != vma->pgoff || vma->maps.last != vma->pgoff + vma_pages(vma) - 1))
		return broken(out, "VMA-1", "a file knows which of its pages an area maps",
			      vma->start);
	return true;
}

/* @mm: a copy of which the counts begin at 0. */
static bool counts_check(const struct quire_mm *mm, const struct quire_mm *is,
			 struct quire_violation *out)
{
	if (mm->total_vm != is->total_vm || mm->data_vm != is->data_vm ||
	    mm->stack_vm != is->stack_vm || mm->exec_vm != is->exec_vm ||
	    mm->locked_vm != is->locked_vm)
		return broken(out, "VMA-3", "an address space's counts are those of its areas",
			      mm->number);
	return true;
}

static bool areas_check(const struct quire_mm *mm, struct promised *promised,
			struct quire_violation *out)
{
	struct quire_mm is = { .q = mm->q };
	const struct vma *last = NULL;
	struct tree_range range;
	struct tree_cursor c;
	bool more = tree_seek(&mm->areas, 0, &c);
	const char *rule = tree_check(&mm->areas);

	if (rule)
		return broken(out, rule, "the tree of areas", mm->number);
	for (; more && tree_at(&mm->areas, &c, &range); more = tree_next(&mm->areas, &c)) {
		const struct vma *vma = range.value;

		if (!area_check(mm, &range, out))
			return false;
		/* A stack that has grown down to another one stays apart, as in Linux. */
		if (last && !mm->forked && !(vma->flags & QUIRE_VM_GROWSDOWN) &&
		    vma_joins(last, vma))
			return broken(out, "VMA-2", "neighbours that are alike are one area",
				      vma->start);
		account_area(&is, vma->flags, (int64_t)vma_pages(vma));
		promised->nr_pages += vma->flags & QUIRE_VM_ACCOUNT ? vma_pages(vma) : 0;
		last = vma;
	}
	return counts_check(mm, &is, out);
}

static bool entries_check(const struct quire_mm *mm, struct quire_violation *out)
{
	struct quire_mapping map;
	quire_virt_t from = { 0 };

	while (quire_table_next(mm->table, from, &map) && map.virt.v < mm->layout.task_size.v) {
		const struct vma *vma = vma_find(mm, map.virt.v);
		uint64_t bytes = (uint64_t)QUIRE_PAGE_SIZE << map.order;

		if (!vma || map.virt.v + bytes > vma->end)
			return broken(out, "VMA-5", "an entry in use lies in an area", map.virt.v);
		if (!relaxed_load(&vma->touched))
			return broken(out, "VMA-6", "an area with entries was touched", map.virt.v);
		if (map.pte & QUIRE_PTE_PRESENT &&
		    ((map.pte & QUIRE_PTE_RW && !(vma->flags & QUIRE_VM_WRITE)) ||
		     (vma->pte & QUIRE_PTE_NX && !(map.pte & QUIRE_PTE_NX) &&
		      mm->q->config.machine != QUIRE_I386) ||
		     !(vma->pte & QUIRE_PTE_PRESENT)))
			return broken(out, "VMA-5", "an entry allows no more than its area",
				      map.virt.v);
		from.v = map.virt.v + bytes;
	}
	return true;
}

bool check_vm(struct quire *q, const struct tier *tier, struct quire_violation *out)
{
	const struct vm *vm = (const struct vm *)(const void *)tier;
	struct promised promised = { 0 };

	for (const struct quire_mm *mm = vm->mms; mm; mm = mm->next) {
		if (!areas_check(mm, &promised, out) || !entries_check(mm, out))
			return false;
	}
	if (promised.nr_pages != relaxed_load(&vm->committed))
		return broken(out, "VMA-4", "what is promised is what accounted areas have",
			      promised.nr_pages);
	return hugetlb_check(q, vm, out) && check_frames(q, vm, out);
}

/* Its inode's number, and that there is one. */
static uint64_t file_number(const struct quire_file *file)
{
	struct quire_inode_info info;

	if (!file)
		return 0;
	quire_inode_info(quire_file_inode(file), &info);
	return info.ino + 1;
}

static uint64_t areas_hash(const struct quire_mm *mm, uint64_t hash)
{
	struct tree_range range;
	struct tree_cursor c;
	bool more = tree_seek(&mm->areas, 0, &c);

	for (; more && tree_at(&mm->areas, &c, &range); more = tree_next(&mm->areas, &c)) {
		const struct vma *vma = range.value;

		hash = hash_word(hash_word(hash, vma->start), vma->end);
		hash = hash_word(hash_word(hash, vma->flags), vma->pgoff);
		hash = hash_word(hash, file_number(vma->file));
	}
	return hash;
}

static uint64_t layout_hash(const struct quire_mm_layout *at, uint64_t hash)
{
	hash = hash_word(hash_word(hash, at->start_brk.v), at->brk.v);
	hash = hash_word(hash_word(hash, at->mmap_base.v), at->start_stack.v);
	return hash_word(hash, at->task_size.v);
}

uint64_t check_vm_hash(struct quire *q, const struct tier *tier, uint64_t hash)
{
	const struct vm *vm = (const struct vm *)(const void *)tier;

	for (const struct quire_mm *mm = vm->mms; mm; mm = mm->next) {
		hash = hash_word(hash_word(hash, mm->number), mm->def_flags);
		hash = areas_hash(mm, layout_hash(&mm->layout, hash));
		for (unsigned i = 0; i < NR_RSS; i++)
			hash = hash_word(hash, relaxed_load(&mm->rss[i]));
	}
	return hash_word(hash, account_committed(q));
}
