/* SPDX-License-Identifier: MIT */
/*
 * heap_loops.h - the loops of rows kmalloc.*, for any allocator of memory by size
 *
 * No include guard: rows_slab.c includes it once for each allocator, with
 *
 *   NAME(x)       the name of its function x
 *   HEAP          the parameters by which it is reached
 *   ALLOC(bytes)  the call that allocates
 *   FREE(p)       the call that frees
 *
 * so that each is called as a program would call it, and the loops are the same to the letter.
 */

static __attribute__((noinline)) void NAME(pair_64)(HEAP, unsigned n)
{
	for (; n > 0; n--)
		FREE(ALLOC(64));
}

static __attribute__((noinline)) void NAME(pair_1024)(HEAP, unsigned n)
{
	for (; n > 0; n--)
		FREE(ALLOC(1024));
}

static __attribute__((noinline)) void NAME(pair_mixed)(HEAP, unsigned n, const unsigned *size)
{
	for (; n > 0; n--)
		FREE(ALLOC(size[n % MIXED]));
}

/* Allocate @nr, free them in the order that @order says; @n times. */
static __attribute__((noinline)) void NAME(batch)(HEAP, unsigned n, unsigned nr, void **object,
						  const unsigned *order)
{
	for (; n > 0; n--) {
		for (unsigned i = 0; i < nr; i++)
			object[i] = ALLOC(64);
		for (unsigned i = 0; i < nr; i++)
			FREE(object[order[i]]);
	}
}

static __attribute__((noinline)) void NAME(fill)(HEAP, unsigned nr, void **object,
						 const unsigned *size)
{
	for (unsigned i = 0; i < nr; i++)
		object[i] = ALLOC(size[i]);
}

/* Replace objects at random by others of random sizes; @pick is what was drawn. */
static __attribute__((noinline)) void NAME(churn)(HEAP, unsigned n, void **object,
						  const unsigned *pick, const unsigned *size)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned slot = pick[i];

		FREE(object[slot]);
		object[slot] = ALLOC(size[i]);
	}
}

static __attribute__((noinline)) void NAME(empty)(HEAP, unsigned nr, void **object)
{
	for (unsigned i = 0; i < nr; i++)
		FREE(object[i]);
}
