/* SPDX-License-Identifier: MIT */
/*
 * machine.c - does the calls in Quire
 *
 * What the executor is made of stands in each process here, too, as anonymous memory of the
 * same places, sizes and rights: so sums over all areas and free ranges are the same.
 */
#include "machine.h"

#include <inttypes.h>
#include <quire/boot.h>
#include <quire/layout.h>
#include <quire/slab.h>
#include <stdlib.h>
#include <string.h>

#define RAM ((uint64_t)256 << 20)
#define PAGE 4096u

static quire_virt_t virt(uint64_t at)
{
	return (quire_virt_t){ at };
}

/* ---- The stored file: an array ----------------------------------------------------- */

struct store {
	struct quire *q;
	uint8_t *bytes;
	uint64_t size;
};

static int store_read(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr)
{
	struct store *s = ctx;

	for (size_t i = 0; i < nr; i++) {
		uint8_t buf[PAGE] = { 0 };
		uint64_t at = (index + i) * PAGE;

		if (at < s->size)
			memcpy(buf, s->bytes + at, s->size - at < PAGE ? s->size - at : PAGE);
		int error = quire_page_write(s->q, pages[i], 0, buf, PAGE);

		if (error)
			return error;
	}
	return 0;
}

static int store_resize(void *ctx, uint64_t bytes)
{
	struct store *s = ctx;
	uint8_t *grown = realloc(s->bytes, bytes + 1);

	if (!grown)
		return -QUIRE_ENOSPC;
	if (bytes > s->size)
		memset(grown + s->size, 0, bytes - s->size);
	s->bytes = grown;
	s->size = bytes;
	return 0;
}

static int store_write(void *ctx, uint64_t index, struct quire_page *const *pages, uint64_t bytes)
{
	struct store *s = ctx;
	int error = 0;

	if (index * PAGE + bytes > s->size)
		error = store_resize(s, index * PAGE + bytes);
	for (uint64_t i = 0; !error && i * PAGE < bytes; i++)
		error = quire_page_read(s->q, pages[i], 0, s->bytes + (index + i) * PAGE,
					bytes - i * PAGE < PAGE ? bytes - i * PAGE : PAGE);
	return error;
}

static int store_punch(void *ctx, uint64_t offset, uint64_t bytes)
{
	struct store *s = ctx;

	if (offset < s->size)
		memset(s->bytes + offset, 0, s->size - offset < bytes ? s->size - offset : bytes);
	return 0;
}

static void store_release(void *ctx)
{
	struct store *s = ctx;

	free(s->bytes);
	free(s);
}

static const struct quire_store STORE = {
	.read = store_read,
	.write = store_write,
	.resize = store_resize,
	.punch = store_punch,
	.release = store_release,
};

static int open_stored(struct machine *m, struct quire_file **out)
{
	struct store *s = calloc(1, sizeof(*s));
	struct quire_inode_args args = { .store = &STORE, .ctx = s, .dev_major = 8, .ino = 100 };
	struct quire_inode *inode;

	if (!s)
		return -QUIRE_ENOMEM;
	s->q = m->q;
	int error = quire_inode_create(m->q, &args, &inode);

	if (error) {
		free(s);
		return error;
	}
	error = quire_file_open(inode, QUIRE_FILE_READ | QUIRE_FILE_WRITE, m->origin->stored, out);
	quire_inode_put(inode);
	return error;
}

/* ---- The beginning of an episode --------------------------------------------------- */

static int open_file(struct machine *m, unsigned n)
{
	const struct file_spec *spec = &m->episode->setting.files[n];
	char name[] = "fileN";
	int error;

	name[4] = (char)('0' + n);
	switch (spec->kind) {
	case FILE_MEMFD:
		error = quire_memfd_create(m->q, name, spec->sealing ? QUIRE_MFD_ALLOW_SEALING : 0,
					   &m->files[n]);
		break;
	case FILE_STORED:
		error = open_stored(m, &m->files[n]);
		break;
	case FILE_OF_MEMFD:
		return quire_file_open(quire_file_inode(m->files[0]), QUIRE_FILE_READ,
				       quire_file_name(m->files[0]), &m->files[n]);
	default:
		return quire_file_open(quire_file_inode(m->files[2]),
				       spec->kind == FILE_WRITE_ONLY ? QUIRE_FILE_WRITE
								     : QUIRE_FILE_READ,
				       m->origin->stored, &m->files[n]);
	}
	for (uint64_t at = 0; !error && at < spec->bytes; at += PAGE) {
		uint8_t buf[PAGE];
		size_t done;

		memset(buf, wire_filling(n, at / PAGE), PAGE);
		error = quire_file_write(m->files[n], at, buf,
					 spec->bytes - at < PAGE ? spec->bytes - at : PAGE, &done);
	}
	return error;
}

/* What can't be written is shared: then it is no neighbour's like, and counts the same. */
static int mirror(struct machine *m, const struct area *area)
{
	struct quire_mmap args = { .address = virt(area->start), .bytes = area->end - area->start };
	quire_virt_t at;

	args.flags = QUIRE_MAP_FIXED_NOREPLACE | QUIRE_MAP_ANONYMOUS |
		     (area->rights[1] != 'w' || area->rights[3] == 's' ? QUIRE_MAP_SHARED
								       : QUIRE_MAP_PRIVATE) |
		     (strcmp(area->name, "[stack]") ? 0 : QUIRE_MAP_GROWSDOWN);
	args.prot = (area->rights[0] == 'r' ? QUIRE_PROT_READ : 0) |
		    (area->rights[1] == 'w' ? QUIRE_PROT_WRITE : 0) |
		    (area->rights[2] == 'x' ? QUIRE_PROT_EXEC : 0);
	return quire_mmap(m->mms[0], &args, &at);
}

static int begin(struct machine *m)
{
	const struct setting *s = &m->episode->setting;
	struct quire_mm_config config;
	int error = 0;

	quire_mm_config_init(&config);
	config.privileged = s->privileged;
	config.rlimit[QUIRE_RLIMIT_MEMLOCK] = s->memlock;
	for (unsigned n = 0; !error && n < WIRE_FILES; n++)
		error = open_file(m, n);
	if (!error)
		error = quire_mm_create(m->q, &config, &m->mms[0]);
	for (unsigned i = 0; !error && i < m->origin->nr_areas; i++)
		if (m->origin->areas[i].end <= 1ull << 47)
			error = mirror(m, &m->origin->areas[i]);
	if (!error)
		error = quire_mm_set_brk(m->mms[0], virt(m->origin->heap));
	return error;
}

static bool load(struct machine *m, struct quire_mm *mm)
{
	if (m->loaded != mm && quire_mm_load(mm))
		return false;
	m->loaded = mm;
	return true;
}

static void end(struct machine *m)
{
	for (unsigned i = 0; i < WIRE_PROCS; i++) {
		if (!m->mms[i])
			continue;
		if (m->loaded == m->mms[i]) {
			quire_table_load(quire_table_kernel(m->q));
			m->loaded = NULL;
		}
		if (quire_mm_destroy(m->mms[i]))
			snprintf(m->broken, sizeof(m->broken), "process %u can't end", i);
		m->mms[i] = NULL;
	}
	for (unsigned n = 0; n < WIRE_FILES; n++) {
		quire_file_put(m->files[n]);
		m->files[n] = NULL;
	}
}

/* ---- Calls ------------------------------------------------------------------------- */

static bool resolve(struct machine *m, int32_t ref, uint64_t at, uint64_t *out)
{
	*out = at;
	if (ref == REF_HEAP) {
		*out += m->origin->heap;
	} else if (ref >= 0) {
		const struct result *r = &m->trace->outcomes[ref].result;

		if (r->state != STATE_DONE || r->result < 0)
			return false;
		*out += (uint64_t)r->result;
	}
	return true;
}

static int64_t do_mmap(struct machine *m, const struct call *c, struct quire_mm *mm, uint64_t at)
{
	const struct quire_mmap args = {
		.address = virt(at),
		.bytes = c->bytes,
		.prot = c->prot,
		.flags = c->flags,
		.file = c->file == FILE_NONE ? NULL : m->files[c->file],
		.offset = c->to,
	};
	quire_virt_t where = { 0 };
	int error = quire_mmap(mm, &args, &where);

	return error ? error : (int64_t)where.v;
}

static int64_t do_mremap(const struct call *c, struct quire_mm *mm, uint64_t at, uint64_t to)
{
	const struct quire_mremap args = {
		.address = virt(at),
		.old_bytes = c->bytes,
		.new_bytes = c->more,
		.flags = c->flags,
		.new_address = virt(to),
	};
	quire_virt_t where = { 0 };
	int error = quire_mremap(mm, &args, &where);

	return error ? error : (int64_t)where.v;
}

static int64_t do_mincore(const struct call *c, struct quire_mm *mm, uint64_t at,
			  struct result *out)
{
	unsigned char vec[WIRE_VEC];
	int error = quire_mincore(mm, virt(at), c->bytes, vec);

	if (!error) {
		out->nr_vec = (uint32_t)((c->bytes + PAGE - 1) / PAGE);
		for (uint32_t i = 0; i < out->nr_vec; i++)
			out->vec[i] = vec[i] & 1;
	}
	return error;
}

static int64_t do_touch(struct machine *m, const struct call *c, uint64_t at, struct result *out)
{
	enum quire_access access = c->op == OP_READ    ? QUIRE_ACCESS_READ
				   : c->op == OP_WRITE ? QUIRE_ACCESS_WRITE
						       : QUIRE_ACCESS_EXEC;
	struct quire_signal signal = { 0 };
	uint8_t value = c->value;

	if (!load(m, m->mms[c->proc]))
		return -QUIRE_ENOMEM;
	switch (quire_user_access(m->mms[c->proc], virt(at), &value, 1, access, &signal)) {
	case QUIRE_FAULT_DONE:
		out->value = c->op == OP_FETCH ? 0 : value;
		return 0;
	case QUIRE_FAULT_SIGSEGV:
		out->signal = 11;
		break;
	case QUIRE_FAULT_SIGBUS:
		out->signal = 7;
		break;
	default:
		out->signal = 9;
		break;
	}
	out->code = (uint8_t)signal.code;
	out->fault_at = signal.address.v;
	return 0;
}

static void bring_back(struct result *out, int64_t result, const uint8_t *buf)
{
	out->nr_vec = result < 0 ? 0 : result < WIRE_VEC ? (uint32_t)result : WIRE_VEC;
	memcpy(out->vec, buf, out->nr_vec);
}

static int64_t do_copy(const struct call *c, struct quire_mm *mm, uint64_t at, struct result *out)
{
	uint8_t buf[WIRE_BUFFER];
	size_t left;

	memset(buf, WIRE_COPY, sizeof(buf));
	left = c->op == OP_COPYOUT ? quire_copy_to_user(mm, virt(at), buf, c->bytes)
				   : quire_copy_from_user(mm, buf, virt(at), c->bytes);
	int64_t result = left == c->bytes && left ? -QUIRE_EFAULT : (int64_t)(c->bytes - left);

	if (c->op == OP_COPYIN)
		bring_back(out, result, buf);
	return result;
}

static int64_t do_file(struct machine *m, const struct call *c, struct result *out)
{
	struct quire_file *file = m->files[c->file];
	uint8_t buf[WIRE_BUFFER];
	size_t done = 0;
	int64_t result;

	switch (c->op) {
	case OP_FREAD:
		result = quire_file_read(file, c->to, buf, c->bytes, &done);
		result = result ? result : (int64_t)done;
		bring_back(out, result, buf);
		return result;
	case OP_FWRITE:
		memset(buf, c->value, sizeof(buf));
		result = quire_file_write(file, c->to, buf, c->bytes, &done);
		return result ? result : (int64_t)done;
	case OP_TRUNCATE:
		return quire_file_truncate(file, c->bytes);
	case OP_FALLOCATE:
		return quire_file_allocate(file, c->prot, c->to, c->bytes);
	default:
		return quire_file_seal(file, c->flags);
	}
}

static int64_t do_call(struct machine *m, const struct call *c, const uint64_t at[2],
		       struct result *out)
{
	struct quire_mm *mm = m->mms[c->proc];
	quire_virt_t a = virt(at[0]);

	switch (c->op) {
	case OP_LOOK:
		return 0;
	case OP_MMAP:
		return do_mmap(m, c, mm, at[0]);
	case OP_MUNMAP:
		return quire_munmap(mm, a, c->bytes);
	case OP_MPROTECT:
		return quire_mprotect(mm, a, c->bytes, c->prot);
	case OP_MREMAP:
		return do_mremap(c, mm, at[0], at[1]);
	case OP_BRK:
		return (int64_t)quire_brk(mm, a).v;
	case OP_MADVISE:
		return quire_madvise(mm, a, c->bytes, (int)c->prot);
	case OP_MLOCK:
		return quire_mlock(mm, a, c->bytes, c->flags);
	case OP_MUNLOCK:
		return quire_munlock(mm, a, c->bytes);
	case OP_MLOCKALL:
		return quire_mlockall(mm, c->flags);
	case OP_MUNLOCKALL:
		return quire_munlockall(mm);
	case OP_MINCORE:
		return do_mincore(c, mm, at[0], out);
	case OP_MSYNC:
		return quire_msync(mm, a, c->bytes, c->flags);
	case OP_MSEAL:
		return quire_mseal(mm, a, c->bytes, c->flags);
	case OP_READ:
	case OP_WRITE:
	case OP_FETCH:
		return do_touch(m, c, at[0], out);
	case OP_COPYOUT:
	case OP_COPYIN:
		return do_copy(c, mm, at[0], out);
	case OP_SETRLIMIT:
		return quire_mm_set_rlimit(mm, (enum quire_rlimit)c->prot, c->bytes);
	case OP_FORK:
		m->parent[c->value] = c->proc;
		return quire_mm_fork(mm, &m->mms[c->value]);
	default:
		return do_file(m, c, out);
	}
}

static int64_t do_exit(struct machine *m, unsigned proc)
{
	for (unsigned i = 1; i < WIRE_PROCS; i++)
		if (m->mms[i] && m->parent[i] == proc)
			do_exit(m, i);
	if (!load(m, m->mms[0]))
		return -QUIRE_ENOMEM;
	int error = quire_mm_destroy(m->mms[proc]);

	m->mms[proc] = NULL;
	return error;
}

/* ---- Looking ----------------------------------------------------------------------- */

static void look_pages(struct machine *m, struct quire_mm *mm, const struct area *area)
{
	for (unsigned i = 0; i < WIRE_PAGES && area->start + i * PAGE < area->end; i++) {
		struct quire_frame_use use = { 0 };
		struct quire_walk walk;
		uint8_t page = 0;

		quire_table_walk(quire_mm_table(mm), virt(area->start + i * PAGE),
				 QUIRE_ACCESS_READ, false, &walk);
		const struct quire_walk_step *last = &walk.step[walk.nr - 1];

		/* An entry that nobody may use keeps its frame. */
		if (last->present || (last->level == 0 && last->entry & 0x100))
			page |= PAGE_THERE;
		if (page)
			quire_frame_use(m->q, quire_pfn((last->entry & 0xffffffffff000) >> 12),
					&use);
		if (use.cache)
			page |= PAGE_FILE;
		if (!use.zero && use.mapcount == 1)
			page |= PAGE_ALONE;
		trace_page(m->trace, page);
	}
}

static void look_counts(struct quire_mm *mm, struct area *area)
{
	bool locked = area->flags & trace_flag("lo");
	struct quire_vma_pages pages;

	if (quire_vma_pages(mm, virt(area->start), virt(area->end), &pages))
		return;
	const uint64_t counts[NR_COUNTS] = {
		pages.rss,           pages.pss >> 12,
		pages.shared_clean,  pages.shared_dirty,
		pages.private_clean, pages.private_dirty,
		pages.anonymous,     locked ? pages.pss >> 12 : 0,
	};
	for (unsigned c = 0; c < NR_COUNTS; c++)
		area->counts[c] = counts[c] >> 10;
}

/* smaps' letters, with Linux's bits. */
static uint32_t flags_of(uint32_t flags)
{
	static const struct {
		char letters[3];
		uint32_t flag;
	} all[] = {
		{ "rd", QUIRE_VM_READ },      { "wr", QUIRE_VM_WRITE },
		{ "ex", QUIRE_VM_EXEC },      { "sh", QUIRE_VM_SHARED },
		{ "mr", QUIRE_VM_MAYREAD },   { "mw", QUIRE_VM_MAYWRITE },
		{ "me", QUIRE_VM_MAYEXEC },   { "ms", QUIRE_VM_MAYSHARE },
		{ "gd", QUIRE_VM_GROWSDOWN }, { "lo", QUIRE_VM_LOCKED },
		{ "sr", QUIRE_VM_SEQ_READ },  { "rr", QUIRE_VM_RAND_READ },
		{ "dc", QUIRE_VM_DONTCOPY },  { "ac", QUIRE_VM_ACCOUNT },
		{ "nr", QUIRE_VM_NORESERVE }, { "wf", QUIRE_VM_WIPEONFORK },
		{ "dd", QUIRE_VM_DONTDUMP },  { "sl", QUIRE_VM_SEALED },
		{ "hg", QUIRE_VM_HUGEPAGE },  { "nh", QUIRE_VM_NOHUGEPAGE },
	};
	uint32_t out = 0;

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (flags & all[i].flag)
			out |= trace_flag(all[i].letters);
	return out;
}

static void look(struct machine *m, const struct call *c, struct outcome *o)
{
	struct quire_mm *mm = m->mms[c->proc];
	struct quire_vma_info info = { 0 };

	o->first_area = m->trace->nr_areas;
	o->first_page = m->trace->nr_pages;
	while (quire_mm_next_vma(mm, info.end, &info)) {
		if (trace_is_own(m->origin, info.start.v))
			continue;
		struct area *area = trace_area(m->trace);

		area->start = info.start.v;
		area->end = info.end.v;
		area->offset = info.file ? info.pgoff * PAGE : 0;
		snprintf(area->rights, sizeof(area->rights), "%c%c%c%c",
			 info.flags & QUIRE_VM_READ ? 'r' : '-',
			 info.flags & QUIRE_VM_WRITE ? 'w' : '-',
			 info.flags & QUIRE_VM_EXEC ? 'x' : '-',
			 info.flags & QUIRE_VM_MAYSHARE ? 's' : 'p');
		if (info.file)
			snprintf(area->name, sizeof(area->name), "%s", quire_file_name(info.file));
		else if (info.kind == QUIRE_VMA_HEAP)
			strcpy(area->name, "[heap]");
		if (c->op != OP_LOOK)
			continue;
		area->flags = flags_of(info.flags);
		look_pages(m, mm, area);
		look_counts(mm, area);
	}
	o->nr_areas = m->trace->nr_areas - o->first_area;
	o->nr_pages = m->trace->nr_pages - o->first_page;
	o->looked = c->op == OP_LOOK;
}

/* ---- Episodes ---------------------------------------------------------------------- */

static void step(struct machine *m, const struct call *c, struct outcome *o)
{
	uint64_t at[2];
	bool can = c->proc < WIRE_PROCS && m->mms[c->proc] &&
		   resolve(m, c->at_ref, c->at, &at[0]) && resolve(m, c->to_ref, c->to, &at[1]) &&
		   !wire_hits(c, at[0], at[1], m->origin->heap);

	memset(o, 0, sizeof(*o));
	if (c->op == OP_FORK)
		can = can && c->value < WIRE_PROCS && !m->mms[c->value];
	if (c->op == OP_EXIT)
		can = can && c->value && c->value < WIRE_PROCS && m->mms[c->value] &&
		      m->parent[c->value] == c->proc;
	o->result.state = can ? STATE_DONE : STATE_SKIPPED;
	if (!can)
		return;
	o->result.result = c->op == OP_EXIT ? do_exit(m, c->value) : do_call(m, c, at, &o->result);
	if (m->episode->setting.detail)
		look(m, c, o);
}

static bool sound(struct machine *m, const char *when)
{
	struct quire_violation broken;

	if (!m->broken[0] && !quire_check(m->q, &broken))
		snprintf(m->broken, sizeof(m->broken), "%s: %s: %s: %#" PRIx64, when, broken.rule,
			 broken.text, broken.where);
	return !m->broken[0];
}

bool machine_run(struct machine *m, const struct episode *episode, const struct origin *origin,
		 struct trace *out)
{
	m->episode = episode;
	m->origin = origin;
	m->trace = out;
	m->broken[0] = 0;
	trace_reset(out);
	int error = begin(m);

	if (error)
		snprintf(m->broken, sizeof(m->broken), "the episode can't begin: %s",
			 quire_error_name(error));
	out->nr = error ? 0 : episode->nr;
	for (unsigned i = 0; i < out->nr; i++)
		step(m, &episode->calls[i], &out->outcomes[i]);
	sound(m, "after the last call");
	end(m);
	return sound(m, "after the processes ended");
}

static bool failed(const char *what, int error)
{
	if (error)
		fprintf(stderr, "judge: %s: %s\n", what, quire_error_name(error));
	return error != 0;
}

bool machine_start(struct machine *m, const struct origin *origin)
{
	struct quire_vm_sysctl sysctl;
	struct quire_config config;

	memset(m, 0, sizeof(*m));
	quire_config_init(&config, QUIRE_X86_64);
	config.host = &m->host;
	if (failed("quire_create", quire_create(&config, &m->q)) ||
	    failed("memory", quire_memblock_add(m->q, quire_phys(0), quire_phys(RAM))) ||
	    failed("zones", quire_boot_zones(m->q)) ||
	    failed("heap", quire_slab_boot(m->q, NULL)) ||
	    failed("kernel", quire_kernel_boot(m->q)) || failed("cache", quire_cache_boot(m->q)) ||
	    failed("vm", quire_vm_boot(m->q)) || failed("sysctl", quire_vm_sysctl(m->q, &sysctl)))
		return false;
	sysctl.mmap_min_addr = origin->least;
	return !failed("sysctl", quire_vm_set_sysctl(m->q, &sysctl));
}

void machine_stop(struct machine *m)
{
	quire_destroy(m->q);
	quire_hosted_release(&m->host);
	memset(m, 0, sizeof(*m));
}
