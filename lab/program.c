/* SPDX-License-Identifier: MIT */
/*
 * program.c - recorded programs, run again on another machine
 *
 *   pid ──> task ──> space: mm, places (recorded address → address), descriptors
 *
 * Tasks that share an address space (threads, vfork until exec) share a space.
 */
#include "program.h"

#include <quire/error.h>
#include <quire/port.h>

#include "places.h"

/* Descriptors that stand for a file until a new mapping begins at its offset 0. */
#define NR_FILES 64

/** struct space - an address space, and what is known of it */
struct space {
	struct quire_mm *mm;
	struct places places;
	unsigned users;      /* tasks */
	bool heap;           /* its begin is known */
	uint64_t heap_shift; /* address here - address recorded */
};

/** struct task - a process or thread */
struct task {
	struct task *next;
	uint64_t pid;
	struct space *space;
};

/** struct opened - a file that some descriptor stands for */
struct opened {
	uint64_t pid;
	int fd;
	struct quire_file *file;
};

struct lab_program {
	struct quire *q;
	void *host;
	struct task *tasks; /* newest first */
	struct task *last;  /* asked for last */
	struct quire_mm *loaded;
	struct opened opened[NR_FILES];
	unsigned next_opened;
	uint64_t ino;
	struct lab_program_counts counts;
	/* Of spaces that have ended. */
	uint64_t min_faults, maj_faults;
	uint64_t faults[QUIRE_NR_FAULT_KINDS];
};

static uint64_t pages(uint64_t bytes)
{
	return (bytes >> QUIRE_PAGE_SHIFT) + ((bytes & (QUIRE_PAGE_SIZE - 1)) != 0);
}

static uint64_t page_up(uint64_t bytes)
{
	return pages(bytes) << QUIRE_PAGE_SHIFT;
}

static quire_virt_t virt(uint64_t v)
{
	return (quire_virt_t){ v };
}

static void *take(struct lab_program *p, size_t bytes)
{
	return quire_port_alloc(p->host, quire_phys(QUIRE_PORT_ANYWHERE), bytes);
}

int lab_program_create(struct quire *q, struct lab_program **out)
{
	void *host = quire_config(q)->host;
	struct lab_program *p = quire_port_alloc(host, quire_phys(QUIRE_PORT_ANYWHERE), sizeof(*p));

	if (!p)
		return -QUIRE_ENOMEM;
	p->q = q;
	p->host = host;
	*out = p;
	return 0;
}

/* ---- Spaces and tasks --------------------------------------------------------------- */

static int space_create(struct lab_program *p, struct space **out)
{
	struct space *space = take(p, sizeof(*space));
	int error = space ? quire_mm_create(p->q, NULL, &space->mm) : -QUIRE_ENOMEM;

	if (error) {
		quire_port_free(p->host, space, sizeof(*space));
		return error;
	}
	space->places.host = p->host;
	*out = space;
	return 0;
}

/* One task less has it. */
static void space_put(struct lab_program *p, struct space *space)
{
	struct quire_mm_stat stat;

	if (--space->users)
		return;
	quire_mm_stat(space->mm, &stat);
	p->min_faults += stat.min_faults;
	p->maj_faults += stat.maj_faults;
	for (unsigned kind = 0; kind < QUIRE_NR_FAULT_KINDS; kind++)
		p->faults[kind] += stat.faults[kind];
	if (p->loaded == space->mm) {
		quire_table_load(quire_table_kernel(p->q));
		p->loaded = NULL;
	}
	quire_mm_destroy(space->mm);
	places_done(&space->places);
	quire_port_free(p->host, space, sizeof(*space));
}

static struct task *task_find(struct lab_program *p, uint64_t pid)
{
	if (p->last && p->last->pid == pid)
		return p->last;
	for (struct task *task = p->tasks; task; task = task->next) {
		if (task->pid == pid)
			return p->last = task;
	}
	return NULL;
}

/* A task that has a space. On an error nothing has changed. */
static int task_create(struct lab_program *p, uint64_t pid, struct space *space)
{
	struct task *task = take(p, sizeof(*task));

	if (!task)
		return -QUIRE_ENOMEM;
	*task = (struct task){ p->tasks, pid, space };
	space->users++;
	p->tasks = p->last = task;
	p->counts.nr_processes++;
	if (++p->counts.live_processes > p->counts.peak_processes)
		p->counts.peak_processes = p->counts.live_processes;
	return 0;
}

static void task_end(struct lab_program *p, struct task *task)
{
	struct task **at = &p->tasks;

	lab_program_counts(p);
	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	p->last = NULL;
	space_put(p, task->space);
	quire_port_free(p->host, task, sizeof(*task));
	p->counts.live_processes--;
}

/* The task of a call; one that was there before the recording began comes now. */
static int task_get(struct lab_program *p, uint64_t pid, struct task **out)
{
	struct space *space = NULL;
	int error;

	*out = task_find(p, pid);
	if (*out)
		return 0;
	error = space_create(p, &space);
	if (error)
		return error;
	error = task_create(p, pid, space);
	*out = p->last;
	if (error) {
		space->users = 1;
		space_put(p, space);
	}
	return error;
}

/* ---- Files ---------------------------------------------------------------------------- */

static int read_zeros(void *ctx, uint64_t index, struct quire_page *const *page, size_t nr)
{
	static const unsigned char zeros[QUIRE_PAGE_SIZE];
	int error = 0;

	(void)index;
	for (size_t i = 0; i < nr && !error; i++)
		error = quire_page_write(ctx, page[i], 0, zeros, sizeof(zeros));
	return error;
}

static int write_nothing(void *ctx, uint64_t index, struct quire_page *const *page, uint64_t bytes)
{
	(void)ctx;
	(void)index;
	(void)page;
	(void)bytes;
	return 0;
}

static int resize_nothing(void *ctx, uint64_t bytes)
{
	(void)ctx;
	(void)bytes;
	return 0;
}

/* A file whose contents nobody recorded: zeros, as long as is asked for. */
static const struct quire_store blank = { read_zeros, write_nothing, resize_nothing,
					  NULL,       NULL,          NULL };

static int file_create(struct lab_program *p, struct quire_file **out)
{
	struct quire_inode_args args = { .store = &blank,
					 .ctx = p->q,
					 .bytes = UINT64_C(1) << 40,
					 .dev_major = 8,
					 .ino = ++p->ino };
	struct quire_inode *inode;
	int error = quire_inode_create(p->q, &args, &inode);

	if (error)
		return error;
	error = quire_file_open(inode, QUIRE_FILE_READ | QUIRE_FILE_WRITE, "(recorded)", out);
	quire_inode_put(inode);
	return error;
}

/*
 * The file of a descriptor. A program that maps from offset 0 where it likes begins a new file:
 * descriptors are used again as soon as they are closed, and closing is not recorded.
 */
static int file_of(struct lab_program *p, const struct lab_call *call, struct quire_file **out)
{
	bool begins = call->arg[5] == 0 && !(call->arg[3] & QUIRE_MAP_FIXED);
	struct opened *opened = NULL;
	struct quire_file *file;
	int error;

	for (unsigned i = 0; i < NR_FILES; i++) {
		struct opened *o = &p->opened[i];

		if (o->file && o->pid == call->pid && o->fd == (int)call->arg[4])
			opened = o;
	}
	*out = opened ? opened->file : NULL;
	if (opened && !begins)
		return 0;
	error = file_create(p, &file);
	if (error)
		return error;
	if (!opened)
		opened = &p->opened[p->next_opened++ % NR_FILES];
	quire_file_put(opened->file);
	*opened = (struct opened){ call->pid, (int)call->arg[4], file };
	*out = file;
	return 0;
}

/* ---- Mapping ---------------------------------------------------------------------------- */

/* Map where it was recorded, or where there is room; and remember where. */
static int map_at(struct lab_program *p, struct space *space, uint64_t recorded,
		  struct quire_mmap args)
{
	uint64_t bytes = page_up(args.bytes);
	quire_virt_t at = { 0 };
	int error;

	args.address = virt(recorded);
	args.flags = (args.flags & ~QUIRE_MAP_FIXED) | QUIRE_MAP_FIXED_NOREPLACE;
	error = quire_mmap(space->mm, &args, &at);
	if (error) {
		args.address = virt(0);
		args.flags &= ~QUIRE_MAP_FIXED_NOREPLACE;
		error = quire_mmap(space->mm, &args, &at);
	}
	if (error)
		return error;
	p->counts.moved += at.v != recorded;
	if (!places_set(&space->places, recorded, recorded + bytes, at.v))
		return 0;
	quire_munmap(space->mm, at, bytes);
	return -QUIRE_ENOMEM;
}

static const struct quire_mmap anonymous = {
	.prot = QUIRE_PROT_READ | QUIRE_PROT_WRITE | QUIRE_PROT_EXEC,
	.flags = QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS | QUIRE_MAP_NORESERVE,
};

/* Pages that a call names and that nothing recorded has mapped: the program's image, its stack. */
static int map_foreign(struct lab_program *p, struct space *space, uint64_t start, uint64_t end)
{
	while (start < end) {
		const struct place *place = places_find(&space->places, start);
		bool inside = place && place->start < end;
		uint64_t to = inside ? place->start : end, next = inside ? place->end : end;
		struct quire_mmap args = anonymous;

		if (to > start) {
			args.bytes = to - start;
			int error = map_at(p, space, start, args);
			if (error)
				return error;
			p->counts.foreign_pages += pages(to - start);
		}
		start = next;
	}
	return 0;
}

/* What is to be done to each piece of a range. */
typedef int piece_fn(struct quire_mm *mm, quire_virt_t at, uint64_t bytes,
		     const struct lab_call *call);

/* Do something to the pieces that a recorded range lies in. Return: the first error */
static int each_piece(struct space *space, uint64_t start, uint64_t end, piece_fn *fn,
		      const struct lab_call *call)
{
	int first = 0;

	while (start < end) {
		const struct place *place = places_find(&space->places, start);

		if (!place || place->start >= end)
			break;
		if (place->start > start)
			start = place->start;
		uint64_t to = place->end < end ? place->end : end;
		int error = fn(space->mm, virt(place->at + (start - place->start)), to - start,
			       call);
		first = first ? first : error;
		start = to;
	}
	return first;
}

static int do_munmap(struct quire_mm *mm, quire_virt_t at, uint64_t bytes,
		     const struct lab_call *call)
{
	(void)call;
	return quire_munmap(mm, at, bytes);
}

static int do_mprotect(struct quire_mm *mm, quire_virt_t at, uint64_t bytes,
		       const struct lab_call *call)
{
	return quire_mprotect(mm, at, bytes, (unsigned)call->arg[2]);
}

static int do_madvise(struct quire_mm *mm, quire_virt_t at, uint64_t bytes,
		      const struct lab_call *call)
{
	return quire_madvise(mm, at, bytes, (int)call->arg[2]);
}

static int do_mlock(struct quire_mm *mm, quire_virt_t at, uint64_t bytes,
		    const struct lab_call *call)
{
	return quire_mlock(mm, at, bytes, (unsigned)call->arg[2]);
}

static int do_munlock(struct quire_mm *mm, quire_virt_t at, uint64_t bytes,
		      const struct lab_call *call)
{
	(void)call;
	return quire_munlock(mm, at, bytes);
}

static int do_msync(struct quire_mm *mm, quire_virt_t at, uint64_t bytes,
		    const struct lab_call *call)
{
	return quire_msync(mm, at, bytes, (unsigned)call->arg[2]);
}

/* ---- Calls ----------------------------------------------------------------------------- */

static int call_mmap(struct lab_program *p, struct space *space, const struct lab_call *call)
{
	struct quire_mmap args = {
		.bytes = call->arg[1],
		.prot = (unsigned)call->arg[2],
		.flags = (unsigned)call->arg[3],
		.offset = call->arg[5],
	};
	uint64_t end = call->result + page_up(call->arg[1]);
	int error = 0;

	if (!(args.flags & QUIRE_MAP_ANONYMOUS))
		error = file_of(p, call, &args.file);
	if (!error && (args.flags & QUIRE_MAP_FIXED))
		error = each_piece(space, call->result, end, do_munmap, call);
	if (!error)
		error = places_clear(&space->places, call->result, end);
	return error ? error : map_at(p, space, call->result, args);
}

static int call_munmap(struct space *space, const struct lab_call *call)
{
	uint64_t end = call->arg[0] + page_up(call->arg[1]);
	int error = each_piece(space, call->arg[0], end, do_munmap, call);

	return error ? error : places_clear(&space->places, call->arg[0], end);
}

/* A call on a range that has to be mapped. */
static int call_range(struct lab_program *p, struct space *space, const struct lab_call *call,
		      piece_fn *fn)
{
	uint64_t end = call->arg[0] + page_up(call->arg[1]);
	int error = map_foreign(p, space, call->arg[0], end);

	return error ? error : each_piece(space, call->arg[0], end, fn, call);
}

static bool is_free(struct quire_mm *mm, uint64_t start, uint64_t end)
{
	struct quire_vma_info info;

	return !quire_mm_next_vma(mm, virt(start), &info) || info.start.v >= end;
}

static int call_mremap(struct lab_program *p, struct space *space, const struct lab_call *call)
{
	uint64_t from = call->arg[0], old = page_up(call->arg[1]), new = page_up(call->arg[2]);
	struct quire_mremap args = { .old_bytes = old, .new_bytes = new };
	int error = map_foreign(p, space, from, from + old);
	const struct place *place;
	quire_virt_t at;

	/* What was there is gone, as what FIXED of mmap hits. */
	if (!error && call->arg[3] & QUIRE_MREMAP_FIXED)
		error = each_piece(space, call->result, call->result + new, do_munmap, call);
	if (!error && call->arg[3] & QUIRE_MREMAP_FIXED)
		error = places_clear(&space->places, call->result, call->result + new);
	place = places_find(&space->places, from);
	if (error || !place || from < place->start)
		return error ? error : -QUIRE_EFAULT;
	args.address = virt(place->at + (from - place->start));
	args.flags = QUIRE_MREMAP_MAYMOVE | ((unsigned)call->arg[3] & QUIRE_MREMAP_DONTUNMAP);
	/* It goes where it went, if that is free here. */
	if (call->result != from && place->at == place->start &&
	    is_free(space->mm, call->result, call->result + new)) {
		args.flags |= QUIRE_MREMAP_FIXED;
		args.new_address = virt(call->result);
	}
	error = quire_mremap(space->mm, &args, &at);
	if (error)
		return error;
	if (!(args.flags & QUIRE_MREMAP_DONTUNMAP))
		error = places_clear(&space->places, from, from + old);
	p->counts.moved += at.v != call->result;
	return error ? error : places_set(&space->places, call->result, call->result + new, at.v);
}

/* The heap begins where brk(NULL) says, if the machine has that address. */
static int heap_begin(struct space *space, uint64_t recorded)
{
	struct quire_mm_layout layout;
	uint64_t start = page_up(recorded);

	if (space->heap)
		return 0;
	quire_mm_layout(space->mm, &layout);
	if (start >= layout.task_size.v / 2)
		start = layout.task_size.v / 4;
	space->heap_shift = start - page_up(recorded);
	space->heap = true;
	return quire_mm_set_brk(space->mm, virt(start));
}

static int call_brk(struct lab_program *p, struct space *space, const struct lab_call *call)
{
	struct quire_mm_layout layout;
	uint64_t now, start, had;
	int error = heap_begin(space, call->result);

	if (error)
		return error;
	quire_mm_layout(space->mm, &layout);
	had = page_up(layout.brk.v) - space->heap_shift;
	now = quire_brk(space->mm, virt(call->result + space->heap_shift)).v;
	p->counts.differed += now != call->result + space->heap_shift;
	quire_mm_layout(space->mm, &layout);
	start = layout.start_brk.v;
	error = places_clear(&space->places, page_up(now) - space->heap_shift, had);
	if (error || page_up(now) == start)
		return error;
	return places_set(&space->places, start - space->heap_shift,
			  page_up(now) - space->heap_shift, start);
}

/* A program replaces the one before: nothing of that is left. */
static int call_execve(struct lab_program *p, struct task *task)
{
	struct space *space;
	int error = space_create(p, &space);

	if (error)
		return error;
	lab_program_counts(p);
	space_put(p, task->space);
	task->space = space;
	space->users = 1;
	return 0;
}

static int call_fork(struct lab_program *p, struct task *task, const struct lab_call *call)
{
	struct space *parent = task->space, *space;
	int error;

	if (task_find(p, call->result))
		return 0; /* it made a call before its parent's was told */
	if (call->arg[0] & LAB_CLONE_VM)
		return task_create(p, call->result, parent);
	space = take(p, sizeof(*space));
	if (!space)
		return -QUIRE_ENOMEM;
	*space = *parent;
	space->users = 0;
	space->places = (struct places){ .host = p->host };
	error = quire_mm_fork(parent->mm, &space->mm);
	if (error) {
		quire_port_free(p->host, space, sizeof(*space));
		return error;
	}
	error = places_copy(&space->places, &parent->places);
	if (!error)
		error = task_create(p, call->result, space);
	if (error) {
		space->users = 1;
		space_put(p, space);
	}
	return error;
}

/* Does a range of this call reach beyond the last address? */
static bool wraps(const struct lab_call *call)
{
	uint64_t top = UINT64_MAX - LAB_PROGRAM_BLOCK;
	bool two = call->kind >= LAB_CALL_MMAP && call->kind <= LAB_CALL_MINCORE &&
		   call->kind != LAB_CALL_BRK;

	if (!two)
		return call->result > top;
	return call->arg[1] > top || call->arg[0] > top - call->arg[1] ||
	       (call->kind == LAB_CALL_MMAP && call->result > top - call->arg[1]) ||
	       (call->kind == LAB_CALL_MREMAP &&
		(call->arg[2] > top || call->result > top - call->arg[2]));
}

static int call_again(struct lab_program *p, struct task *task, const struct lab_call *call)
{
	struct space *space = task->space;

	switch (call->kind) {
	case LAB_CALL_MMAP:
		return call_mmap(p, space, call);
	case LAB_CALL_MUNMAP:
		return call_munmap(space, call);
	case LAB_CALL_MPROTECT:
		return call_range(p, space, call, do_mprotect);
	case LAB_CALL_MREMAP:
		return call_mremap(p, space, call);
	case LAB_CALL_BRK:
		return call_brk(p, space, call);
	case LAB_CALL_MADVISE:
		return call_range(p, space, call, do_madvise);
	case LAB_CALL_MLOCK:
		return call_range(p, space, call, do_mlock);
	case LAB_CALL_MUNLOCK:
		return call_range(p, space, call, do_munlock);
	case LAB_CALL_MLOCKALL:
		return quire_mlockall(space->mm, (unsigned)call->arg[0]);
	case LAB_CALL_MUNLOCKALL:
		return quire_munlockall(space->mm);
	case LAB_CALL_MSYNC:
		return call_range(p, space, call, do_msync);
	case LAB_CALL_EXECVE:
		return call_execve(p, task);
	case LAB_CALL_FORK:
		return call_fork(p, task, call);
	default:
		return 0;
	}
}

/* Is it a call that is made again? */
static bool is_made(const struct lab_call *call)
{
	return call->kind >= LAB_CALL_MMAP && call->kind <= LAB_CALL_FORK &&
	       call->kind != LAB_CALL_MINCORE;
}

int lab_program_call(struct lab_program *p, const struct lab_call *call)
{
	uint64_t differed = p->counts.differed;
	struct task *task;
	int error;

	p->counts.calls[call->kind]++;
	if (call->time_ns && !p->counts.first_ns)
		p->counts.first_ns = call->time_ns;
	if (call->time_ns)
		p->counts.last_ns = call->time_ns;
	if (call->kind == LAB_CALL_GONE || call->kind == LAB_CALL_EXIT) {
		task = task_find(p, call->pid);
		if (task)
			task_end(p, task);
		return 0;
	}
	if (!is_made(call) || !call->ended)
		return 0;
	if (call->failed) {
		p->counts.recorded_failures++;
		return 0;
	}
	error = task_get(p, call->pid, &task);
	if (error)
		return error;
	error = wraps(call) ? -QUIRE_EINVAL : call_again(p, task, call);
	p->counts.made++;
	lab_program_counts(p);
	p->counts.refused += error != 0;
	p->counts.agreed += !error && differed == p->counts.differed;
	return 0;
}

/* ---- Touches ------------------------------------------------------------------------------ */

/* Where a recorded address lies; a block around it is mapped if it is nowhere. */
static int touched(struct lab_program *p, struct space *space, uint64_t address,
		   const struct place **out)
{
	const struct place *place = places_find(&space->places, address);
	struct quire_mmap args = anonymous;
	uint64_t block = address & ~(LAB_PROGRAM_BLOCK - 1);
	int error;

	if (place && address >= place->start) {
		*out = place;
		return 0;
	}
	if (block > UINT64_MAX - LAB_PROGRAM_BLOCK)
		return -QUIRE_EFAULT;
	args.bytes = LAB_PROGRAM_BLOCK;
	error = map_at(p, space, block, args);
	p->counts.blocks += !error;
	*out = error ? NULL : places_find(&space->places, address);
	return error;
}

/* One access, to as much of it as lies in one place. Return: bytes done; 0: it ended in a signal */
static size_t access(struct lab_program *p, struct space *space, uint64_t at, size_t bytes,
		     enum lab_touch_kind kind)
{
	static const enum quire_access first[LAB_NR_TOUCHES] = {
		[LAB_TOUCH_FETCH] = QUIRE_ACCESS_EXEC,
		[LAB_TOUCH_LOAD] = QUIRE_ACCESS_READ,
		[LAB_TOUCH_STORE] = QUIRE_ACCESS_WRITE,
		[LAB_TOUCH_MODIFY] = QUIRE_ACCESS_READ,
	};
	unsigned char buf[LAB_TOUCH_BYTES];
	enum quire_fault fault;

	if (kind == LAB_TOUCH_STORE)
		for (size_t i = 0; i < bytes; i++)
			buf[i] = 0;
	fault = quire_user_access(space->mm, virt(at), buf, bytes, first[kind], NULL);
	if (fault == QUIRE_FAULT_DONE && kind == LAB_TOUCH_MODIFY)
		fault = quire_user_access(space->mm, virt(at), buf, bytes, QUIRE_ACCESS_WRITE,
					  NULL);
	if (fault == QUIRE_FAULT_DONE)
		return bytes;
	p->counts.signals += fault != QUIRE_FAULT_OOM;
	p->counts.refused_touches += fault == QUIRE_FAULT_OOM;
	return 0;
}

int lab_program_touch(struct lab_program *p, const struct lab_touch *touch)
{
	uint64_t address = touch->address;
	size_t left = touch->bytes;
	struct task *task;
	int error;

	p->counts.touches[touch->kind]++;
	if (!touch->kind)
		return 0;
	error = task_get(p, 0, &task);
	if (!error && p->loaded != task->space->mm)
		error = quire_mm_load(task->space->mm);
	if (error)
		return error;
	p->loaded = task->space->mm;
	while (left) {
		const struct place *place;
		size_t bytes;

		if (touched(p, task->space, address, &place)) {
			p->counts.refused_touches++;
			return 0;
		}
		bytes = left < place->end - address ? left : (size_t)(place->end - address);
		bytes = access(p, task->space, place->at + (address - place->start), bytes,
			       touch->kind);
		if (!bytes)
			return 0;
		address += bytes;
		left -= bytes;
	}
	return 0;
}

/* ---- Counts ------------------------------------------------------------------------- */

static void peak(uint64_t now, uint64_t *most)
{
	if (now > *most)
		*most = now;
}

/* Is a task the first, from the newest on, that has its space? */
static bool counts_for(const struct lab_program *p, const struct task *task)
{
	const struct task *first = p->tasks;

	while (first->space != task->space)
		first = first->next;
	return first == task;
}

const struct lab_program_counts *lab_program_counts(struct lab_program *p)
{
	struct lab_program_counts *c = &p->counts;
	struct quire_mm_stat stat;

	c->min_faults = p->min_faults;
	c->maj_faults = p->maj_faults;
	for (unsigned kind = 0; kind < QUIRE_NR_FAULT_KINDS; kind++)
		c->faults[kind] = p->faults[kind];
	c->resident = c->mapped = c->vmas = c->table_bytes = 0;
	for (const struct task *task = p->tasks; task; task = task->next) {
		if (!counts_for(p, task))
			continue;
		quire_mm_stat(task->space->mm, &stat);
		c->min_faults += stat.min_faults;
		c->maj_faults += stat.maj_faults;
		for (unsigned kind = 0; kind < QUIRE_NR_FAULT_KINDS; kind++)
			c->faults[kind] += stat.faults[kind];
		c->resident += stat.rss_anon + stat.rss_file + stat.rss_shmem;
		c->mapped += stat.total_vm;
		c->vmas += stat.nr_vmas;
		c->table_bytes += stat.table_bytes;
	}
	peak(c->resident, &c->peak_resident);
	peak(c->mapped, &c->peak_mapped);
	peak(c->vmas, &c->peak_vmas);
	peak(c->table_bytes, &c->peak_table_bytes);
	return c;
}

void lab_program_destroy(struct lab_program *p)
{
	if (!p)
		return;
	while (p->tasks)
		task_end(p, p->tasks);
	for (unsigned i = 0; i < NR_FILES; i++)
		quire_file_put(p->opened[i].file);
	quire_port_free(p->host, p, sizeof(*p));
}
