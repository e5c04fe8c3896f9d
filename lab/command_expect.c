/* SPDX-License-Identifier: MIT */
/*
 * command_expect.c - what a script says must hold
 *
 * An expectation that does not hold fails with what was expected and what is.
 * The sign = before the value may be left out.
 */
#include "args.h"
#include "command_file.h"
#include "command_kspace.h"
#include "command_process.h"
#include "text.h"

enum lab_status expect_number(struct lab *lab, const char *what, uint64_t is)
{
	uint64_t wanted = 0;
	enum lab_status status;

	words_take(&lab->words, "=");
	status = args_number(lab, "the value", UINT64_MAX, &wanted);
	if (!status)
		status = args_end(lab);
	if (status || wanted == is)
		return status;
	return session_fail(lab, LAB_FAILED, "%s: expected %llu, is %llu", what,
			    (unsigned long long)wanted, (unsigned long long)is);
}

enum lab_status expect_named(struct lab *lab, const struct lab_number *numbers, size_t nr,
			     enum lab_status (*compare)(struct lab *lab, const char *what,
							uint64_t is))
{
	const char *name = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };

	for (size_t i = 0; name && i < nr; i++) {
		if (text_equal(numbers[i].name, name))
			return compare(lab, name, numbers[i].value);
		nearest_try(&near, name, numbers[i].name);
	}
	return args_wrong(lab, "number", name, near.word);
}

enum lab_status expect_text(struct lab *lab, const char *what, const char *is)
{
	const char *wanted;
	enum lab_status status;

	words_take(&lab->words, "=");
	wanted = words_next(&lab->words);
	if (!wanted)
		return args_wrong(lab, "the value", NULL, NULL);
	status = args_end(lab);
	if (status || text_equal_nocase(wanted, is))
		return status;
	return session_fail(lab, LAB_FAILED, "%s: expected '%s', is '%s'", what, wanted, is);
}

/* A block that is there, for a question about it. */
static enum lab_status expect_ref(struct lab *lab, struct lab_ref *ref)
{
	enum lab_status status = args_ref(lab, ref);

	if (!status && !ref->page)
		return session_fail(lab, LAB_FAILED, "%s: there is no such frame", ref->text);
	return status;
}

static enum lab_status expect_pfn(struct lab *lab)
{
	struct lab_ref ref;
	enum lab_status status = expect_ref(lab, &ref);

	return status ? status
		      : expect_number(lab, ref.text, quire_page_pfn(lab->q, ref.page).v);
}

static enum lab_status expect_zone(struct lab *lab)
{
	struct lab_ref ref;
	enum lab_status status = expect_ref(lab, &ref);

	return status ? status
		      : expect_text(lab, ref.text,
				    quire_zone_name(quire_page_zone(lab->q, ref.page)));
}

static enum lab_status expect_count(struct lab *lab)
{
	struct lab_ref ref;
	enum lab_status status = expect_ref(lab, &ref);

	return status ? status : expect_number(lab, ref.text, quire_page_count(ref.page));
}

static enum lab_status expect_order(struct lab *lab)
{
	struct lab_ref ref;
	enum lab_status status = expect_ref(lab, &ref);

	return status ? status : expect_number(lab, ref.text, quire_page_order(ref.page));
}

static enum lab_status expect_type(struct lab *lab)
{
	struct quire_frame_info info;
	struct lab_ref ref;
	enum lab_status status = expect_ref(lab, &ref);

	if (status)
		return status;
	quire_frame_info(lab->q, quire_page_pfn(lab->q, ref.page), &info);
	return expect_text(lab, ref.text, quire_migrate_name(info.migrate));
}

static enum lab_status expect_frame(struct lab *lab)
{
	static const char *const words[] = {
		[QUIRE_FRAME_HOLE] = "hole", [QUIRE_FRAME_RESERVED] = "reserved",
		[QUIRE_FRAME_FREE] = "free", [QUIRE_FRAME_PCP] = "pcp",
		[QUIRE_FRAME_HEAD] = "used", [QUIRE_FRAME_BODY] = "inside",
	};
	struct quire_frame_info info;
	uint64_t pfn = 0;
	enum lab_status status = args_number(lab, "the frame number", UINT64_MAX, &pfn);
	char what[32];

	if (status)
		return status;
	quire_frame_info(lab->q, quire_pfn(pfn), &info);
	quire_format_buffer(what, sizeof(what), "frame %llu", (unsigned long long)pfn);
	return expect_text(lab, what, words[info.state]);
}

/* The lowest free block of an order at or above @from, in one zone or in any. */
static bool next_free(struct lab *lab, int zone, unsigned order, uint64_t from, uint64_t *out)
{
	quire_pfn_t best = quire_pfn(UINT64_MAX), pfn;

	for (int z = 0; z < QUIRE_NR_ZONES; z++) {
		if (zone >= 0 && zone != z)
			continue;
		if (quire_free_block_next(lab->q, (enum quire_zone)z, order, quire_pfn(from), &pfn,
					  NULL) &&
		    pfn.v < best.v)
			best = pfn;
	}
	*out = best.v;
	return best.v != UINT64_MAX;
}

static enum lab_status free_list_differs(struct lab *lab, int zone, unsigned order)
{
	uint64_t from = 0, pfn;
	char is[96] = "none";
	size_t used = 0;

	while (used + 24 < sizeof(is) && next_free(lab, zone, order, from, &pfn)) {
		used += quire_format_buffer(is + used, sizeof(is) - used, "%s%llu",
					    used ? " " : "", (unsigned long long)pfn);
		from = pfn + 1;
	}
	return session_fail(lab, LAB_FAILED, "free blocks of order %u are %s%s", order, is,
			    used + 24 < sizeof(is) ? "" : " ...");
}

static enum lab_status expect_free(struct lab *lab)
{
	enum quire_zone named = QUIRE_ZONE_DMA;
	struct lab_words *words = &lab->words;
	uint64_t from = 0, pfn = 0, wanted = 0;
	unsigned order = 0;
	int zone = -1;
	enum lab_status status;

	if (words_peek(words) && zone_find(words_peek(words), &named)) {
		words_next(words);
		zone = (int)named;
	}
	status = args_order(lab, &order);
	if (status)
		return status;
	if (order > QUIRE_ORDER_MAX)
		return session_fail(lab, LAB_USAGE, "orders go up to %u", QUIRE_ORDER_MAX);
	words_take(words, "=");
	if (words_end(words))
		return args_wrong(lab, "the list (frame numbers, or none)", NULL, NULL);
	if (words_take(words, "none")) {
		status = args_end(lab);
		if (!status && next_free(lab, zone, order, 0, &pfn))
			status = free_list_differs(lab, zone, order);
		return status;
	}
	while (!words_end(words)) {
		status = args_number(lab, "the frame number", UINT64_MAX - 1, &wanted);
		if (status)
			return status;
		if (!next_free(lab, zone, order, from, &pfn) || pfn != wanted)
			return free_list_differs(lab, zone, order);
		from = pfn + 1;
	}
	return next_free(lab, zone, order, from, &pfn) ? free_list_differs(lab, zone, order)
						       : LAB_OK;
}

/* One past the last frame of the machine. */
static uint64_t frames_end(struct lab *lab)
{
	struct quire_zone_stat stat;
	uint64_t end = 0;

	for (int zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		quire_zone_stat(lab->q, (enum quire_zone)zone, &stat);
		if (stat.spanned && stat.start.v + stat.spanned > end)
			end = stat.start.v + stat.spanned;
	}
	return end;
}

static enum lab_status bitmap_differs(struct lab *lab, unsigned order, uint64_t at)
{
	char is[2 * 32 + 1];
	size_t used = 0;

	for (uint64_t i = 0; i < 32 && (i << (order + 1)) < frames_end(lab); i++)
		used += quire_format_buffer(is + used, sizeof(is) - used, "%s%d", used ? " " : "",
					    quire_pair_bit(lab->q, order, i));
	return session_fail(lab, LAB_FAILED, "bit %llu of order %u differs; the bitmap is %s",
			    (unsigned long long)at, order, used ? is : "empty");
}

static enum lab_status expect_bitmap(struct lab *lab)
{
	uint64_t end, bit = 0, i = 0;
	unsigned order = 0;
	enum lab_status status = args_order(lab, &order);

	if (status)
		return status;
	if (order >= QUIRE_ORDER_MAX)
		return session_fail(lab, LAB_USAGE, "blocks of order %u have no buddies", order);
	words_take(&lab->words, "=");
	if (words_end(&lab->words))
		return args_wrong(lab, "the bits", NULL, NULL);
	for (; !words_end(&lab->words); i++) {
		status = args_number(lab, "a bit", 1, &bit);
		if (status)
			return status;
		if (quire_pair_bit(lab->q, order, i) != (int)bit)
			return bitmap_differs(lab, order, i);
	}
	end = frames_end(lab);
	for (; i << (order + 1) < end; i++) {
		if (quire_pair_bit(lab->q, order, i))
			return bitmap_differs(lab, order, i);
	}
	return LAB_OK;
}

static uint64_t blocks_of_order(const struct quire_zone_stat *stat, unsigned order)
{
	uint64_t nr = 0;

	for (int type = 0; type < QUIRE_NR_MIGRATE; type++)
		nr += stat->nr_free[type][order];
	return nr;
}

static enum lab_status expect_nr_free(struct lab *lab)
{
	enum quire_zone zone = QUIRE_ZONE_DMA;
	struct quire_zone_stat stat;
	unsigned order = 0;
	char what[48];
	enum lab_status status = args_zone(lab, &zone);
	unsigned left = lab->words.nr - lab->words.at;

	if (status)
		return status;
	quire_zone_stat(lab->q, zone, &stat);
	if (left < 2 || text_equal(words_peek(&lab->words), "=")) {
		quire_format_buffer(what, sizeof(what), "free frames of %s",
				    quire_zone_name(zone));
		return expect_number(lab, what, stat.free);
	}
	status = args_order(lab, &order);
	if (status)
		return status;
	if (order > QUIRE_ORDER_MAX)
		return session_fail(lab, LAB_USAGE, "orders go up to %u", QUIRE_ORDER_MAX);
	quire_format_buffer(what, sizeof(what), "free blocks of order %u of %s", order,
			    quire_zone_name(zone));
	return expect_number(lab, what, blocks_of_order(&stat, order));
}

/* The numbers of a zone that `expect stat` knows. */
static bool stat_find(const struct quire_zone_stat *s, const char *name, uint64_t *out)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "start", s->start.v },
		{ "spanned", s->spanned },
		{ "present", s->present },
		{ "managed", s->managed },
		{ "free", s->free },
		{ "free_cma", s->free_cma },
		{ "pcp", s->pcp },
		{ "min", s->wmark[QUIRE_WMARK_MIN] },
		{ "low", s->wmark[QUIRE_WMARK_LOW] },
		{ "high", s->wmark[QUIRE_WMARK_HIGH] },
		{ "alloc", s->events[QUIRE_EVENT_ALLOC] },
		{ "freed", s->events[QUIRE_EVENT_FREE] },
		{ "fallback", s->events[QUIRE_EVENT_FALLBACK] },
		{ "steal", s->events[QUIRE_EVENT_STEAL] },
		{ "refill", s->events[QUIRE_EVENT_REFILL] },
		{ "claim", s->events[QUIRE_EVENT_CLAIM] },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (text_equal(numbers[i].name, name)) {
			*out = numbers[i].value;
			return true;
		}
	}
	return false;
}

static enum lab_status expect_stat(struct lab *lab)
{
	enum quire_zone zone = QUIRE_ZONE_DMA;
	struct quire_zone_stat stat;
	uint64_t value = 0;
	const char *name;
	char what[64];
	enum lab_status status = args_zone(lab, &zone);

	if (status)
		return status;
	name = words_next(&lab->words);
	quire_zone_stat(lab->q, zone, &stat);
	if (!name || !stat_find(&stat, name, &value))
		return args_wrong(lab, "number of a zone", name, NULL);
	quire_format_buffer(what, sizeof(what), "%s of zone %s", name, quire_zone_name(zone));
	return expect_number(lab, what, value);
}

static enum lab_status expect_reserve(struct lab *lab)
{
	enum quire_zone zone = QUIRE_ZONE_DMA, against = QUIRE_ZONE_DMA;
	struct quire_zone_stat stat;
	enum lab_status status = args_zone(lab, &zone);

	if (!status)
		status = args_zone(lab, &against);
	if (status)
		return status;
	quire_zone_stat(lab->q, zone, &stat);
	return expect_number(lab, "the lowmem reserve", stat.reserve[against]);
}

static enum lab_status expect_pcp(struct lab *lab)
{
	enum quire_zone zone = QUIRE_ZONE_DMA;
	struct quire_pcp_stat stat;
	uint64_t cpu = 0;
	enum lab_status status = args_zone(lab, &zone);

	if (!status)
		status = args_number(lab, "the cpu", lab->config.nr_cpus - 1, &cpu);
	if (status)
		return status;
	quire_pcp_stat(lab->q, zone, (unsigned)cpu, &stat);
	return expect_number(lab, "the per-cpu list", stat.count);
}

static enum lab_status expect_pageblocks(struct lab *lab)
{
	enum quire_migrate type = QUIRE_MIGRATE_UNMOVABLE;
	enum quire_zone zone = QUIRE_ZONE_DMA;
	struct quire_zone_stat stat;
	enum lab_status status = args_zone(lab, &zone);

	if (!status)
		status = args_migrate(lab, &type);
	if (status)
		return status;
	quire_zone_stat(lab->q, zone, &stat);
	return expect_number(lab, "the pageblocks", stat.nr_blocks[type]);
}

/* ZONE ORDER of the two indices. */
static enum lab_status zone_order(struct lab *lab, enum quire_zone *zone, unsigned *order)
{
	enum lab_status status = args_zone(lab, zone);

	if (!status)
		status = args_order(lab, order);
	if (!status && *order > QUIRE_ORDER_MAX)
		return session_fail(lab, LAB_USAGE, "orders go up to %u", QUIRE_ORDER_MAX);
	return status;
}

/* A number in thousandths that may be -1000. */
static enum lab_status expect_thousandths(struct lab *lab, const char *what, int is)
{
	char text[16];

	quire_format_buffer(text, sizeof(text), "%d", is);
	return expect_text(lab, what, text);
}

static enum lab_status expect_index(struct lab *lab, const char *what,
				    int (*index)(struct quire *q, enum quire_zone zone,
						 unsigned order))
{
	enum quire_zone zone = QUIRE_ZONE_DMA;
	unsigned order = 0;
	enum lab_status status = zone_order(lab, &zone, &order);

	return status ? status : expect_thousandths(lab, what, index(lab->q, zone, order));
}

static enum lab_status expect_extfrag(struct lab *lab)
{
	return expect_index(lab, "the fragmentation index", quire_fragmentation_index);
}

static enum lab_status expect_unusable(struct lab *lab)
{
	return expect_index(lab, "the unusable free space index", quire_unusable_index);
}

static enum lab_status expect_refusal(struct lab *lab)
{
	struct quire_explanation why;
	enum quire_zone zone = QUIRE_ZONE_DMA;
	quire_gfp_t gfp = 0;
	unsigned order = 0;
	enum lab_status status = args_zone(lab, &zone);

	if (!status)
		status = args_order(lab, &order);
	if (!status)
		status = args_gfp(lab, &gfp);
	if (status)
		return status;
	quire_page_explain(lab->q, gfp, order, &why);
	for (unsigned i = 0; i < why.nr; i++) {
		const char *name = quire_refusal_name(why.zone[i].refusal);
		if (why.zone[i].zone != zone)
			continue;
		if (why.zone[i].refusal == QUIRE_REFUSAL_NONE)
			name = "none";
		return expect_text(lab, quire_zone_name(zone), name);
	}
	return expect_text(lab, quire_zone_name(zone), "not asked");
}

static enum lab_status expect_hash(struct lab *lab)
{
	return expect_number(lab, "the hash", quire_hash(lab->q));
}

/* The last = of the line, which begins the reason; the end of the line without one. */
static unsigned reason_at(const struct lab_words *words)
{
	for (unsigned i = words->nr; i > words->at + 1; i--) {
		if (!words->quoted[i - 1] && text_equal(words->word[i - 1], "="))
			return i - 1;
	}
	return words->nr;
}

static enum lab_status expect_fail(struct lab *lab)
{
	struct lab_words *words = &lab->words;
	unsigned all = words->nr, end = reason_at(words);
	enum lab_status status;
	const char *wanted = end + 1 < all ? words->word[end + 1] : NULL;

	if (end < all && end + 2 != all)
		return session_fail(lab, LAB_USAGE, "behind the last = comes one reason");
	if (words_end(words))
		return args_wrong(lab, "the command", NULL, NULL);
	words->nr = end;
	lab->reason[0] = 0;
	status = command_run(lab);
	words->nr = all; /* the line may be repeated */
	if (!status)
		return session_fail(lab, LAB_FAILED, "it was expected to fail, and did not");
	if (!lab->reason[0])
		return status; /* it was not the machine that refused it */
	if (wanted && !text_equal_nocase(wanted, lab->reason)) {
		char was[LAB_MESSAGE_MAX];
		text_copy(was, sizeof(was), lab->message);
		return session_fail(lab, LAB_FAILED, "expected '%s', but %s", wanted, was);
	}
	lab->message[0] = 0;
	return LAB_OK;
}

const struct lab_form expect_forms[] = {
	{ "pfn", "BLOCK = N", "its first frame's number", expect_pfn },
	{ "zone", "BLOCK = ZONE", "the zone that it is in", expect_zone },
	{ "count", "BLOCK = N", "its references", expect_count },
	{ "order", "BLOCK = N", "the order that it was allocated with", expect_order },
	{ "type", "BLOCK = TYPE", "the migrate type of its pageblock", expect_type },
	{ "frame", "N = STATE", "used, inside, free, pcp, reserved, hole", expect_frame },
	{ "free", "[ZONE] ORDER = N... | none", "the free blocks of an order", expect_free },
	{ "bitmap", "ORDER = BIT...", "the pair bits; those not named are 0", expect_bitmap },
	{ "nr_free", "ZONE [ORDER] = N", "free frames, or free blocks", expect_nr_free },
	{ "stat", "ZONE NUMBER = N", "start spanned present managed free min low high ...",
	  expect_stat },
	{ "reserve", "ZONE ZONE = N", "kept of the first against the second", expect_reserve },
	{ "pcp", "ZONE CPU = N", "frames on a cpu's list", expect_pcp },
	{ "pageblocks", "ZONE TYPE = N", "pageblocks by migrate type", expect_pageblocks },
	{ "extfrag", "ZONE ORDER = N", "fragmentation index, in thousandths", expect_extfrag },
	{ "unusable", "ZONE ORDER = N", "unusable free space index, likewise", expect_unusable },
	{ "refusal", "ZONE ORDER [GFP...] = REASON", "why it would not give a block; none",
	  expect_refusal },
	{ "virt", "NAME = ADDRESS", "the address of an area or window", expect_virt },
	{ "va", "ADDRESS = ADDRESS", "virtual of a physical address in the direct map", expect_va },
	{ "pa", "ADDRESS = ADDRESS", "physical of a virtual address in the direct map", expect_pa },
	{ "word", "ADDRESS = N", "32 bits of memory, read as the kernel", expect_word },
	{ "address", "BLOCK = ADDRESS", "what a frame has now; 0: none", expect_address },
	{ "region", "ADDRESS = NAME", "user, direct map, vmalloc, pkmap, fixmap, hole ...",
	  expect_region },
	{ "layout", "NAME = ADDRESS", "PAGE_OFFSET high_memory VMALLOC_START PKMAP_BASE ...",
	  expect_layout },
	{ "kspace", "NAME = N", "areas lazy kept pages purges open closed flushes ...",
	  expect_kspace },
	{ "slab", "CACHE NUMBER = N", "active objects slabs full partial empty asked ...",
	  expect_slab },
	{ "file", "FILE NUMBER = N", "size pages dirty reads ahead writes", expect_file },
	{ "fread", "FILE OFFSET = BYTE", "a byte of a file", expect_fread },
	{ "ksize", "OBJECT = N", "bytes that may be used", expect_ksize },
	{ "phys", "OBJECT = N", "its physical address", expect_phys },
	{ "finding", "= WHAT", "what the heap found last; none", expect_finding },
	{ "walk", "ADDRESS [ACCESS] [in NAME] = PHYS", "where an access ends up", expect_walk },
	{ "fault", "ADDRESS [ACCESS] [in NAME] = PF N | GP N | none", "the exception it raises",
	  expect_fault },
	{ "table", "NAME NUMBER = N", "tables, pages, large, huge: what it consists of",
	  expect_table },
	{ "mm", "NUMBER = N", "of a process: areas size rss anon locked minflt ...",
	  expect_mm },
	{ "vm", "NUMBER = N", "of all of them: processes committed anon mapped ...",
	  expect_vm },
	{ "area", "ADDRESS = SIZE RIGHTS [NAME] | none", "64K rw-p [heap]", expect_area },
	{ "load", "ADDRESS = N", "32 bits of memory, read as the program", expect_load },
	{ "mapcount", "ADDRESS = N", "entries that map the frame there", expect_mapcount },
	{ "mincore", "ADDRESS SIZE = N", "pages of it that are in memory", expect_mincore },
	{ "hash", "= N", "the whole state", expect_hash },
	{ "fail", "COMMAND... [= REASON]", "the machine refuses the command", expect_fail },
	{ NULL, NULL, NULL, NULL },
};

enum lab_status command_expect(struct lab *lab, const char *target)
{
	(void)target;
	return command_form(lab, expect_forms, "expectation");
}
