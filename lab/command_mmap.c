/* SPDX-License-Identifier: MIT */
/*
 * command_mmap.c - system calls of a process: mmap, munmap, mprotect, mremap, brk, madvise, mlock …
 *
 * The arguments stand in the order that Linux has them in; a name stands for an address. Refusals
 * give the error's name.
 */
#include "args.h"
#include "command_file.h"
#include "command_process.h"
#include "process.h"
#include "text.h"

/** struct bits - a word, and the bits that it means */
struct bits {
	const char *name;
	unsigned bits;
};

/* The bits of a word. Return: false if it is none of them */
static bool bits_find(const struct bits *table, const char *word, struct lab_nearest *near,
		      unsigned *out)
{
	for (; table->name; table++) {
		if (text_equal(table->name, word)) {
			*out |= table->bits;
			return true;
		}
		nearest_try(near, word, table->name);
	}
	return false;
}

/* All words that are left. */
static enum lab_status args_bits(struct lab *lab, const struct bits *table, const char *what,
				 unsigned *out)
{
	const char *word;

	while ((word = words_next(&lab->words))) {
		struct lab_nearest near = { NULL, 0 };

		if (!bits_find(table, word, &near, out))
			return args_wrong(lab, what, word, near.word);
	}
	return LAB_OK;
}

/* r, rw, rx, rwx … or none */
static bool is_rights(const char *word, unsigned *out)
{
	unsigned prot = 0;

	for (size_t i = 0; word[i]; i++) {
		if (word[i] == 'r')
			prot |= QUIRE_PROT_READ;
		else if (word[i] == 'w')
			prot |= QUIRE_PROT_WRITE;
		else if (word[i] == 'x')
			prot |= QUIRE_PROT_EXEC;
		else if (!text_equal(word, "none"))
			return false;
	}
	*out = prot;
	return *word != 0;
}

static enum lab_status args_rights(struct lab *lab, unsigned *out)
{
	const char *word = words_next(&lab->words);

	if (word && is_rights(word, out))
		return LAB_OK;
	return args_wrong(lab, "rights (r, rw, rx, rwx ... none)", word, NULL);
}

/** struct range - a process, and addresses of it */
struct range {
	struct lab_process *process;
	quire_virt_t at;
	uint64_t bytes;
};

/* ADDRESS SIZE of the process that the line is about. */
static enum lab_status args_span(struct lab *lab, struct range *out)
{
	struct lab_area *area;
	enum lab_status status = process_current(lab, &out->process);

	if (!status)
		status = args_place(lab, &out->at, &area);
	return status ? status : args_size(lab, "the size", &out->bytes);
}

/* What a call said. */
static enum lab_status said(struct lab *lab, int error, const char *what, const struct range *range)
{
	if (error)
		return session_refuse(lab, quire_error_name(error), "%s", what);
	session_echo(lab, "%s 0x%jx %ju", what, (uintmax_t)range->at.v, (uintmax_t)range->bytes);
	return LAB_OK;
}

/* ---- mmap ------------------------------------------------------------------------------ */

static const struct bits mmap_flags[] = {
	{ "shared", QUIRE_MAP_SHARED },
	{ "private", QUIRE_MAP_PRIVATE },
	{ "fixed", QUIRE_MAP_FIXED },
	{ "noreplace", QUIRE_MAP_FIXED_NOREPLACE },
	{ "growsdown", QUIRE_MAP_GROWSDOWN },
	{ "populate", QUIRE_MAP_POPULATE },
	{ "locked", QUIRE_MAP_LOCKED },
	{ "noreserve", QUIRE_MAP_NORESERVE },
	{ "stack", QUIRE_MAP_STACK },
	{ "32bit", QUIRE_MAP_32BIT },
	{ "hugetlb", QUIRE_MAP_HUGETLB },
	{ NULL, 0 },
};

/* [at ADDRESS] [RIGHTS] [file F] [offset N] [FLAG...] */
static enum lab_status args_mmap(struct lab *lab, struct quire_mmap *args)
{
	struct lab_words *words = &lab->words;
	enum lab_status status = LAB_OK;
	struct lab_area *area;

	while (!status && !words_end(words)) {
		struct lab_nearest near = { NULL, 0 };
		const char *word;

		if (words_take(words, "at")) {
			status = args_place(lab, &args->address, &area);
		} else if (words_take(words, "file")) {
			args->flags &= ~QUIRE_MAP_ANONYMOUS;
			status = args_open_file(lab, &args->file);
		} else if (words_take(words, "offset")) {
			status = args_size(lab, "the offset", &args->offset);
		} else {
			word = words_next(words);
			if (!is_rights(word, &args->prot) &&
			    !bits_find(mmap_flags, word, &near, &args->flags))
				status = args_wrong(lab, "flag of mmap", word, near.word);
		}
	}
	if (!(args->flags & QUIRE_MAP_TYPE))
		args->flags |= QUIRE_MAP_PRIVATE;
	return status;
}

enum lab_status command_mmap(struct lab *lab, const char *target)
{
	struct quire_mmap args = {
		.prot = QUIRE_PROT_READ | QUIRE_PROT_WRITE,
		.flags = QUIRE_MAP_ANONYMOUS,
	};
	struct lab_process *process = NULL;
	struct lab_area *area = NULL;
	quire_virt_t at = { 0 };
	enum lab_status status = process_current(lab, &process);
	int error;

	if (!status)
		status = args_size(lab, "the size", &args.bytes);
	if (!status)
		status = args_mmap(lab, &args);
	if (!status)
		status = place_name(lab, target, &area);
	if (status)
		return status;
	error = quire_mmap(process->mm, &args, &at);
	return error ? session_refuse(lab, quire_error_name(error), "mmap")
		     : place_keep(lab, area, "mmap", at);
}

/* Pages of the process, and nothing else. */
static enum lab_status only_span(struct lab *lab, struct range *out)
{
	enum lab_status status = args_span(lab, out);

	return status ? status : args_end(lab);
}

enum lab_status command_munmap(struct lab *lab, const char *target)
{
	struct range r;
	enum lab_status status = only_span(lab, &r);

	(void)target;
	if (status)
		return status;
	return said(lab, quire_munmap(r.process->mm, r.at, r.bytes), "munmap", &r);
}

enum lab_status command_mprotect(struct lab *lab, const char *target)
{
	struct range r;
	unsigned prot = 0;
	enum lab_status status = args_span(lab, &r);

	(void)target;
	if (!status)
		status = args_rights(lab, &prot);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	return said(lab, quire_mprotect(r.process->mm, r.at, r.bytes, prot), "mprotect", &r);
}

/* ---- mremap, brk ------------------------------------------------------------------------- */

enum lab_status command_mremap(struct lab *lab, const char *target)
{
	static const struct bits flags[] = {
		{ "maymove", QUIRE_MREMAP_MAYMOVE },
		{ "dontunmap", QUIRE_MREMAP_DONTUNMAP },
		{ NULL, 0 },
	};
	struct quire_mremap args = { .flags = 0 };
	struct lab_area *area = NULL;
	quire_virt_t at = { 0 };
	struct range r;
	enum lab_status status = args_span(lab, &r);
	int error;

	if (!status)
		status = args_size(lab, "the new size", &args.new_bytes);
	if (!status && words_take(&lab->words, "at")) {
		args.flags = QUIRE_MREMAP_FIXED | QUIRE_MREMAP_MAYMOVE;
		status = args_place(lab, &args.new_address, &area);
	}
	if (!status)
		status = args_bits(lab, flags, "flag of mremap", &args.flags);
	if (!status)
		status = place_name(lab, target, &area);
	if (status)
		return status;
	args.address = r.at;
	args.old_bytes = r.bytes;
	error = quire_mremap(r.process->mm, &args, &at);
	return error ? session_refuse(lab, quire_error_name(error), "mremap")
		     : place_keep(lab, area, "mremap", at);
}

enum lab_status command_brk(struct lab *lab, const char *target)
{
	struct lab_process *process = NULL;
	struct lab_area *area = NULL;
	quire_virt_t at = { 0 }, was;
	uint64_t more = 0;
	const char *word = words_peek(&lab->words);
	enum lab_status status = process_current(lab, &process);

	if (status)
		return status;
	was = quire_brk(process->mm, at);
	if (word && *word == '+') {
		lab->words.word[lab->words.at] = word + 1;
		status = args_size(lab, "the size", &more);
		lab->words.word[lab->words.at - 1] = word;
		at.v = was.v + more;
	} else if (word) {
		status = args_place(lab, &at, &area);
	}
	area = NULL;
	if (!status)
		status = args_end(lab);
	if (!status)
		status = place_name(lab, target, &area);
	if (status)
		return status;
	/* As sbrk: a name stands for the first byte of what is new. */
	if (word && quire_brk(process->mm, at).v != at.v)
		return session_refuse(lab, quire_error_name(QUIRE_ENOMEM), "brk");
	return place_keep(lab, area, "brk", was);
}

/* ---- Advice, locks ------------------------------------------------------------------------- */

static const struct bits advices[] = {
	{ "normal", QUIRE_MADV_NORMAL },
	{ "random", QUIRE_MADV_RANDOM },
	{ "sequential", QUIRE_MADV_SEQUENTIAL },
	{ "willneed", QUIRE_MADV_WILLNEED },
	{ "dontneed", QUIRE_MADV_DONTNEED },
	{ "free", QUIRE_MADV_FREE },
	{ "remove", QUIRE_MADV_REMOVE },
	{ "dontfork", QUIRE_MADV_DONTFORK },
	{ "dofork", QUIRE_MADV_DOFORK },
	{ "hugepage", QUIRE_MADV_HUGEPAGE },
	{ "nohugepage", QUIRE_MADV_NOHUGEPAGE },
	{ "dontdump", QUIRE_MADV_DONTDUMP },
	{ "dodump", QUIRE_MADV_DODUMP },
	{ "wipeonfork", QUIRE_MADV_WIPEONFORK },
	{ "keeponfork", QUIRE_MADV_KEEPONFORK },
	{ "cold", QUIRE_MADV_COLD },
	{ "pageout", QUIRE_MADV_PAGEOUT },
	{ "populate_read", QUIRE_MADV_POPULATE_READ },
	{ "populate_write", QUIRE_MADV_POPULATE_WRITE },
	{ "collapse", QUIRE_MADV_COLLAPSE },
	{ NULL, 0 },
};

enum lab_status command_madvise(struct lab *lab, const char *target)
{
	struct lab_nearest near = { NULL, 0 };
	unsigned advice = 0;
	struct range r;
	const char *word;
	enum lab_status status = args_span(lab, &r);

	(void)target;
	if (status)
		return status;
	word = words_next(&lab->words);
	if (!word || !bits_find(advices, word, &near, &advice))
		return args_wrong(lab, "advice", word, near.word);
	status = args_end(lab);
	if (status)
		return status;
	return said(lab, quire_madvise(r.process->mm, r.at, r.bytes, (int)advice), "madvise", &r);
}

enum lab_status command_mlock(struct lab *lab, const char *target)
{
	static const struct bits flags[] = { { "onfault", QUIRE_MLOCK_ONFAULT }, { NULL, 0 } };
	unsigned bits = 0;
	struct range r;
	enum lab_status status = args_span(lab, &r);

	(void)target;
	if (!status)
		status = args_bits(lab, flags, "flag of mlock", &bits);
	if (status)
		return status;
	return said(lab, quire_mlock(r.process->mm, r.at, r.bytes, bits), "mlock", &r);
}

enum lab_status command_munlock(struct lab *lab, const char *target)
{
	struct range r;
	enum lab_status status = only_span(lab, &r);

	(void)target;
	if (status)
		return status;
	return said(lab, quire_munlock(r.process->mm, r.at, r.bytes), "munlock", &r);
}

enum lab_status command_mlockall(struct lab *lab, const char *target)
{
	static const struct bits flags[] = {
		{ "current", QUIRE_MCL_CURRENT },
		{ "future", QUIRE_MCL_FUTURE },
		{ "onfault", QUIRE_MCL_ONFAULT },
		{ NULL, 0 },
	};
	struct range r = { .bytes = 0 };
	unsigned bits = 0;
	enum lab_status status = process_current(lab, &r.process);

	(void)target;
	if (!status)
		status = args_bits(lab, flags, "flag of mlockall", &bits);
	return status ? status : said(lab, quire_mlockall(r.process->mm, bits), "mlockall", &r);
}

enum lab_status command_munlockall(struct lab *lab, const char *target)
{
	struct range r = { .bytes = 0 };
	enum lab_status status = process_current(lab, &r.process);

	(void)target;
	if (!status)
		status = args_end(lab);
	return status ? status : said(lab, quire_munlockall(r.process->mm), "munlockall", &r);
}

enum lab_status command_msync(struct lab *lab, const char *target)
{
	static const struct bits flags[] = {
		{ "async", QUIRE_MS_ASYNC },
		{ "sync", QUIRE_MS_SYNC },
		{ "invalidate", QUIRE_MS_INVALIDATE },
		{ NULL, 0 },
	};
	unsigned bits = 0;
	struct range r;
	enum lab_status status = args_span(lab, &r);

	(void)target;
	if (!status)
		status = args_bits(lab, flags, "flag of msync", &bits);
	if (status)
		return status;
	return said(lab, quire_msync(r.process->mm, r.at, r.bytes, bits), "msync", &r);
}

enum lab_status command_mseal(struct lab *lab, const char *target)
{
	struct range r;
	enum lab_status status = only_span(lab, &r);

	(void)target;
	if (status)
		return status;
	return said(lab, quire_mseal(r.process->mm, r.at, r.bytes, 0), "mseal", &r);
}
