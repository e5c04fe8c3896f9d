/* SPDX-License-Identifier: MIT */
/*
 * layout.c - where areas go
 *
 * Top-down, an area takes the highest free addresses below mmap_base, which leaves the stack room
 * to grow to its limit; bottom-up the lowest above a third of all addresses, as Linux did once and
 * does again when nothing is left below mmap_base.
 *
 * Source: Linux's Documentation/arch/x86/x86_64/mm.rst, personality(2) (ADDR_COMPAT_LAYOUT),
 * mmap(2); Molnar, "flexible mmap layout", 2004
 */
#include "vm/layout.h"

#include "core/assert.h"

#define MB(n) ((uint64_t)(n) << 20)
/* What a stack has at least, below which nothing is mapped. */
#define STACK_LEAST MB(128)
/* User addresses of 64-bit processes end a page below the hole. */
#define TASK_SIZE_47 0x7ffffffff000u
#define TASK_SIZE_56 0xfffffffffff000u
/* Of 32-bit processes on a 64-bit machine. */
#define TASK_SIZE_COMPAT 0xffffe000u
/* MAP_32BIT: one gigabyte that code with 32-bit addresses reaches. */
#define LOW_START 0x40000000u
#define LOW_END 0x80000000u
/* Bits of randomness in pages: of the mmap area, of the stack. */
#define MMAP_BITS_64 28
#define MMAP_BITS_32 8
#define STACK_PAGES_64 0x3fffffu
#define STACK_PAGES_32 0x7ffu

static bool is_64(const struct quire_mm *mm)
{
	return mm->q->config.machine >= QUIRE_X86_64 && !mm->config.compat;
}

/*
 * A mix of the seed's bits. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014
 */
static uint64_t random_bits(uint64_t seed, unsigned bits)
{
	uint64_t z = seed + 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) & ((1ull << bits) - 1);
}

static uint64_t task_size(const struct quire_mm *mm)
{
	if (mm->q->config.machine < QUIRE_X86_64)
		return quire_kernel_start(mm->q).v;
	if (mm->config.compat)
		return TASK_SIZE_COMPAT;
	return mm->q->config.machine == QUIRE_X86_64 ? TASK_SIZE_47 : TASK_SIZE_56;
}

/*
 * Where what is not asked for by address ends: five levels are for those who name addresses there.
 */
static uint64_t default_end(const struct quire_mm *mm)
{
	uint64_t end = mm->layout.task_size.v;

	return end > TASK_SIZE_47 ? TASK_SIZE_47 : end;
}

static uint64_t legacy_base(const struct quire_mm *mm, uint64_t shift)
{
	return layout_page_up(default_end(mm) / 3) + shift;
}

void layout_setup(struct quire_mm *mm)
{
	uint64_t stack = mm->config.rlimit[QUIRE_RLIMIT_STACK], pad, end, shift = 0;
	uint64_t guard = vm_of(mm->q)->sysctl.stack_guard_pages << QUIRE_PAGE_SHIFT;

	mm->layout.task_size.v = task_size(mm);
	end = default_end(mm);
	pad = guard;
	if (mm->config.randomize) {
		pad += (uint64_t)(is_64(mm) ? STACK_PAGES_64 : STACK_PAGES_32) << QUIRE_PAGE_SHIFT;
		shift = random_bits(mm->config.seed, is_64(mm) ? MMAP_BITS_64 : MMAP_BITS_32)
			<< QUIRE_PAGE_SHIFT;
	}
	if (stack <= UINT64_MAX - pad)
		stack += pad;
	stack = stack < STACK_LEAST ? STACK_LEAST : stack > end / 6 * 5 ? end / 6 * 5 : stack;
	mm->layout.mmap_base.v = mm->config.bottom_up ? legacy_base(mm, shift)
						      : layout_page_up(end - stack - shift);
}

uint64_t layout_guard(const struct vma *vma)
{
	uint64_t gap = vm_of(vma->mm->q)->sysctl.stack_guard_pages << QUIRE_PAGE_SHIFT;

	if (!(vma->flags & QUIRE_VM_GROWSDOWN))
		return vma->start;
	return vma->start > gap ? vma->start - gap : 0;
}

/* Is there an area that begins, with its gap, below @end? */
static inline bool is_close(const struct vma *next, uint64_t end)
{
	return next && unlikely(next->flags & QUIRE_VM_GROWSDOWN) && layout_guard(next) < end;
}

/* The gap above which @fit->high is, or lower: as high as possible, and not in a stack's. */
static bool find_high(struct quire_mm *mm, struct tree_fit *fit, struct layout_place *out)
{
	while (fit->high > fit->low && tree_gap_top(&mm->areas, fit, &out->spot.c, &out->start)) {
		vma_around(&mm->areas, &out->spot);
		out->at = true;
		if (likely(!is_close(out->spot.next, out->start + fit->bytes)))
			return true;
		fit->high = layout_guard(out->spot.next);
	}
	return false;
}

static bool find_low(struct quire_mm *mm, struct tree_fit fit, struct layout_place *out)
{
	struct tree_cursor c;

	out->at = false;
	while (tree_gap(&mm->areas, &fit, &c, &out->start)) {
		const struct vma *next = vma_next(mm, out->start);

		if (!is_close(next, out->start + fit.bytes))
			return true;
		fit.low = next->end;
	}
	return false;
}

/* Are these addresses free, the gap below the next stack left alone? */
static bool is_free(const struct quire_mm *mm, uint64_t start, uint64_t bytes)
{
	const struct vma *next = vma_next(mm, start);

	return !next || start + bytes <= layout_guard(next);
}

static bool hint_ok(const struct quire_mm *mm, uint64_t hint, uint64_t bytes)
{
	uint64_t end = mm->layout.task_size.v, border = default_end(mm);

	/* Nothing lies across the border of what only those get who ask for it. */
	return hint && hint <= end - bytes && (hint > border) == (hint + bytes > border) &&
	       is_free(mm, hint, bytes);
}

/*
 * An area of whole huge pages is placed where it can have them, if there is room for one more; else
 * anywhere. Return: what it is aligned to
 */
static uint64_t huge_bytes(const struct quire_mm *mm, const struct layout_request *req)
{
	bool whole = req->anonymous && !req->hint && is_64(mm) && !(req->bytes & (MB(2) - 1));

	return whole ? MB(2) : 0;
}

/*
 * find_high or find_low for huge pages: in a gap that is wide enough wherever it begins. @spare:
 * how much wider it has to be
 */
static bool find_huge(struct quire_mm *mm, struct tree_fit fit, bool up, uint64_t spare,
		      struct layout_place *out)
{
	uint64_t mask = fit.align - 1;
	/* MAP_32BIT where others are placed from the top: never the gap's very start, as Linux. */
	uint64_t skip = spare > mask && !mm->config.bottom_up;

	fit.align = QUIRE_PAGE_SIZE;
	fit.bytes += spare;
	if (up && find_low(mm, fit, out))
		out->start = (out->start + mask + skip) & ~mask;
	else if (!up && find_high(mm, &fit, out))
		out->start = (out->start + spare) & ~mask;
	else
		return false;
	return true;
}

/*
 * Find a place for huge pages: for those that may come unasked for (huge_bytes), or for those that
 * may not lie anywhere else. Return: false if there is none, or it does not matter
 */
static bool find_whole(struct quire_mm *mm, const struct layout_request *req, struct tree_fit fit,
		       bool up, struct layout_place *out)
{
	uint64_t unasked = huge_bytes(mm, req);

	fit.align = req->align ? req->align : unasked;
	if (!fit.align)
		return false;
	return find_huge(mm, fit, up, unasked ? unasked : req->align - QUIRE_PAGE_SIZE, out);
}

static int place_low(struct quire_mm *mm, const struct layout_request *req,
		     struct layout_place *out)
{
	bool low = req->flags & QUIRE_MAP_32BIT && is_64(mm);
	struct tree_fit fit = {
		.bytes = req->bytes,
		.align = QUIRE_PAGE_SIZE,
		.low = low                    ? LOW_START
		       : mm->config.bottom_up ? mm->layout.mmap_base.v
					      : legacy_base(mm, 0),
		.high = low ? LOW_END : default_end(mm),
	};

	if (req->bytes > fit.high)
		return -QUIRE_ENOMEM;
	if (req->hint && req->hint <= fit.high - req->bytes && is_free(mm, req->hint, req->bytes)) {
		out->start = req->hint;
		return 0;
	}
	if (find_whole(mm, req, fit, true, out))
		return 0;
	return !req->align && find_low(mm, fit, out) ? 0 : -QUIRE_ENOMEM;
}

static int place_high(struct quire_mm *mm, const struct layout_request *req,
		      struct layout_place *out)
{
	uint64_t border = default_end(mm);
	struct tree_fit fit = layout_below_base(mm, req->bytes);

	if (hint_ok(mm, req->hint, req->bytes)) {
		out->start = req->hint;
		return 0;
	}
	if (req->hint > border)
		fit.high += mm->layout.task_size.v - border;
	if (find_whole(mm, req, fit, false, out))
		return 0;
	if (!req->align && find_high(mm, &fit, out))
		return 0;
	/* Nothing below the stack's place: above it there may be something. */
	const struct layout_request upwards = { .bytes = req->bytes, .align = req->align };

	return place_low(mm, &upwards, out);
}

int layout_place(struct quire_mm *mm, const struct layout_request *req, struct layout_place *out)
{
	uint64_t end = mm->layout.task_size.v;
	int error = 0;

	out->at = false;
	out->start = req->hint;
	if (req->bytes > end)
		return -QUIRE_ENOMEM;
	if (!(req->flags & QUIRE_MAP_FIXED)) {
		if (mm->config.bottom_up || (req->flags & QUIRE_MAP_32BIT && is_64(mm)))
			error = place_low(mm, req, out);
		else
			error = place_high(mm, req, out);
	}
	if (error)
		return error;
	if (out->start > end - req->bytes)
		return -QUIRE_ENOMEM;
	if (out->start & (QUIRE_PAGE_SIZE - 1))
		return -QUIRE_EINVAL;
	if (out->start < vm_of(mm->q)->sysctl.mmap_min_addr && !mm->config.privileged)
		return -QUIRE_EPERM;
	return 0;
}

COLD int layout_fresh_rest(struct quire_mm *mm, uint64_t bytes, struct vma_spot *spot,
			   uint64_t *start)
{
	const struct layout_request anywhere = { .bytes = bytes, .anonymous = true };
	struct layout_place place;
	int error = layout_place(mm, &anywhere, &place);

	if (error)
		return error;
	vma_spot(mm, place.start, spot);
	*start = place.start;
	return 0;
}
