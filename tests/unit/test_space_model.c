/* SPDX-License-Identifier: MIT */
/*
 * test_space_model.c - random calls against a model: an array of pages
 *
 * The model knows of each page what its area says of it, and nothing of areas: those are runs of
 * pages that are alike. A sequence that ends in a difference is made shorter as long as it differs,
 * and printed.
 */
#include "space.h"

#define PAGES 48
#define OPS 80
#define SEQUENCES 3000
#define MAY (QUIRE_VM_MAYREAD | QUIRE_VM_MAYWRITE | QUIRE_VM_MAYEXEC)
#define SHARED_FLAGS (QUIRE_VM_SHARED | QUIRE_VM_MAYSHARE)
#define LOCK_FLAGS (QUIRE_VM_LOCKED | QUIRE_VM_LOCKONFAULT)

/** struct page - one page of the model */
struct page {
	bool on;
	uint32_t flags;
	int file;     /* 0: anonymous */
	uint64_t off; /* page of the file, or the page itself */
};

enum kind {
	OP_MAP,
	OP_FILE,
	OP_UNMAP,
	OP_PROTECT,
	OP_REMAP,
	OP_ADVISE,
	OP_LOCK,
	OP_UNLOCK,
	OP_SEAL
};

/** struct op - one call */
struct op {
	enum kind kind;
	uint64_t at, nr, to, new;
	unsigned prot, flags;
	int what; /* file or advice */
};

struct model {
	struct page page[2 * PAGES];
};

static struct space s;
static struct quire_file *files[3];

static uint64_t low(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool alike(const struct model *m, uint64_t n)
{
	const struct page *a = &m->page[n - 1], *b = &m->page[n];

	return a->on && b->on && a->flags == b->flags && a->file == b->file &&
	       (!a->file || a->off + 1 == b->off);
}

/* The area of page @n ends there. */
static uint64_t area_end(const struct model *m, uint64_t n)
{
	do {
		n++;
	} while (n < 2 * PAGES && alike(m, n));
	return n;
}

static bool any_sealed(const struct model *m, uint64_t at, uint64_t nr)
{
	for (uint64_t n = at; n < at + nr; n++) {
		if (m->page[n].on && m->page[n].flags & QUIRE_VM_SEALED)
			return true;
	}
	return false;
}

static int model_unmap(struct model *m, uint64_t at, uint64_t nr)
{
	if (any_sealed(m, at, nr))
		return -QUIRE_EPERM;
	for (uint64_t n = at; n < at + nr; n++)
		m->page[n] = (struct page){ .on = false };
	return 0;
}

static int model_map(struct model *m, const struct op *op)
{
	bool shared = op->flags & QUIRE_MAP_SHARED && op->kind == OP_FILE;
	uint32_t flags = op->prot | MAY | (shared ? SHARED_FLAGS : 0);
	int file = op->kind == OP_FILE ? op->what : 0;

	if (!shared && op->prot & QUIRE_PROT_WRITE)
		flags |= QUIRE_VM_ACCOUNT;
	if (op->flags & QUIRE_MAP_FIXED_NOREPLACE) {
		for (uint64_t n = op->at; n < op->at + op->nr; n++) {
			if (m->page[n].on)
				return -QUIRE_EEXIST;
		}
	}
	if (model_unmap(m, op->at, op->nr))
		return -QUIRE_EPERM;
	for (uint64_t n = 0; n < op->nr; n++)
		m->page[op->at + n] = (struct page){ true, flags, file, op->new + n };
	return 0;
}

static int model_protect(struct model *m, const struct op *op)
{
	for (uint64_t n = op->at; n < op->at + op->nr; n++) {
		struct page *p = &m->page[n];
		uint32_t flags = (p->flags & ~7u) | op->prot;

		if (!p->on)
			return -QUIRE_ENOMEM;
		if (p->flags & QUIRE_VM_SEALED)
			return -QUIRE_EPERM;
		if (flags == p->flags)
			continue;
		if (!(flags & QUIRE_VM_WRITE))
			flags &= p->file ? ~0u : ~QUIRE_VM_ACCOUNT;
		else if (!(p->flags & QUIRE_VM_SHARED))
			flags |= QUIRE_VM_ACCOUNT;
		p->flags = flags;
	}
	return 0;
}

static int model_advise(struct model *m, const struct op *op)
{
	static const uint32_t set[] = {
		[QUIRE_MADV_RANDOM] = QUIRE_VM_RAND_READ,
		[QUIRE_MADV_DONTFORK] = QUIRE_VM_DONTCOPY,
		[QUIRE_MADV_WIPEONFORK] = QUIRE_VM_WIPEONFORK,
		[QUIRE_MADV_DONTDUMP] = QUIRE_VM_DONTDUMP,
	}, clear[] = {
		[QUIRE_MADV_NORMAL] = QUIRE_VM_RAND_READ,
		[QUIRE_MADV_DOFORK] = QUIRE_VM_DONTCOPY,
		[QUIRE_MADV_KEEPONFORK] = QUIRE_VM_WIPEONFORK,
		[QUIRE_MADV_DONTDUMP] = 0,
	};
	bool loses = op->what == QUIRE_MADV_DONTFORK || op->what == QUIRE_MADV_WIPEONFORK ||
		     op->what == QUIRE_MADV_DONTNEED;
	int error = 0;

	for (uint64_t n = op->at; n < op->at + op->nr; n++) {
		struct page *p = &m->page[n];

		if (!p->on) {
			error = -QUIRE_ENOMEM;
			continue;
		}
		if (loses && p->flags & QUIRE_VM_SEALED && !(p->flags & QUIRE_VM_WRITE) && !p->file)
			return -QUIRE_EPERM;
		if (op->what == QUIRE_MADV_DONTNEED && p->flags & QUIRE_VM_LOCKED)
			return -QUIRE_EINVAL;
		if (op->what == QUIRE_MADV_WIPEONFORK && p->file)
			return -QUIRE_EINVAL;
		p->flags |= (size_t)op->what < sizeof(set) / 4 ? set[op->what] : 0;
		p->flags &= (size_t)op->what < sizeof(clear) / 4 ? ~clear[op->what] : ~0u;
	}
	return error;
}

static int model_lock(struct model *m, const struct op *op)
{
	for (uint64_t n = op->at; n < op->at + op->nr; n++) {
		if (!m->page[n].on)
			return -QUIRE_ENOMEM;
		m->page[n].flags &= ~LOCK_FLAGS;
		m->page[n].flags |= op->kind == OP_LOCK ? LOCK_FLAGS : 0;
	}
	return 0;
}

static int model_seal(struct model *m, const struct op *op)
{
	for (uint64_t n = op->at; n < op->at + op->nr; n++) {
		if (!m->page[n].on)
			return -QUIRE_ENOMEM;
	}
	for (uint64_t n = op->at; n < op->at + op->nr; n++)
		m->page[n].flags |= QUIRE_VM_SEALED;
	return 0;
}

/* Pages [at, at + keep) become [to, to + new). */
static int model_move(struct model *m, uint64_t at, uint64_t old, uint64_t to, uint64_t new,
		      bool stays)
{
	struct page first = m->page[at];

	if (any_sealed(m, to, new) || (new < old && any_sealed(m, at + new, old - new)))
		return -QUIRE_EPERM;
	if (new < old)
		model_unmap(m, at + new, old - new);
	model_unmap(m, to, new);
	/* From no bytes, it may have been in the way itself. */
	if (!m->page[at].on)
		return -QUIRE_EFAULT;
	for (uint64_t n = 0; n < new; n++) {
		m->page[to + n] = first;
		m->page[to + n].off += n;
	}
	if (!stays)
		model_unmap(m, at, low(old, new));
	return 0;
}

static int model_move_all(struct model *m, const struct op *op, bool stays)
{
	for (uint64_t n = op->at; n < op->at + op->nr;) {
		uint64_t end = low(area_end(m, n), op->at + op->nr);
		int error;

		if (!m->page[n].on) {
			n++;
			continue;
		}
		if (m->page[n].flags & QUIRE_VM_SEALED)
			return -QUIRE_EPERM;
		error = model_move(m, n, end - n, op->to + (n - op->at), end - n, stays);
		if (error)
			return error;
		n = end;
	}
	return 0;
}

/* *@moved: it went somewhere else, and is not in the model any more */
static int model_remap(struct model *m, const struct op *op, bool *moved)
{
	bool fixed = op->flags & QUIRE_MREMAP_FIXED, stays = op->flags & QUIRE_MREMAP_DONTUNMAP;
	const struct page *p = &m->page[op->at];
	uint64_t end = area_end(m, op->at), n;

	if (!op->new || (fixed && !(op->flags & QUIRE_MREMAP_MAYMOVE)) ||
	    (stays && op->nr != op->new) ||
	    (fixed && op->at + op->nr > op->to && op->to + op->new > op->at))
		return -QUIRE_EINVAL;
	if (!p->on)
		return -QUIRE_EFAULT;
	if (fixed && op->nr == op->new)
		return model_move_all(m, op, stays);
	if (p->flags & QUIRE_VM_SEALED)
		return -QUIRE_EPERM;
	if (!op->nr && !(p->flags & QUIRE_VM_MAYSHARE))
		return -QUIRE_EINVAL;
	if (!fixed && op->nr >= op->new)
		return model_unmap(m, op->at + op->new, op->nr - op->new);
	if (low(op->nr, op->new) > end - op->at)
		return -QUIRE_EFAULT;
	if (fixed)
		return model_move(m, op->at, op->nr, op->to, op->new, false);
	for (n = end; n < op->at + op->new && !m->page[n].on; n++)
		;
	if (op->at + op->nr == end && n >= op->at + op->new) {
		for (n = end; n < op->at + op->new; n++) {
			m->page[n] = *p;
			m->page[n].off = p->off + (n - op->at);
		}
		return 0;
	}
	if (!(op->flags & QUIRE_MREMAP_MAYMOVE))
		return -QUIRE_ENOMEM;
	*moved = true;
	return model_unmap(m, op->at, op->nr);
}

static int model_do(struct model *m, const struct op *op, bool *moved)
{
	switch (op->kind) {
	case OP_MAP:
	case OP_FILE:
		return model_map(m, op);
	case OP_UNMAP:
		return model_unmap(m, op->at, op->nr);
	case OP_PROTECT:
		return model_protect(m, op);
	case OP_REMAP:
		return model_remap(m, op, moved);
	case OP_ADVISE:
		return model_advise(m, op);
	case OP_LOCK:
	case OP_UNLOCK:
		return model_lock(m, op);
	default:
		return model_seal(m, op);
	}
}

static int real_remap(const struct op *op, bool moved)
{
	const struct quire_mremap args = { at_page(op->at), op->nr * PAGE, op->new * PAGE,
					   op->flags, at_page(op->to) };
	quire_virt_t out = { 0 };
	int error = quire_mremap(s.mm, &args, &out);

	if (!error && moved && (out.v < BASE || out.v >= BASE + 2 * PAGES * PAGE))
		CHECK_EQ(quire_munmap(s.mm, out, op->new * PAGE), 0);
	return error;
}

static int real_do(const struct op *op, bool moved)
{
	switch (op->kind) {
	case OP_MAP:
		return map_at(&s, op->at, op->nr, op->prot, op->flags);
	case OP_FILE:
		return map_file(&s, op->at, op->nr, op->prot, op->flags, files[op->what - 1],
				op->new);
	case OP_UNMAP:
		return unmap_at(&s, op->at, op->nr);
	case OP_PROTECT:
		return protect_at(&s, op->at, op->nr, op->prot);
	case OP_REMAP:
		return real_remap(op, moved);
	case OP_ADVISE:
		return advise_at(&s, op->at, op->nr, op->what);
	case OP_LOCK:
		return quire_mlock(s.mm, at_page(op->at), op->nr * PAGE, QUIRE_MLOCK_ONFAULT);
	case OP_UNLOCK:
		return quire_munlock(s.mm, at_page(op->at), op->nr * PAGE);
	default:
		return quire_mseal(s.mm, at_page(op->at), op->nr * PAGE, 0);
	}
}

static bool same_area(const struct model *m, uint64_t n, uint64_t end,
		      const struct quire_vma_info *info)
{
	const struct page *p = &m->page[n];

	return info->start.v == BASE + n * PAGE && info->end.v == BASE + end * PAGE &&
	       info->flags == p->flags && (info->file != NULL) == (p->file != 0) &&
	       (!p->file || (info->file == files[p->file - 1] && info->pgoff == p->off));
}

static bool sound(bool loud)
{
	struct quire_violation broken;
	bool ok = quire_check(s.q, &broken);

	if (!ok && loud)
		printf("%s: %s: %#" PRIx64 "\n", broken.rule, broken.text, broken.where);
	return ok;
}

static bool same(const struct model *m, bool loud)
{
	struct quire_vma_info info;
	quire_virt_t from = { 0 };
	uint64_t n = 0;

	for (; n < 2 * PAGES; n = area_end(m, n)) {
		if (!m->page[n].on)
			continue;
		if (!quire_mm_next_vma(s.mm, from, &info) ||
		    !same_area(m, n, area_end(m, n), &info)) {
			if (loud)
				printf("from page %d: %s, flags %#x\n", (int)n, space_areas(&s),
				       info.flags);
			return false;
		}
		from = info.end;
	}
	return !quire_mm_next_vma(s.mm, from, &info);
}

/* Which is to be left out: DONTUNMAP unlocks the whole area, beyond the pages named. */
static bool unlike_pages(const struct model *m, const struct op *op)
{
	if (op->kind != OP_REMAP || !(op->flags & QUIRE_MREMAP_DONTUNMAP))
		return false;
	for (uint64_t n = 0; n < PAGES; n++) {
		if (m->page[n].flags & QUIRE_VM_LOCKED)
			return true;
	}
	/* Without FIXED it may come to lie anywhere. */
	return !(op->flags & QUIRE_MREMAP_FIXED);
}

/* Return: the number of the call that differs; @nr: none does */
static size_t run(const struct op *op, size_t nr, bool loud)
{
	static struct model m;
	size_t i;

	memset(&m, 0, sizeof(m));
	CHECK_EQ(quire_mm_create(s.q, NULL, &s.mm), 0);
	for (i = 0; i < nr; i++) {
		bool moved = false;
		int want, got;

		if (unlike_pages(&m, &op[i]))
			continue;
		want = model_do(&m, &op[i], &moved);
		got = real_do(&op[i], moved);
		if (loud)
			printf("  call %d: %d, the model says %d\n", (int)op[i].kind, got, want);
		if (got != want || !same(&m, loud) || ((loud || i + 1 == nr) && !sound(loud)))
			break;
	}
	CHECK_EQ(quire_mm_destroy(s.mm), 0);
	s.mm = NULL;
	return i;
}

static struct op random_op(uint64_t *seed)
{
	static const int advice[] = { QUIRE_MADV_NORMAL,   QUIRE_MADV_RANDOM,
				      QUIRE_MADV_DONTNEED, QUIRE_MADV_DONTFORK,
				      QUIRE_MADV_DOFORK,   QUIRE_MADV_WIPEONFORK,
				      QUIRE_MADV_KEEPONFORK };
	static const unsigned prots[] = { 0, 1, 3, 3, 3, 5, 7 };
	uint64_t r = test_random(seed);
	struct op op = { .kind = (enum kind)(r % 100 < 30   ? OP_MAP
					     : r % 100 < 40 ? OP_FILE
					     : r % 100 < 50 ? OP_UNMAP
					     : r % 100 < 65 ? OP_PROTECT
					     : r % 100 < 82 ? OP_REMAP
					     : r % 100 < 90 ? OP_ADVISE
					     : r % 100 < 95 ? OP_LOCK
					     : r % 200 < 99 ? OP_UNLOCK
							    : OP_SEAL) };

	r >>= 8;
	op.at = r % (PAGES - 12);
	op.nr = 1 + (r >> 8) % 12;
	op.to = (r >> 12) % (PAGES - 12);
	op.prot = prots[(r >> 20) % 7];
	op.flags = FIXED;
	op.what = 1 + (int)((r >> 24) % 3);
	op.new = (r >> 28) % 40;
	if (op.kind == OP_MAP && (r >> 32) % 8 == 0)
		op.flags = ANON | QUIRE_MAP_FIXED_NOREPLACE;
	if (op.kind == OP_FILE) {
		op.flags = (r >> 32) % 2 ? QUIRE_MAP_SHARED : QUIRE_MAP_PRIVATE;
		op.new = (r >> 33) % 3 ? op.at : op.new;
	}
	if (op.kind == OP_ADVISE)
		op.what = advice[(r >> 32) % 7];
	if (op.kind == OP_REMAP) {
		op.flags = (unsigned)((r >> 32) % 8);
		op.nr = (r >> 36) % 16 ? op.nr : 0;
		op.new = (r >> 40) % 3 ? op.nr : (r >> 44) % 12;
		if (!(op.flags & (QUIRE_MREMAP_FIXED | QUIRE_MREMAP_DONTUNMAP)))
			op.new = (r >> 44) % 12;
	}
	return op;
}

/* Leave calls out as long as it still differs, and show what is left. */
static void shrink(struct op *op, size_t nr)
{
	bool shorter = true;

	nr = run(op, nr, false) + 1;
	while (shorter) {
		shorter = false;
		for (size_t i = 0; i < nr; i++) {
			struct op without[OPS];

			memcpy(without, op, i * sizeof(*op));
			memcpy(without + i, op + i + 1, (nr - i - 1) * sizeof(*op));
			if (run(without, nr - 1, false) == nr - 1)
				continue;
			nr = run(without, nr - 1, false) + 1;
			memcpy(op, without, nr * sizeof(*op));
			shorter = true;
			break;
		}
	}
	for (size_t i = 0; i < nr; i++)
		printf("kind %d at %d nr %d to %d new %d prot %u flags %#x what %d\n",
		       (int)op[i].kind, (int)op[i].at, (int)op[i].nr, (int)op[i].to,
		       (int)op[i].new, op[i].prot, op[i].flags, op[i].what);
	run(op, nr, true);
}

static void run_all(enum quire_machine machine, unsigned sequences, uint64_t seed)
{
	const struct quire_inode_args args = { .bytes = 64 * PAGE };
	struct quire_inode *inode = NULL;

	if (!space_boot(&s, machine, MB(16)))
		return;
	CHECK_EQ(quire_inode_create(s.q, &args, &inode), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(quire_file_open(inode, QUIRE_FILE_READ | QUIRE_FILE_WRITE, "f", &files[i]),
			 0);
	quire_inode_put(inode);
	for (unsigned i = 0; i < sequences && !test_failures; i++, seed++) {
		uint64_t state = seed;
		struct op op[OPS];

		for (size_t n = 0; n < OPS; n++)
			op[n] = random_op(&state);
		if (run(op, OPS, false) == OPS)
			continue;
		printf("seed %" PRIu64 "\n", seed);
		shrink(op, OPS);
		CHECK(!"the model and the machine agree");
	}
	for (int i = 0; i < 3; i++)
		quire_file_put(files[i]);
	CHECK_EQ(space_committed(&s), 0);
	space_end(&s);
}

TEST(random_calls)
{
	const char *text = getenv("QUIRE_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

	printf("seed %" PRIu64 "\n", seed);
	run_all(QUIRE_X86_64, getenv("QUIRE_LONG") ? 100 * SEQUENCES : SEQUENCES, seed);
}

TEST_MAIN(CASE(random_calls))
