/* SPDX-License-Identifier: MIT */
/*
 * command_slab.c - the kernel heap: caches, kmalloc, objects with names
 *
 * Names of objects are apart from those of blocks. An object keeps its name when it is freed, so
 * that a script can do wrong with it. The heap is set up by `slab`, or by the first command that
 * needs it. Who allocates and frees is, to the heap, the line of the script.
 */
#include <quire/port.h>
#include <quire/slab.h>

#include "args.h"
#include "command.h"
#include "debt.h"
#include "figure.h"
#include "text.h"

#define OBJECTS_MAX (1u << 20)

/* Of each object: guard bytes behind it with flag Z, and bytes of the smallest there is. */
#define GUARD_BYTES 8
#define OBJECT_LEAST 8

/* The flags of slab, one letter each: Linux's of slab_debug, and two of our own. */
static const struct {
	char letter;
	uint32_t flag;
} flags[] = {
	{ 'F', QUIRE_SLAB_CONSISTENCY }, { 'Z', QUIRE_SLAB_RED_ZONE }, { 'P', QUIRE_SLAB_POISON },
	{ 'U', QUIRE_SLAB_STORE_USER },  { 'A', QUIRE_SLAB_ASKED },    { 'R', QUIRE_SLAB_SHUFFLE },
};

/* What the heap found: kept for expect, told to whoever listens. */
static void found(void *ctx, const struct quire_slab_finding *f)
{
	struct lab *lab = ctx;
	char by[40] = "";

	text_copy(lab->finding, sizeof(lab->finding), quire_kfree_name(f->what));
	lab->finding_at = f->offset;
	lab->nr_findings++;
	if (f->alloc_caller)
		quire_format_buffer(by, sizeof(by), ", allocated in line %lu",
				    (unsigned long)f->alloc_caller);
	session_echo(lab, "%s: %s at byte %lld%s", quire_kfree_name(f->what),
		     f->cache ? f->cache : "no cache", (long long)(int64_t)f->offset, by);
}

static enum lab_status heap_boot(struct lab *lab, uint32_t debug, const char *only)
{
	struct quire_slab_config config = { .debug = debug, .report = found, .ctx = lab };

	if (only)
		text_copy(lab->slab_only, sizeof(lab->slab_only), only);
	config.only = only ? lab->slab_only : NULL;
	int error = quire_slab_boot(lab->q, &config);

	if (error == -QUIRE_ENOMEM)
		return session_memory(lab);
	if (error == -QUIRE_EOPNOTSUPP)
		return session_fail(lab, LAB_FILE, "the host has no memory that can be touched");
	if (error)
		return session_error(lab, error, "the heap can't be set up");
	lab->heap = true;
	lab->slab_debug = only ? 0 : debug;
	return LAB_OK;
}

enum lab_status session_heap(struct lab *lab)
{
	return lab->heap ? LAB_OK : heap_boot(lab, 0, NULL);
}

enum lab_status command_slab(struct lab *lab, const char *target)
{
	const char *letters = words_next(&lab->words), *only = words_next(&lab->words);
	enum lab_status status = args_end(lab);
	uint32_t debug = 0;

	(void)target;
	for (const char *c = letters; c && *c; c++) {
		uint32_t flag = 0;

		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			flag |= flags[i].letter == *c ? flags[i].flag : 0;
		if (!flag)
			return session_fail(lab, LAB_USAGE, "unknown flag '%c' of F Z P U A R", *c);
		debug |= flag;
	}
	return status ? status : heap_boot(lab, debug, only);
}

void session_objects_reset(struct lab *lab)
{
	while (lab->objects) {
		struct lab_object *object = lab->objects;

		lab->objects = object->next;
		session_free(lab, object->p, object->nr * sizeof(*object->p));
		session_free(lab, object, sizeof(*object));
	}
	lab->heap = false;
	lab->finding[0] = 0;
	lab->nr_findings = 0;
	lab->line = 0;
}

static struct lab_object *object_find(struct lab *lab, const char *name)
{
	struct lab_object *object = lab->objects;

	while (object && !text_equal(object->name, name))
		object = object->next;
	return object;
}

/* A name for @nr pointers; an old one of that name goes. */
static enum lab_status object_new(struct lab *lab, const char *name, size_t nr,
				  struct lab_object **out)
{
	struct lab_object *object = object_find(lab, name), **link = &lab->objects;

	if (text_length(name) >= LAB_NAME_MAX)
		return session_fail(lab, LAB_USAGE, "the name is too long: '%s'", name);
	if (object) {
		while (*link != object)
			link = &(*link)->next;
		*link = object->next;
		session_free(lab, object->p, object->nr * sizeof(*object->p));
		session_free(lab, object, sizeof(*object));
	}
	object = session_alloc(lab, sizeof(*object));
	void **p = object ? session_alloc(lab, nr * sizeof(*p)) : NULL;
	if (!p) {
		session_free(lab, object, sizeof(*object));
		return session_memory(lab);
	}
	text_copy(object->name, sizeof(object->name), name);
	object->p = p;
	object->nr = nr;
	object->next = lab->objects;
	lab->objects = object;
	*out = object;
	return LAB_OK;
}

/* NAME, NAME[i]. Return: with the array's whole length in @nr for NAME */
static enum lab_status args_object(struct lab *lab, void ***p, size_t *nr)
{
	const char *word = words_next(&lab->words);
	char name[LAB_NAME_MAX + 24];
	struct lab_object *object = NULL;
	uint64_t i = 0;
	size_t at = 0;

	if (!word)
		return args_wrong(lab, "the object", NULL, NULL);
	text_copy(name, sizeof(name), word);
	while (name[at] && name[at] != '[')
		at++;
	bool part = name[at] == '[';
	if (part) {
		size_t end = text_length(name);

		name[at] = 0;
		if (name[end - 1] != ']')
			return session_fail(lab, LAB_USAGE, "no such object: '%s'", word);
		name[end - 1] = 0;
		if (!text_number(name + at + 1, &i))
			return session_fail(lab, LAB_USAGE, "no such object: '%s'", word);
	}
	object = object_find(lab, name);
	if (!object || i >= object->nr)
		return session_fail(lab, LAB_USAGE, "no such object: '%s'", word);
	*p = object->p + i;
	*nr = part ? 1 : object->nr;
	return LAB_OK;
}

static enum lab_status args_cache(struct lab *lab, struct quire_cache **out)
{
	const char *word = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };
	struct quire_cache_info info;

	*out = word ? quire_cache_find(lab->q, word) : NULL;
	if (*out)
		return LAB_OK;
	for (struct quire_cache *c = quire_cache_next(lab->q, NULL); word && c;
	     c = quire_cache_next(lab->q, c)) {
		quire_cache_info(c, &info);
		nearest_try(&near, word, info.name);
	}
	return args_wrong(lab, "cache", word, near.word);
}

static enum lab_status cache_option(struct lab *lab, struct quire_cache_args *args)
{
	static const struct {
		const char *word;
		uint32_t flag;
	} options[] = {
		{ "hwalign", QUIRE_SLAB_HWCACHE_ALIGN }, { "dma", QUIRE_SLAB_CACHE_DMA },
		{ "dma32", QUIRE_SLAB_CACHE_DMA32 },     { "reclaim", QUIRE_SLAB_RECLAIM_ACCOUNT },
		{ "poison", QUIRE_SLAB_POISON },         { "redzone", QUIRE_SLAB_RED_ZONE },
		{ "user", QUIRE_SLAB_STORE_USER },       { "asked", QUIRE_SLAB_ASKED },
	};
	struct lab_nearest near = { NULL, 0 };
	const char *word = words_next(&lab->words);
	uint64_t align = 0;

	if (text_equal(word, "align")) {
		enum lab_status status = args_number(lab, "align", 8192, &align);

		args->align = (size_t)align;
		return status;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		nearest_try(&near, word, options[i].word);
		if (!text_equal(word, options[i].word))
			continue;
		args->flags |= options[i].flag;
		return LAB_OK;
	}
	return args_wrong(lab, "option of a cache", word, near.word);
}

enum lab_status command_cache(struct lab *lab, const char *target)
{
	struct quire_cache_args args = { .name = words_next(&lab->words) };
	struct quire_cache *cache;
	uint64_t size = 0;
	enum lab_status status = args.name ? args_size(lab, "the size", &size)
					   : args_wrong(lab, "the name", NULL, NULL);

	(void)target;
	while (!status && !words_end(&lab->words))
		status = cache_option(lab, &args);
	if (!status)
		status = session_heap(lab);
	if (status)
		return status;
	args.size = size > SIZE_MAX ? SIZE_MAX : (size_t)size;
	int error = quire_cache_create(lab->q, &args, &cache);
	if (error)
		return session_refuse(lab, quire_error_name(error), "cache %s", args.name);
	if (debt_owe(lab, DEBT_CACHE, (uintptr_t)cache))
		return LAB_OK;
	quire_cache_destroy(cache);
	return session_memory(lab);
}

enum lab_status command_uncache(struct lab *lab, const char *target)
{
	struct quire_cache *cache;
	enum lab_status status = session_heap(lab);

	(void)target;
	if (!status)
		status = args_cache(lab, &cache);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	int error = quire_cache_destroy(cache);
	if (error)
		return session_refuse(lab, quire_error_name(error), "uncache");
	debt_settle(lab, DEBT_CACHE, (uintptr_t)cache);
	return LAB_OK;
}

/* What was had, if the host wants to hear. */
static void echo_object(struct lab *lab, const char *name, const void *p)
{
	session_echo(lab, "%s: %zu bytes at physical %#llx", name ? name : "had",
		     quire_ksize(lab->q, p), (unsigned long long)quire_heap_phys(lab->q, p).v);
}

static enum lab_status kmalloc(struct lab *lab, const char *target, quire_gfp_t add)
{
	struct lab_object *object = NULL;
	quire_gfp_t gfp = 0;
	uint64_t bytes = 0;
	enum lab_status status = args_size(lab, "the size", &bytes);

	if (!status)
		status = args_gfp(lab, &gfp);
	if (!status)
		status = args_end(lab);
	if (!status)
		status = session_heap(lab);
	if (status)
		return status;
	void *p = NULL;
	if (bytes <= SIZE_MAX)
		p = quire_kmalloc_track(lab->q, (size_t)bytes, gfp | add, lab->line);
	if (!p)
		return session_refuse(lab, "ENOMEM", "kmalloc");
	if (!debt_owe(lab, DEBT_OBJECT, (uintptr_t)p))
		status = session_memory(lab);
	else if (target)
		status = object_new(lab, target, 1, &object);
	if (status) {
		debt_settle(lab, DEBT_OBJECT, (uintptr_t)p);
		quire_kfree_track(lab->q, p, lab->line);
		return status;
	}
	if (object)
		object->p[0] = p;
	echo_object(lab, target, p);
	return LAB_OK;
}

enum lab_status command_kmalloc(struct lab *lab, const char *target)
{
	return kmalloc(lab, target, 0);
}

enum lab_status command_kzalloc(struct lab *lab, const char *target)
{
	return kmalloc(lab, target, QUIRE_GFP_ZERO);
}

enum lab_status command_objects(struct lab *lab, const char *target)
{
	struct lab_object *object = NULL;
	struct quire_cache *cache;
	uint64_t nr = 1, had = 0;
	quire_gfp_t gfp = 0;
	enum lab_status status = session_heap(lab);

	if (!status)
		status = args_cache(lab, &cache);
	if (!status)
		status = args_number(lab, "the number", OBJECTS_MAX, &nr);
	if (!status)
		status = args_gfp(lab, &gfp);
	if (!status)
		status = args_end(lab);
	if (!status && (!target || !nr))
		status = session_fail(lab, LAB_USAGE, "say: NAME = objects CACHE N");
	if (!status)
		status = object_new(lab, target, (size_t)nr, &object);
	if (!object)
		return status;
	while (had < nr && (object->p[had] = quire_cache_alloc_track(cache, gfp, lab->line))) {
		had++;
		if (debt_owe(lab, DEBT_OBJECT, (uintptr_t)object->p[had - 1]))
			continue;
		status = session_memory(lab);
		break;
	}
	if (had == nr && !status)
		return LAB_OK;
	while (had) {
		quire_cache_free_track(cache, object->p[--had], lab->line);
		debt_settle(lab, DEBT_OBJECT, (uintptr_t)object->p[had]);
	}
	return status ? status : session_refuse(lab, "ENOMEM", "objects");
}

enum lab_status command_kfree(struct lab *lab, const char *target)
{
	size_t nr = 0;
	uint64_t at = 0;
	void **p = NULL;
	enum lab_status status = args_object(lab, &p, &nr);

	(void)target;
	if (!status && words_take(&lab->words, "at"))
		status = args_size(lab, "the offset", &at);
	if (!status)
		status = args_end(lab);
	for (size_t i = 0; !status && i < nr; i++) {
		/* Any address: it need not be of an object, nor the object be there. */
		const void *from = (const void *)((uintptr_t)p[i] + (uintptr_t)at);
		enum quire_kfree outcome = quire_kfree_judge(lab->q, from, lab->line);

		if (outcome == QUIRE_KFREE_OK)
			outcome = quire_kfree_track(lab->q, from, lab->line);
		if (outcome != QUIRE_KFREE_OK)
			return session_refuse(lab, quire_kfree_name(outcome), "kfree");
		debt_settle(lab, DEBT_OBJECT, (uintptr_t)from);
	}
	return status;
}

enum lab_status command_krealloc(struct lab *lab, const char *target)
{
	size_t nr = 0;
	uint64_t bytes = 0;
	void **p = NULL;
	enum lab_status status = args_object(lab, &p, &nr);

	(void)target;
	if (!status)
		status = args_size(lab, "the size", &bytes);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	enum quire_kfree outcome = quire_kfree_judge(lab->q, *p, lab->line);

	if (outcome != QUIRE_KFREE_OK)
		return session_refuse(lab, quire_kfree_name(outcome), "krealloc");
	void *to = bytes > SIZE_MAX ? NULL
				    : quire_krealloc(lab->q, *p, (size_t)bytes, QUIRE_GFP_KERNEL);
	if (!to)
		return session_refuse(lab, "ENOMEM", "krealloc");
	bool noted = debt_move(lab, DEBT_OBJECT, (uintptr_t)*p, (uintptr_t)to);

	*p = to;
	if (!noted) {
		quire_kfree(lab->q, to);
		return session_memory(lab);
	}
	return LAB_OK;
}

/*
 * How far a script may write from an object's start: to its end, and to where debugging finds it
 * out: guard bytes behind it, the beginning of a free one. Elsewhere it would hit what the
 * library itself keeps, and that is not wrong use of an object but the end of everything.
 */
static size_t poke_limit(struct lab *lab, const void *p)
{
	/* A plain cache does not know which objects are free, and keeps its chain in them. */
	if (!(lab->slab_debug & (QUIRE_SLAB_CONSISTENCY | QUIRE_SLAB_RED_ZONE | QUIRE_SLAB_POISON)))
		return 0;
	size_t bytes = quire_ksize(lab->q, p);
	bool guarded = (lab->slab_debug & QUIRE_SLAB_RED_ZONE) && bytes <= QUIRE_KMALLOC_CACHE_MAX;
	struct quire_frame_info frame;

	if (bytes)
		return bytes + (guarded ? GUARD_BYTES : 0);
	quire_frame_info(lab->q, quire_phys_pfn(quire_heap_phys(lab->q, p)), &frame);
	return frame.owner == QUIRE_OWNER_SLAB && (lab->slab_debug & QUIRE_SLAB_POISON)
		       ? OBJECT_LEAST
		       : 0;
}

/* Write a byte, right or wrong. */
enum lab_status command_poke(struct lab *lab, const char *target)
{
	size_t nr = 0;
	uint64_t at = 0, value = 0;
	void **p = NULL;
	enum lab_status status = args_object(lab, &p, &nr);

	(void)target;
	if (!status)
		status = args_number(lab, "the offset", QUIRE_PAGE_SIZE * 8, &at);
	if (!status)
		status = args_number(lab, "the byte", 255, &value);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	if (quire_heap_phys(lab->q, *p).v == UINT64_MAX || at >= poke_limit(lab, *p))
		return session_refuse(lab, "EFAULT", "poke");
	((unsigned char *)*p)[at] = (unsigned char)value;
	return LAB_OK;
}

enum lab_status command_shrink(struct lab *lab, const char *target)
{
	struct quire_cache *cache;
	enum lab_status status = session_heap(lab);

	(void)target;
	if (status)
		return status;
	if (words_end(&lab->words)) {
		session_echo(lab, "%llu frames back", (unsigned long long)quire_slab_drain(lab->q));
		return LAB_OK;
	}
	status = args_cache(lab, &cache);
	if (!status)
		status = args_end(lab);
	if (!status)
		session_echo(lab, "%llu frames back",
			     (unsigned long long)quire_cache_shrink(cache));
	return status;
}

enum lab_status expect_slab(struct lab *lab)
{
	struct quire_cache_info info;
	struct lab_nearest near = { NULL, 0 };
	struct quire_cache *cache;
	enum lab_status status = session_heap(lab);

	if (!status)
		status = args_cache(lab, &cache);
	if (status)
		return status;
	quire_cache_info(cache, &info);
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {
		{ "active", info.active_objects },
		{ "objects", info.nr_objects },
		{ "slabs", info.nr_slabs },
		{ "full", info.full },
		{ "partial", info.partial },
		{ "empty", info.empty },
		{ "away", info.away },
		{ "size", info.size },
		{ "perslab", info.objects },
		{ "pages", info.pages },
		{ "align", info.align },
		{ "asked", info.asked_bytes },
	};
	const char *word = words_next(&lab->words);

	for (size_t i = 0; word && i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (text_equal(word, fields[i].name))
			return expect_number(lab, word, fields[i].value);
		nearest_try(&near, word, fields[i].name);
	}
	return args_wrong(lab, "number of a cache", word, near.word);
}

enum lab_status expect_ksize(struct lab *lab)
{
	size_t nr;
	void **p = NULL;
	enum lab_status status = args_object(lab, &p, &nr);

	return p ? expect_number(lab, "ksize", quire_ksize(lab->q, *p)) : status;
}

enum lab_status expect_phys(struct lab *lab)
{
	size_t nr;
	void **p = NULL;
	enum lab_status status = args_object(lab, &p, &nr);

	return p ? expect_number(lab, "phys", quire_heap_phys(lab->q, *p).v) : status;
}

enum lab_status expect_finding(struct lab *lab)
{
	return expect_text(lab, "finding", lab->finding[0] ? lab->finding : "none");
}

enum lab_status args_drawn_cache(struct lab *lab, struct quire_cache **out)
{
	enum lab_status status = session_heap(lab);

	return status ? status : args_cache(lab, out);
}
