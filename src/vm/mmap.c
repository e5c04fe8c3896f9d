/* SPDX-License-Identifier: MIT */
/*
 * mmap.c - new areas
 *
 * The checks come in Linux's order, because a program can tell which came first. What needs memory
 * (a record, tree nodes, the file behind shared anonymous memory) and what may be refused (a
 * promise) is had before MAP_FIXED takes away what was there; from then on nothing fails.
 *
 * Source: mmap(2), memfd_create(2), Linux's Documentation/mm/overcommit-accounting.rst
 */
#include <quire/mm.h>

#include "cache/inode.h"
#include "core/assert.h"
#include "vm/account.h"
#include "vm/fault.h"
#include "vm/hugetlb.h"
#include "vm/layout.h"
#include "vm/munmap.h"

#define MAY (QUIRE_VM_MAYREAD | QUIRE_VM_MAYWRITE | QUIRE_VM_MAYEXEC)
/* What MAP_SHARED_VALIDATE knows; other flags are not ignored there. */
#define KNOWN_FLAGS                                                                            \
	(QUIRE_MAP_SHARED_VALIDATE | QUIRE_MAP_FIXED | QUIRE_MAP_ANONYMOUS | QUIRE_MAP_32BIT | \
	 QUIRE_MAP_GROWSDOWN | QUIRE_MAP_DENYWRITE | QUIRE_MAP_EXECUTABLE | QUIRE_MAP_LOCKED | \
	 QUIRE_MAP_NORESERVE | QUIRE_MAP_POPULATE | QUIRE_MAP_NONBLOCK | QUIRE_MAP_STACK |     \
	 QUIRE_MAP_HUGETLB | HUGE_SIZE)
/* log2 of the page size that MAP_HUGETLB asks for; 0: the usual one. */
#define HUGE_SHIFT 26
#define HUGE_SIZE (0x3fu << HUGE_SHIFT)
/* Whole huge pages are placed as such: the smallest there are. */
#define HUGE_LEAST ((uint64_t)2 << 20)

/** struct request - a mapping that is being made */
struct request {
	uint64_t start, bytes, pgoff;
	unsigned map;            /* QUIRE_MAP_… */
	uint32_t flags;          /* QUIRE_VM_… */
	struct quire_file *file; /* referenced by the caller; NULL: anonymous */
	struct munmap_plan plan; /* what FIXED replaces */
	struct layout_place place;
	bool counted; /* by writable_begin */
	bool made;    /* the file came with this call: of huge pages, without a name */
	uint64_t huge; /* bytes of the file's huge pages; 0: it has none */
};

/* As many bytes of a file as there can be addresses of it. */
static bool offset_ok(const struct quire_mm *mm, uint64_t pgoff, uint64_t bytes)
{
	uint64_t nr = bytes >> QUIRE_PAGE_SHIFT;
	uint64_t most = mm->q->config.machine < QUIRE_X86_64 ? UINT32_MAX
							     : INT64_MAX >> QUIRE_PAGE_SHIFT;

	return nr <= most && pgoff <= most - nr;
}

/* Does this machine have huge pages of the size asked for? */
static bool huge_size_ok(const struct quire_mm *mm, unsigned map)
{
	unsigned shift = map >> HUGE_SHIFT & 0x3f;

	switch (mm->q->config.machine) {
	case QUIRE_I386:
		return !shift || shift == 22;
	case QUIRE_I386_PAE:
		return !shift || shift == 21;
	default:
		return !shift || shift == 21 || shift == 30;
	}
}

/* One of huge pages: its size, whose file. Return: 0; an error */
static COLD int check_huge(struct quire_mm *mm, const struct quire_mmap *args, struct request *req)
{
	bool anonymous = args->flags & QUIRE_MAP_ANONYMOUS;
	unsigned shift = args->flags >> HUGE_SHIFT & 0x3f;

	req->huge = hugepool_bytes(mm->q);
	req->bytes = (args->bytes + req->huge - 1) & ~(req->huge - 1);
	if (anonymous && !huge_size_ok(mm, args->flags))
		return -QUIRE_EINVAL;
	if (!req->bytes)
		return -QUIRE_EINVAL;
	if (anonymous && shift && shift != hugepool_order(mm->q) + QUIRE_PAGE_SHIFT)
		return -QUIRE_ENOMEM; /* of 1 GB there are none */
	if (!anonymous)
		return 0;
	req->made = true;
	return hugetlb_memory(mm, req->bytes, &req->file);
}

/* Is it one? Or is MAP_HUGETLB wrong, with a file of other pages? */
static bool is_huge(const struct quire_mmap *args)
{
	return args->flags & QUIRE_MAP_ANONYMOUS ? args->flags & QUIRE_MAP_HUGETLB
						 : hugefile_is(quire_file_inode(args->file));
}

/* What needs no lock. */
static int check_args(struct quire_mm *mm, const struct quire_mmap *args, struct request *req)
{
	uint64_t bytes = layout_page_up(args->bytes), pgoff = args->offset >> QUIRE_PAGE_SHIFT;
	bool anonymous = args->flags & QUIRE_MAP_ANONYMOUS;

	if (args->offset & (QUIRE_PAGE_SIZE - 1))
		return -QUIRE_EINVAL;
	if (!anonymous && !args->file)
		return -QUIRE_EBADF;
	if (args->flags & QUIRE_MAP_HUGETLB && !is_huge(args))
		return -QUIRE_EINVAL;
	if (!args->bytes)
		return -QUIRE_EINVAL;
	if (!bytes)
		return is_huge(args) ? -QUIRE_EINVAL : -QUIRE_ENOMEM;
	if (pgoff + (bytes >> QUIRE_PAGE_SHIFT) < pgoff)
		return -QUIRE_EOVERFLOW;
	/* Not the cursor. */
	req->start = args->address.v;
	req->bytes = bytes;
	req->pgoff = pgoff;
	req->map = args->flags;
	req->file = anonymous ? NULL : args->file;
	req->plan = (struct munmap_plan){ 0 };
	req->counted = false;
	req->made = false;
	req->huge = 0;
	if (args->flags & QUIRE_MAP_FIXED_NOREPLACE)
		req->map |= QUIRE_MAP_FIXED;
	return unlikely(is_huge(args)) ? check_huge(mm, args, req) : 0;
}

static inline uint32_t flags_of(const struct quire_mm *mm, const struct quire_mmap *args)
{
	uint32_t flags = (args->prot & 7u) | MAY | mm->def_flags;

	if (likely(!(args->flags & (QUIRE_MAP_GROWSDOWN | QUIRE_MAP_LOCKED | QUIRE_MAP_STACK))))
		return flags;
	if (args->flags & QUIRE_MAP_GROWSDOWN)
		flags |= QUIRE_VM_GROWSDOWN;
	if (args->flags & QUIRE_MAP_LOCKED)
		flags |= QUIRE_VM_LOCKED;
	if (args->flags & QUIRE_MAP_STACK)
		flags |= QUIRE_VM_NOHUGEPAGE;
	return flags;
}

/* The lowest page that a hint may name. */
static uint64_t hint_of(const struct quire_mm *mm, uint64_t address)
{
	uint64_t least = vm_of(mm->q)->sysctl.mmap_min_addr;
	uint64_t hint = address & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);

	return hint && hint < least ? layout_page_up(least) : hint;
}

/* The next huge page. */
static uint64_t huge_up(const struct request *req, uint64_t address)
{
	return req->huge ? (address + req->huge - 1) & ~(req->huge - 1) : address;
}

static int place(struct quire_mm *mm, struct request *req)
{
	const struct layout_request wanted = {
		.hint = req->map & QUIRE_MAP_FIXED ? req->start
						   : huge_up(req, hint_of(mm, req->start)),
		.bytes = req->bytes,
		.flags = req->map,
		.anonymous = !req->file && !(req->map & QUIRE_MAP_SHARED),
		.align = req->huge,
	};
	int error = layout_place(mm, &wanted, &req->place);

	if (error)
		return error;
	req->start = req->place.start;
	if (unlikely(req->huge) && req->start & (req->huge - 1))
		return -QUIRE_EINVAL;
	if (req->map & QUIRE_MAP_FIXED_NOREPLACE) {
		const struct vma *next = vma_next(mm, req->start);

		if (next && next->start < req->start + req->bytes)
			return -QUIRE_EEXIST;
	}
	return 0;
}

static int check_shared_file(struct request *req)
{
	unsigned mode = quire_file_mode(req->file);

	if ((req->map & QUIRE_MAP_TYPE) == QUIRE_MAP_SHARED_VALIDATE && req->map & ~KNOWN_FLAGS)
		return -QUIRE_EOPNOTSUPP;
	if (req->flags & QUIRE_VM_WRITE && !(mode & QUIRE_FILE_WRITE))
		return -QUIRE_EACCES;
	req->flags |= QUIRE_VM_SHARED | QUIRE_VM_MAYSHARE;
	if (!(mode & QUIRE_FILE_WRITE))
		req->flags &= ~(QUIRE_VM_MAYWRITE | QUIRE_VM_SHARED);
	return 0;
}

/*
 * A sealed file is never written through a mapping. One that can be written is counted at once, so
 * that no seal comes between; until the area counts itself (writable_end).
 */
static int writable_begin(struct request *req)
{
	const uint32_t shared = QUIRE_VM_SHARED | QUIRE_VM_MAYWRITE;
	struct quire_inode *inode;
	int seals, error = 0;

	if (!req->file || (req->flags & shared) != shared)
		return 0;
	inode = quire_file_inode(req->file);
	sem_write(&inode->maps_lock, inode->q->config.host);
	seals = quire_file_seals(req->file);
	if (seals < 0 || !(seals & (int)(QUIRE_SEAL_WRITE | QUIRE_SEAL_FUTURE_WRITE))) {
		inode->nr_writable++;
		req->counted = true;
	} else if (req->flags & QUIRE_VM_WRITE) {
		error = -QUIRE_EPERM;
	} else {
		req->flags &= ~QUIRE_VM_MAYWRITE;
	}
	sem_write_drop(&inode->maps_lock, inode->q->config.host);
	return error;
}

static void writable_end(const struct request *req)
{
	struct quire_inode *inode;

	if (!req->counted)
		return;
	inode = quire_file_inode(req->file);
	sem_write(&inode->maps_lock, inode->q->config.host);
	inode->nr_writable--;
	sem_write_drop(&inode->maps_lock, inode->q->config.host);
}

static int check_file(const struct quire_mm *mm, struct request *req)
{
	unsigned type = req->map & QUIRE_MAP_TYPE, mode = quire_file_mode(req->file);
	int error = 0;

	if (!offset_ok(mm, req->pgoff, req->bytes))
		return -QUIRE_EOVERFLOW;
	if (type == QUIRE_MAP_SHARED || type == QUIRE_MAP_SHARED_VALIDATE)
		error = check_shared_file(req);
	else if (type != QUIRE_MAP_PRIVATE)
		error = -QUIRE_EINVAL;
	if (error)
		return error;
	if (!(mode & QUIRE_FILE_READ))
		return -QUIRE_EACCES;
	if (mode & QUIRE_FILE_NOEXEC) {
		if (req->flags & QUIRE_VM_EXEC)
			return -QUIRE_EPERM;
		req->flags &= ~QUIRE_VM_MAYEXEC;
	}
	if (req->flags & QUIRE_VM_GROWSDOWN)
		return -QUIRE_EINVAL;
	return 0;
}

static int check_anonymous(struct request *req)
{
	switch (req->map & QUIRE_MAP_TYPE) {
	case QUIRE_MAP_SHARED:
		if (req->flags & QUIRE_VM_GROWSDOWN)
			return -QUIRE_EINVAL;
		req->pgoff = 0;
		req->flags |= QUIRE_VM_SHARED | QUIRE_VM_MAYSHARE;
		return 0;
	case QUIRE_MAP_PRIVATE:
		req->pgoff = req->start >> QUIRE_PAGE_SHIFT;
		return 0;
	default:
		return -QUIRE_EINVAL;
	}
}

/* What an area of huge pages is: never locked, because it is never evicted, but then populated. */
static COLD int become_huge(struct request *req)
{
	const uint32_t locked = QUIRE_VM_LOCKED | QUIRE_VM_LOCKONFAULT;

	if (req->pgoff << QUIRE_PAGE_SHIFT & (req->huge - 1))
		return -QUIRE_EINVAL;
	if ((req->flags & locked) == QUIRE_VM_LOCKED) {
		req->map &= ~QUIRE_MAP_NONBLOCK;
		req->map |= QUIRE_MAP_POPULATE;
	}
	req->flags &= ~locked;
	req->flags |= QUIRE_VM_HUGETLB | QUIRE_VM_DONTEXPAND;
	/* Their own overcommit does not know that of other memory. */
	req->flags |= req->map & QUIRE_MAP_NORESERVE ? QUIRE_VM_NORESERVE : 0;
	return 0;
}

/* All that can be wrong with it, once it has a place. */
static int check(struct quire_mm *mm, struct request *req)
{
	int error;

	if (req->map & QUIRE_MAP_LOCKED && !mm->config.privileged &&
	    !mm->config.rlimit[QUIRE_RLIMIT_MEMLOCK])
		return -QUIRE_EPERM;
	if (!account_may_lock(mm, req->flags, req->bytes >> QUIRE_PAGE_SHIFT))
		return -QUIRE_EAGAIN;
	error = req->file ? check_file(mm, req) : check_anonymous(req);
	if (error)
		return error;
	if (req->map & QUIRE_MAP_NORESERVE &&
	    vm_of(mm->q)->sysctl.overcommit_memory != QUIRE_OVERCOMMIT_NEVER)
		req->flags |= QUIRE_VM_NORESERVE;
	return unlikely(req->huge) ? become_huge(req) : 0;
}

/* What is in the way can go, and there may be so much: asked after all else, as Linux does. */
static int check_room(struct quire_mm *mm, struct request *req)
{
	uint64_t end = req->start + req->bytes;
	int error = 0;

	if (req->map & QUIRE_MAP_FIXED) {
		struct vma_spot *spot = &req->place.spot;

		vma_spot(mm, req->start, spot);
		req->place.at = !spot->next || spot->next->start >= end;
		if (!req->place.at)
			error = munmap_plan(mm, req->start, end, &req->plan);
	}
	if (error)
		return error;
	return account_may_grow(mm, req->flags,
				(req->bytes >> QUIRE_PAGE_SHIFT) - req->plan.nr_pages)
		       ? 0
		       : -QUIRE_ENOMEM;
}

/* Is it promised to the area? What is private and written to. */
static bool is_accounted(const struct request *req)
{
	return (req->flags & (QUIRE_VM_NORESERVE | QUIRE_VM_SHARED | QUIRE_VM_WRITE |
			      QUIRE_VM_HUGETLB)) == QUIRE_VM_WRITE;
}

/* The file behind shared anonymous memory, to which that is promised. */
static int shared_memory(struct quire_mm *mm, const struct request *req, struct quire_file **out)
{
	struct vm *vm = vm_of(mm->q);
	const struct quire_inode_args args = {
		.bytes = req->bytes,
		.dev_minor = 1,
		.ino = atomic_fetch_add_explicit(&vm->nr_shared, 1, memory_order_relaxed) + 1,
	};
	struct quire_inode *inode;
	int error = quire_inode_create(mm->q, &args, &inode);

	if (error)
		return error;
	if (!(req->flags & QUIRE_VM_NORESERVE))
		error = account_promise_file(mm, inode, req->bytes >> QUIRE_PAGE_SHIFT);
	if (!error)
		error = quire_file_open(inode, QUIRE_FILE_READ | QUIRE_FILE_WRITE,
					"/dev/zero (deleted)", out);
	quire_inode_put(inode);
	return error;
}

/* What is to come, for those that compare. */
static void describe(struct quire_mm *mm, const struct request *req, struct vma *like)
{
	like->start = req->start;
	like->end = req->start + req->bytes;
	like->mm = mm;
	like->flags = req->flags;
	like->file = req->file;
	like->pgoff = req->pgoff;
	relaxed_store(&like->anon, NULL);
	relaxed_store(&like->touched, false);
	like->pte = 0;
	relaxed_store(&like->touched, false);
}

/* Of huge pages: promised after all else that can fail. */
static COLD int make_huge(struct quire_mm *mm, const struct request *req)
{
	struct vma_room room = { .nr = 0 };
	struct hugetlb_resv *resv;
	struct vma like, *vma;
	int error = vma_room_get(mm, &room, 1 + req->plan.room);

	if (error)
		return error;
	describe(mm, req, &like);
	error = hugetlb_reserve(&like, &resv);
	if (!error) {
		munmap_range(mm, req->start, req->start + req->bytes, &room);
		vma = vma_like(&room, mm, &like);
		vma_set_flags(vma, like.flags);
		vma->huge.resv = resv;
		vma_link(vma);
	}
	vma_room_put(mm, &room);
	return error;
}

/* The addresses are free. */
static int add(struct quire_mm *mm, struct request *req)
{
	struct vma like;

	describe(mm, req, &like);
	if (!req->place.at)
		vma_spot(mm, req->start, &req->place.spot);
	return vma_add(&like, &req->place.spot) ? 0 : -QUIRE_ENOMEM;
}

/* There are areas, which go. */
static int replace(struct quire_mm *mm, const struct request *req)
{
	struct vma_room room = { .nr = 0 };
	struct vma like;

	if (vma_room_get(mm, &room, 1 + req->plan.room))
		return -QUIRE_ENOMEM;
	munmap_range(mm, req->start, req->start + req->bytes, &room);
	describe(mm, req, &like);
	if (!vma_extend(&like)) {
		struct vma *vma = vma_like(&room, mm, &like);

		vma_set_flags(vma, like.flags);
		vma_link(vma);
	}
	vma_room_put(mm, &room);
	return 0;
}

/* The promise: what is replaced gives its own to what replaces it. */
static int promise(struct quire_mm *mm, struct request *req)
{
	uint64_t nr = req->bytes >> QUIRE_PAGE_SHIFT;

	if (!is_accounted(req))
		return 0;
	req->flags |= QUIRE_VM_ACCOUNT;
	return nr == req->plan.nr_accounted ? 0 : account_promise(mm, nr - req->plan.nr_accounted);
}

static void unpromise(struct quire_mm *mm, const struct request *req)
{
	if (req->flags & QUIRE_VM_ACCOUNT)
		account_release(mm, (req->bytes >> QUIRE_PAGE_SHIFT) - req->plan.nr_accounted);
}

/* What takes memory, and then all of it. */
static int make(struct quire_mm *mm, struct request *req)
{
	bool memory = !req->file && req->flags & QUIRE_VM_SHARED;
	int error = memory ? shared_memory(mm, req, &req->file) : 0;

	if (error)
		return error;
	if (unlikely(req->huge))
		error = make_huge(mm, req);
	else
		error = req->plan.nr_pages ? replace(mm, req) : add(mm, req);
	if (!error)
		account_area(mm, req->flags, (int64_t)(req->bytes >> QUIRE_PAGE_SHIFT));
	if (memory)
		quire_file_put(req->file);
	return error;
}

static int map(struct quire_mm *mm, struct request *req)
{
	int error = check(mm, req);

	if (!error)
		error = writable_begin(req);
	if (error)
		return error;
	error = check_room(mm, req);
	if (!error)
		error = promise(mm, req);
	if (!error) {
		error = make(mm, req);
		if (error)
			unpromise(mm, req);
		else if (!(req->flags & QUIRE_VM_ACCOUNT) && req->plan.nr_accounted)
			account_release(mm, req->plan.nr_accounted);
	}
	writable_end(req);
	return error;
}

/* ---- The short way ---- */

/* Flags of fresh memory that change nothing of where it is and whether it may be. */
#define FRESH (QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS)
#define FREE_FLAGS (QUIRE_MAP_STACK | QUIRE_MAP_POPULATE | QUIRE_MAP_NONBLOCK)
/* Page frames are counted with fewer bits. */
#define BYTES_MAX ((uint64_t)1 << 48)

/*
 * Fresh memory anywhere, of which nobody wishes more than its size and rights: what most calls are.
 * There is nothing to be looked up or replaced, and all that can be refused is for want of room,
 * ENOMEM: so nobody can tell in which order it was asked for. What it saves: bench/README.md.
 */
static inline bool is_fresh(const struct quire_mm *mm, const struct quire_mmap *args)
{
	return (args->flags & ~FREE_FLAGS) == FRESH && !(args->address.v | args->offset) &&
	       args->bytes - 1 < BYTES_MAX && args->bytes & (HUGE_LEAST - 1) &&
	       !mm->config.bottom_up;
}

/* Locks: S for writing */
static WITHIN int fresh(struct quire_mm *mm, uint64_t bytes, uint32_t flags, uint64_t *start)
{
	uint64_t nr = bytes >> QUIRE_PAGE_SHIFT;
	struct vma_spot spot;

	if (mm->areas.nr > vm_of(mm->q)->sysctl.max_map_count ||
	    !account_may_grow(mm, flags, nr) || layout_fresh(mm, bytes, &spot, start) ||
	    (flags & QUIRE_VM_ACCOUNT && account_promise(mm, nr)))
		return -QUIRE_ENOMEM;
	if (unlikely(!vma_add_fresh(mm, *start, *start + bytes, flags, &spot))) {
		if (flags & QUIRE_VM_ACCOUNT)
			account_release(mm, nr);
		return -QUIRE_ENOMEM;
	}
	account_area(mm, flags, (int64_t)nr);
	return 0;
}

/* All that can be asked for. */
static APART int general(struct quire_mm *mm, const struct quire_mmap *args, quire_virt_t *out)
{
	struct request req;
	int error = check_args(mm, args, &req);

	if (error)
		return error;
	sem_write(&mm->sem, mm->q->config.host);
	if (mm->areas.nr > vm_of(mm->q)->sysctl.max_map_count) {
		error = -QUIRE_ENOMEM;
	} else {
		req.flags = flags_of(mm, args);
		error = place(mm, &req);
		if (!error)
			error = map(mm, &req);
	}
	sem_write_drop(&mm->sem, mm->q->config.host);
	if (unlikely(req.made))
		quire_file_put(req.file);
	if (error)
		return error;
	out->v = req.start;
	/* That pages could not be had is found out by who touches them. */
	if (req.flags & QUIRE_VM_LOCKED
		    ? !(req.flags & QUIRE_VM_LOCKONFAULT)
		    : (req.map & (QUIRE_MAP_POPULATE | QUIRE_MAP_NONBLOCK)) == QUIRE_MAP_POPULATE)
		(void)fault_populate(mm, req.start, req.start + req.bytes, POPULATE_MAP);
	return 0;
}

int quire_mmap(struct quire_mm *mm, const struct quire_mmap *args, quire_virt_t *out)
{
	uint64_t bytes = layout_page_up(args->bytes), start;
	uint32_t flags;
	int error;

	if (unlikely(!is_fresh(mm, args)))
		return general(mm, args, out);
	sem_write(&mm->sem, mm->q->config.host);
	if (unlikely(mm->def_flags)) {
		sem_write_drop(&mm->sem, mm->q->config.host);
		return general(mm, args, out);
	}
	flags = flags_of(mm, args) | (args->prot & QUIRE_PROT_WRITE ? QUIRE_VM_ACCOUNT : 0);
	error = fresh(mm, bytes, flags, &start);
	sem_write_drop(&mm->sem, mm->q->config.host);
	if (unlikely(error))
		return error;
	out->v = start;
	if (unlikely((args->flags & (QUIRE_MAP_POPULATE | QUIRE_MAP_NONBLOCK)) ==
		     QUIRE_MAP_POPULATE))
		(void)fault_populate(mm, start, start + bytes, POPULATE_MAP);
	return 0;
}
