/* SPDX-License-Identifier: MIT */
/*
 * command_file.c - files in memory: the page cache, with a store that the session plays
 *
 * A file's store is memory of the session's, in which page N is full of byte N + 1 at first, so
 * that a script sees what comes from where.
 */
#include "command_file.h"

#include <quire/file.h>

#include "args.h"
#include "text.h"

/* A store's bytes at most: it is real memory of the host. */
#define STORE_MAX (1u << 26)
/* Bytes that are read or written in one call. */
#define PART 4096u

/** struct lab_file - a name, and the file it stands for */
struct lab_file {
	struct lab_file *next;
	char name[LAB_NAME_MAX];
	struct lab *lab;
	struct quire_file *file; /* NULL: closed */
	unsigned char *bytes;    /* of the store; NULL: the file is memory alone */
	size_t size, room;
};

/* ---- The store ----------------------------------------------------------------- */

static int store_read(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr)
{
	static const unsigned char zeros[PART];
	struct lab_file *f = ctx;
	int error = 0;

	for (size_t i = 0; i < nr && !error; i++) {
		uint64_t at = (index + i) * QUIRE_PAGE_SIZE, left = at < f->size ? f->size - at : 0;
		size_t n = (size_t)(left < PART ? left : PART);

		error = quire_page_write(f->lab->q, pages[i], 0, f->bytes + at, n);
		if (!error)
			error = quire_page_write(f->lab->q, pages[i], (unsigned)n, zeros, PART - n);
	}
	return error;
}

static int store_write(void *ctx, uint64_t index, struct quire_page *const *pages, uint64_t bytes)
{
	struct lab_file *f = ctx;
	int error = 0;

	for (size_t i = 0; i * PART < bytes && !error; i++) {
		uint64_t left = bytes - i * PART;

		error = quire_page_read(f->lab->q, pages[i], 0,
					f->bytes + (index + i) * QUIRE_PAGE_SIZE,
					(size_t)(left < PART ? left : PART));
	}
	return error;
}

static void clear(unsigned char *p, uint64_t n)
{
	while (n--)
		*p++ = 0;
}

static int store_resize(void *ctx, uint64_t bytes)
{
	struct lab_file *f = ctx;

	if (bytes > STORE_MAX)
		return -QUIRE_ENOSPC;
	while (f->room < bytes) {
		unsigned char *more = session_grow(f->lab, f->bytes, &f->room, 1);

		if (!more)
			return -QUIRE_ENOSPC;
		f->bytes = more;
	}
	if (bytes < f->size)
		clear(f->bytes + bytes, f->size - bytes);
	f->size = (size_t)bytes;
	return 0;
}

static int store_punch(void *ctx, uint64_t offset, uint64_t bytes)
{
	struct lab_file *f = ctx;

	clear(f->bytes + offset, bytes < f->size - offset ? bytes : f->size - offset);
	return 0;
}

static void store_release(void *ctx)
{
	struct lab_file *f = ctx;

	session_free(f->lab, f->bytes, f->room);
	f->bytes = NULL;
	f->size = f->room = 0;
}

static const struct quire_store store = {
	.read = store_read,
	.write = store_write,
	.resize = store_resize,
	.punch = store_punch,
	.release = store_release,
};

/* ---- Names ------------------------------------------------------------------------ */

static struct lab_file *file_find(struct lab *lab, const char *name)
{
	struct lab_file *f = lab->files;

	while (f && !text_equal(f->name, name))
		f = f->next;
	return f;
}

void file_reset(struct lab *lab)
{
	while (lab->files) {
		struct lab_file *f = lab->files;

		lab->files = f->next;
		quire_file_put(f->file);
		session_free(lab, f, sizeof(*f));
	}
}

/* The open file that is named next. */
static enum lab_status args_file(struct lab *lab, struct lab_file **out)
{
	const char *word = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };

	*out = word ? file_find(lab, word) : NULL;
	if (*out && (*out)->file)
		return LAB_OK;
	for (const struct lab_file *f = lab->files; word && f; f = f->next) {
		if (f->file)
			nearest_try(&near, word, f->name);
	}
	return args_wrong(lab, "file", word, near.word);
}

enum lab_status args_open_file(struct lab *lab, struct quire_file **out)
{
	struct lab_file *f = NULL;
	enum lab_status status = args_file(lab, &f);

	*out = f ? f->file : NULL;
	return status;
}

static enum lab_status session_cache(struct lab *lab)
{
	enum lab_status status = session_kernel(lab);
	int error = status ? 0 : quire_cache_boot(lab->q);

	if (error && error != -QUIRE_EBUSY)
		return session_error(lab, error, "the page cache can't be set up");
	return status;
}

/* A name for a file that is not open yet. */
static enum lab_status file_name(struct lab *lab, const char *name, struct lab_file **out)
{
	if (!name)
		return session_fail(lab, LAB_USAGE, "say: NAME = file SIZE");
	if (!session_is_name(name))
		return session_fail(lab, LAB_USAGE, "'%s' can't be a name", name);
	*out = file_find(lab, name);
	if (*out && (*out)->file)
		return session_fail(lab, LAB_USAGE, "%s is open", name);
	if (*out && (*out)->bytes)
		return session_fail(lab, LAB_USAGE, "%s is mapped still", name);
	if (*out)
		return LAB_OK;
	*out = session_alloc(lab, sizeof(**out));
	if (!*out)
		return session_memory(lab);
	text_copy((*out)->name, sizeof((*out)->name), name);
	(*out)->lab = lab;
	(*out)->next = lab->files;
	lab->files = *out;
	return LAB_OK;
}

/* Where a file's contents are. */
enum medium { STORE, MEMORY, HUGE };

static int open_file(struct lab *lab, struct lab_file *f, uint64_t bytes, enum medium medium)
{
	const unsigned mode = QUIRE_FILE_READ | QUIRE_FILE_WRITE;
	const struct quire_inode_args args = { .store = &store, .ctx = f, .bytes = bytes };
	struct quire_inode *inode;
	int error = 0;

	if (medium != STORE) {
		/* As memfd_create makes them, so that they can be sealed. */
		error = quire_memfd_create(lab->q, f->name,
					   QUIRE_MFD_ALLOW_SEALING |
						   (medium == HUGE ? QUIRE_MFD_HUGETLB : 0),
					   &f->file);
		return error ? error : quire_file_truncate(f->file, bytes);
	}
	for (size_t i = 0; i < bytes; i++)
		f->bytes[i] = (unsigned char)(i / QUIRE_PAGE_SIZE + 1);
	error = quire_inode_create(lab->q, &args, &inode);
	if (error) {
		store_release(f);
		return error;
	}
	error = quire_file_open(inode, mode, f->name, &f->file);
	quire_inode_put(inode);
	return error;
}

enum lab_status command_file(struct lab *lab, const char *target)
{
	enum lab_status status;
	struct lab_file *f = NULL;
	uint64_t bytes = 0;
	enum medium medium = STORE;

	status = args_size(lab, "the size", &bytes);
	if (!status && words_take(&lab->words, "memory"))
		medium = MEMORY;
	else if (!status && words_take(&lab->words, "huge"))
		medium = HUGE;
	else if (!status)
		words_take(&lab->words, "store");
	if (!status)
		status = args_end(lab);
	if (!status)
		status = session_cache(lab);
	if (!status)
		status = file_name(lab, target, &f);
	if (status || !f)
		return status;
	if (medium == STORE && bytes > STORE_MAX)
		return session_refuse(lab, quire_error_name(QUIRE_ENOSPC), "file %s", target);
	if (medium == STORE && store_resize(f, bytes)) {
		store_release(f);
		return session_memory(lab);
	}
	int error = open_file(lab, f, bytes, medium);

	if (error) {
		quire_file_put(f->file);
		f->file = NULL;
		return session_refuse(lab, quire_error_name(error), "file %s", target);
	}
	session_echo(lab, "%s: %llu bytes %s", target, (unsigned long long)bytes,
		     medium == HUGE     ? "of huge pages"
		     : medium == MEMORY ? "of memory"
					: "in a store");
	return LAB_OK;
}

enum lab_status command_close(struct lab *lab, const char *target)
{
	struct lab_file *f;
	enum lab_status status = args_file(lab, &f);

	(void)target;
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	quire_file_put(f->file);
	f->file = NULL;
	return LAB_OK;
}

/* ---- What is done to a file ---------------------------------------------------------- */

/* struct span - FILE OFFSET SIZE */
struct span {
	struct lab_file *f;
	uint64_t offset, bytes;
};

static enum lab_status args_span(struct lab *lab, struct span *span)
{
	enum lab_status status = args_file(lab, &span->f);

	if (!status)
		status = args_size(lab, "the offset", &span->offset);
	return status ? status : args_size(lab, "the size", &span->bytes);
}

/* Say what it took from the store. */
static void tell(struct lab *lab, const struct lab_file *f, const char *what, uint64_t done,
		 const struct quire_inode_info *before)
{
	struct quire_inode_info now;

	quire_inode_info(quire_file_inode(f->file), &now);
	session_echo(lab, "%s: %s %llu bytes; pages read %llu, of them ahead %llu, written %llu",
		     f->name, what, (unsigned long long)done,
		     (unsigned long long)(now.nr_reads - before->nr_reads),
		     (unsigned long long)(now.nr_ahead - before->nr_ahead),
		     (unsigned long long)(now.nr_writes - before->nr_writes));
}

/* Read it, or (@byte not negative) write it. */
static enum lab_status transfer(struct lab *lab, const struct span *span, int byte)
{
	struct quire_inode_info before;
	struct quire_file *file = span->f->file;
	unsigned char buf[PART];
	uint64_t at = 0;
	int error = 0;

	quire_inode_info(quire_file_inode(file), &before);
	for (size_t i = 0; byte >= 0 && i < PART; i++)
		buf[i] = (unsigned char)byte;
	while (at < span->bytes && !error) {
		size_t n = (size_t)(span->bytes - at < PART ? span->bytes - at : PART), done = 0;

		error = byte < 0 ? quire_file_read(file, span->offset + at, buf, n, &done)
				 : quire_file_write(file, span->offset + at, buf, n, &done);
		at += done;
		if (done < n)
			break;
	}
	if (error)
		return session_refuse(lab, quire_error_name(error), "%s",
				      byte < 0 ? "fread" : "fwrite");
	tell(lab, span->f, byte < 0 ? "read" : "wrote", at, &before);
	return LAB_OK;
}

enum lab_status command_fread(struct lab *lab, const char *target)
{
	struct span span;
	enum lab_status status = args_span(lab, &span);

	(void)target;
	if (!status)
		status = args_end(lab);
	return status ? status : transfer(lab, &span, -1);
}

enum lab_status command_fwrite(struct lab *lab, const char *target)
{
	struct span span;
	uint64_t byte = 0;
	enum lab_status status = args_span(lab, &span);

	(void)target;
	if (!status)
		status = args_number(lab, "the byte", 255, &byte);
	if (!status)
		status = args_end(lab);
	return status ? status : transfer(lab, &span, (int)byte);
}

enum lab_status command_truncate(struct lab *lab, const char *target)
{
	struct lab_file *f;
	uint64_t bytes = 0;
	enum lab_status status = args_file(lab, &f);

	(void)target;
	if (!status)
		status = args_size(lab, "the size", &bytes);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	int error = quire_file_truncate(f->file, bytes);
	return error ? session_refuse(lab, quire_error_name(error), "truncate") : LAB_OK;
}

enum lab_status command_punch(struct lab *lab, const char *target)
{
	struct span span;
	enum lab_status status = args_span(lab, &span);

	(void)target;
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	int error = quire_file_allocate(span.f->file,
					QUIRE_FALLOC_PUNCH_HOLE | QUIRE_FALLOC_KEEP_SIZE,
					span.offset, span.bytes);
	return error ? session_refuse(lab, quire_error_name(error), "punch") : LAB_OK;
}

enum lab_status command_sync(struct lab *lab, const char *target)
{
	struct lab_file *f = NULL;
	enum lab_status status = session_cache(lab);

	(void)target;
	if (!status && !words_end(&lab->words))
		status = args_file(lab, &f);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	int error = f ? quire_file_sync(f->file, 0, UINT64_MAX) : quire_pagecache_sync(lab->q);
	return error ? session_refuse(lab, quire_error_name(error), "sync") : LAB_OK;
}

enum lab_status command_drop_caches(struct lab *lab, const char *target)
{
	enum lab_status status = args_end(lab);

	(void)target;
	if (!status)
		status = session_cache(lab);
	if (!status)
		session_echo(lab, "%llu pages dropped",
			     (unsigned long long)quire_pagecache_drop(lab->q));
	return status;
}

/* The number of a word in a list. Return: -1, and *@near may be what was meant */
static int word_index(const char *const *words, int nr, const char *word, struct lab_nearest *near)
{
	for (int i = 0; word && i < nr; i++) {
		if (text_equal(words[i], word))
			return i;
		nearest_try(near, word, words[i]);
	}
	return -1;
}

enum lab_status command_fadvise(struct lab *lab, const char *target)
{
	static const char *const words[] = { "normal",	 "random",   "sequential",
					     "willneed", "dontneed", "noreuse" };
	struct lab_nearest near = { NULL, 0 };
	uint64_t offset = 0, bytes = 0;
	struct lab_file *f;
	int advice = -1;
	enum lab_status status = args_file(lab, &f);

	(void)target;
	if (!status) {
		const char *word = words_next(&lab->words);

		advice = word_index(words, 6, word, &near);
		if (advice < 0)
			return args_wrong(lab, "advice", word, near.word);
	}
	if (!status && !words_end(&lab->words)) {
		status = args_size(lab, "the offset", &offset);
		if (!status)
			status = args_size(lab, "the size", &bytes);
	}
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	int error = quire_file_advise(f->file, offset, bytes, (enum quire_fadvise)advice);
	return error ? session_refuse(lab, quire_error_name(error), "fadvise") : LAB_OK;
}

enum lab_status command_seal(struct lab *lab, const char *target)
{
	static const char *const words[] = { "seal",  "shrink",	      "grow",
					     "write", "future_write", "exec" };
	struct lab_nearest near = { NULL, 0 };
	struct lab_file *f;
	unsigned seals = 0;
	enum lab_status status = args_file(lab, &f);

	(void)target;
	while (!status && !words_end(&lab->words)) {
		const char *word = words_next(&lab->words);
		int i = word_index(words, 6, word, &near);

		if (i < 0)
			status = args_wrong(lab, "seal", word, near.word);
		else
			seals |= 1u << i;
	}
	if (status)
		return status;
	int error = quire_file_seal(f->file, seals);
	return error ? session_refuse(lab, quire_error_name(error), "seal") : LAB_OK;
}

/* ---- Expectations ---------------------------------------------------------------------- */

enum lab_status expect_file(struct lab *lab)
{
	static const char *const words[] = { "size",  "pages", "dirty", "reads",
					     "ahead", "writes" };
	struct lab_nearest near = { NULL, 0 };
	struct quire_inode_info info;
	struct lab_file *f;
	enum lab_status status = args_file(lab, &f);

	if (status)
		return status;
	const char *word = words_next(&lab->words);
	int i = word_index(words, 6, word, &near);

	if (i < 0)
		return args_wrong(lab, "number of a file", word, near.word);
	quire_inode_info(quire_file_inode(f->file), &info);
	const uint64_t is[] = { info.bytes,    info.nr_pages, info.nr_dirty,
				info.nr_reads, info.nr_ahead, info.nr_writes };

	return expect_number(lab, words[i], is[i]);
}

enum lab_status expect_fread(struct lab *lab)
{
	uint64_t offset = 0;
	unsigned char byte = 0;
	struct lab_file *f = NULL;
	size_t done;
	enum lab_status status = args_file(lab, &f);

	if (!status)
		status = args_size(lab, "the offset", &offset);
	if (status || !f)
		return status;
	int error = quire_file_read(f->file, offset, &byte, 1, &done);

	if (error)
		return session_refuse(lab, quire_error_name(error), "fread");
	return done ? expect_number(lab, "fread", byte)
		    : session_fail(lab, LAB_FAILED, "the file ends before byte %llu",
				   (unsigned long long)offset);
}
