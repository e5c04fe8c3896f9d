/* SPDX-License-Identifier: MIT */
/*
 * hugetlb.c - areas of huge pages: the file behind, promises
 *
 * A promise is the pool's word that a free page is kept (hugepool_reserve). Each is known in one
 * place: in the slot of a file, or in the bit of a private area.
 */
#include "vm/hugetlb.h"

#include "core/assert.h"

#define WORD_BITS 64u
/* A file system of its own, beside that of shared memory. */
#define DEV_MINOR 2

int hugetlb_memory(struct quire_mm *mm, uint64_t bytes, struct quire_file **out)
{
	struct vm *vm = vm_of(mm->q);
	const struct quire_inode_args args = {
		.bytes = bytes,
		.dev_minor = DEV_MINOR,
		.ino = atomic_fetch_add_explicit(&vm->nr_shared, 1, memory_order_relaxed) + 1,
	};
	struct quire_inode *inode;
	int error = hugefile_create(mm->q, &args, &inode);

	if (error)
		return error;
	error = quire_file_open(inode, QUIRE_FILE_READ | QUIRE_FILE_WRITE,
				"/anon_hugepage (deleted)", out);
	quire_inode_put(inode);
	return error;
}

/* ---- Bits ------------------------------------------------------------------------- */

struct hugetlb_resv *hugetlb_resv_get(struct quire *q, uint64_t first, uint64_t nr)
{
	uint64_t words = (nr + WORD_BITS - 1) / WORD_BITS;
	struct hugetlb_resv *resv;

	if (words > SIZE_MAX / 16)
		return NULL;
	resv = quire_kzalloc(q, sizeof(*resv) + (size_t)words * sizeof(resv->bits[0]),
			     QUIRE_GFP_KERNEL);
	if (resv) {
		resv->users = 1;
		resv->first = first;
		resv->nr = nr;
	}
	return resv;
}

/* Change the bit of a page. Return: what it was */
static bool set_bit(struct hugetlb_resv *resv, uint64_t n, bool value)
{
	uint64_t i = n - resv->first, bit = 1ull << i % WORD_BITS;
	uint64_t *word = &resv->bits[i / WORD_BITS];
	bool was = *word & bit;

	ASSERT("HUGETLB-2", i < resv->nr);
	*word = value ? *word | bit : *word & ~bit;
	return was;
}

static bool get_bit(const struct hugetlb_resv *resv, uint64_t n)
{
	uint64_t i = n - resv->first;

	return resv->bits[i / WORD_BITS] >> i % WORD_BITS & 1;
}

uint64_t hugetlb_promised(const struct vma *vma)
{
	uint64_t nr = 0;

	if (!vma->huge.resv)
		return 0;
	for (uint64_t n = hugetlb_index(vma, vma->start); n < hugetlb_index(vma, vma->end); n++)
		nr += get_bit(vma->huge.resv, n);
	return nr;
}

/* ---- From the first promise to the last -------------------------------------------- */

static int reserve_private(struct quire *q, const struct vma *like, struct hugetlb_resv **out)
{
	unsigned order = hugepool_order(q);
	uint64_t first = like->pgoff >> order, nr = vma_pages(like) >> order;
	int error = hugepool_reserve(q, nr);

	if (error)
		return error;
	*out = hugetlb_resv_get(q, first, nr);
	if (!*out) {
		hugepool_unreserve(q, nr);
		return -QUIRE_ENOMEM;
	}
	for (uint64_t n = first; n < first + nr; n++)
		set_bit(*out, n, true);
	return 0;
}

int hugetlb_reserve(const struct vma *like, struct hugetlb_resv **out)
{
	struct quire_inode *inode = quire_file_inode(like->file);
	uint64_t end = like->pgoff + vma_pages(like);
	struct quire *q = inode->q;
	int error = 0;

	*out = NULL;
	sem_write(&inode->rw, q->config.host);
	if (like->flags & QUIRE_VM_NORESERVE)
		error = 0;
	else if (hugetlb_shared(like))
		error = hugefile_promise(inode, hugefile_index(inode, like->pgoff),
					 hugefile_index(inode, end));
	else
		error = reserve_private(q, like, out);
	if (!error && like->flags & QUIRE_VM_WRITE && inode->bytes < end << QUIRE_PAGE_SHIFT)
		inode_set_bytes(inode, end << QUIRE_PAGE_SHIFT);
	sem_write_drop(&inode->rw, q->config.host);
	return error;
}

void hugetlb_split(struct vma *upper, const struct vma *lower)
{
	upper->huge = lower->huge;
	if (upper->huge.resv)
		upper->huge.resv->users++;
}

void hugetlb_cut(struct vma *vma, uint64_t start, uint64_t end)
{
	struct quire_inode *inode = quire_file_inode(vma->file);
	struct hugetlb_resv *resv = vma->huge.resv;
	uint64_t nr = 0;

	if (!resv)
		return;
	sem_write(&inode->rw, inode->q->config.host);
	for (uint64_t n = hugetlb_index(vma, start); n < hugetlb_index(vma, end); n++)
		nr += set_bit(resv, n, false);
	if (nr)
		hugepool_unreserve(inode->q, nr);
	sem_write_drop(&inode->rw, inode->q->config.host);
}

void hugetlb_close(struct vma *vma)
{
	struct hugetlb_resv *resv = vma->huge.resv;

	hugetlb_cut(vma, vma->start, vma->end);
	if (resv && !--resv->users)
		quire_kfree(vma->mm->q, resv);
}

void hugetlb_hand_over(struct vma *from, struct vma *to, struct hugetlb_resv *resv)
{
	uint64_t first = hugetlb_index(to, to->start), end = hugetlb_index(to, to->end);

	to->huge.lost = from->huge.lost;
	to->huge.resv = resv;
	for (uint64_t n = first; resv && n < end; n++)
		set_bit(resv, n, set_bit(from->huge.resv, n, false));
}

/* ---- Pages ---------------------------------------------------------------------------- */

struct quire_page *hugetlb_take(struct vma *vma, uint64_t n)
{
	struct hugetlb_resv *resv = vma->huge.resv;
	bool promised = resv && set_bit(resv, n, false);

	return hugepool_take(vma->mm->q, promised);
}

void hugetlb_give(struct vma *vma, struct quire_page *page)
{
	struct quire *q = vma->mm->q;
	uint64_t n = use_index(use_of(q, page)) >> hugepool_order(q);
	bool keep = vma->huge.resv && !hugefile_has(q, page) && !get_bit(vma->huge.resv, n);

	if (hugepool_put(q, page, keep)) {
		ASSERT("HUGETLB-2", keep);
		set_bit(vma->huge.resv, n, true);
	}
}
