/* SPDX-License-Identifier: MIT */
/*
 * command_machine.c - describe a machine, boot it, turn its knobs
 *
 * A machine comes to be in three steps: what it is (machine), what memory it has
 * (ram, map), what of that is taken (reserve). The zones are built when the first
 * command needs them, so a script does not have to say so.
 */
#include <quire/boot.h>

#include "args.h"
#include "command_huge.h"
#include "command_process.h"
#include "map.h"
#include "text.h"

/*
 * Without a minimum of free frames the last frame can be had. The smallest that can
 * be said is 1 KB, which is no whole frame; 0 would stand for Linux's rule.
 */
#define NO_MINIMUM_KB 1

/* Frames of a bare machine at most: it is there to be looked at. */
#define BARE_MAX (1u << 20)

/* What a machine command has read; it counts only once all of it is right. */
struct description {
	struct quire_config config;
	bool told;       /* its kind was said */
	bool split;      /* its split was said */
	uint64_t ram;    /* bytes; 0: not said */
	uint64_t frames; /* of a bare machine; 0: it is none */
};

/* Is it one of the words behind the kind? Then the kind was left out. */
static bool is_option(const char *word)
{
	for (const struct lab_form *f = machine_forms; f->name; f++) {
		if (*f->synopsis && text_equal(f->name, word))
			return true;
	}
	return text_equal(word, "frames") || text_equal(word, "no");
}

static enum lab_status machine_kind(struct lab *lab, struct description *d)
{
	const char *word = words_peek(&lab->words);
	struct lab_nearest near = { NULL, 0 };

	quire_config_init(&d->config, QUIRE_X86_64);
	if (word && is_option(word))
		return LAB_OK;
	d->told = true;
	words_next(&lab->words);
	if (word && text_number(word, &d->frames) && words_take(&lab->words, "frames")) {
		if (d->frames == 0 || d->frames > BARE_MAX)
			return session_fail(lab, LAB_USAGE, "a bare machine has 1 to %u frames",
					    BARE_MAX);
		d->config.firmware = false;
		d->config.frames_outside = true;
		d->config.no_pcp = true;
		d->config.min_free_kbytes = NO_MINIMUM_KB;
		return LAB_OK;
	}
	d->frames = 0;
	for (int i = 0; word && i < QUIRE_NR_MACHINES; i++) {
		const char *name = quire_machine_name((enum quire_machine)i);
		if (text_equal(word, name)) {
			quire_config_init(&d->config, (enum quire_machine)i);
			return LAB_OK;
		}
		nearest_try(&near, word, name);
	}
	return args_wrong(lab, "machine", word, near.word);
}

static enum lab_status machine_split(struct lab *lab, struct description *d)
{
	static const char *const names[] = { "3G/1G", "2G/2G", "1G/3G" };
	const char *word = words_next(&lab->words);

	for (int i = 0; word && i < QUIRE_NR_SPLITS; i++) {
		if (text_equal(word, names[i])) {
			d->config.split = (enum quire_split)i;
			d->split = true;
			return LAB_OK;
		}
	}
	return args_wrong(lab, "split (3G/1G, 2G/2G or 1G/3G)", word, NULL);
}

static enum lab_status some(struct lab *lab, const char *what)
{
	return session_fail(lab, LAB_USAGE, "a machine has at least %s", what);
}

static enum lab_status machine_option(struct lab *lab, struct description *d)
{
	struct lab_words *words = &lab->words;
	struct lab_nearest near = { NULL, 0 };
	const char *word = words_next(words);
	enum lab_status status;
	uint64_t number = 0;

	if (text_equal(word, "ram") && !d->frames) {
		status = args_size(lab, "ram", &d->ram);
		return status || d->ram ? status : some(lab, "some memory");
	}
	if (text_equal(word, "lowmem"))
		return args_size(lab, "lowmem", &d->config.lowmem_bytes);
	if (text_equal(word, "movable"))
		return args_size(lab, "movable", &d->config.movable_bytes);
	if (text_equal(word, "split"))
		return machine_split(lab, d);
	if (text_equal(word, "cpus")) {
		status = args_number(lab, "cpus", QUIRE_CPUS_MAX, &number);
		d->config.nr_cpus = (unsigned)number;
		return status || number ? status : some(lab, "one processor");
	}
	if (text_equal(word, "frames") && words_take(words, "outside")) {
		d->config.frames_outside = true;
		return LAB_OK;
	}
	if (text_equal(word, "no") && words_take(words, "pcp")) {
		d->config.no_pcp = true;
		return LAB_OK;
	}
	for (const struct lab_form *f = machine_forms; f->name; f++)
		nearest_try(&near, word, f->name);
	return args_wrong(lab, "word of a machine", word, near.word);
}

const struct lab_form machine_forms[] = {
	{ "i386", "", "two-level paging: physical addresses below 4 GB", NULL },
	{ "i386-pae", "", "three-level paging: below 64 GB", NULL },
	{ "x86-64", "", "four-level paging", NULL },
	{ "x86-64-la57", "", "five-level paging", NULL },
	{ "this", "", "the one that this host runs on: a kernel's own", NULL },
	{ "ram", "SIZE", "a PC with so much memory: 64M, 1G", NULL },
	{ "cpus", "N", "processors: 1 to 64", NULL },
	{ "split", "S", "3G/1G, 2G/2G, 1G/3G: user's and kernel's addresses", NULL },
	{ "lowmem", "ADDRESS", "end of the directly mapped memory", NULL },
	{ "movable", "SIZE", "of zone Movable, at the top", NULL },
	{ "frames outside", "", "the frame array takes none of the machine's memory", NULL },
	{ "no pcp", "", "no per-cpu lists: every call reaches the zone", NULL },
	{ NULL, NULL, NULL, NULL },
};

/* Where all memory is mapped, user and kernel have no addresses to share out. */
static enum lab_status no_split(struct lab *lab, enum quire_machine machine)
{
	if (machine <= QUIRE_I386_PAE)
		return LAB_OK;
	return session_fail(lab, LAB_USAGE, "%s has no split: it is for i386 and i386-pae",
			    quire_machine_name(machine));
}

/*
 * What the library has against the machine described is wrong in the description: the
 * same as a wrong word.
 */
static enum lab_status described_wrong(struct lab *lab, int error, const char *what)
{
	enum lab_status status = session_error(lab, error, what);

	return status == LAB_FAILED ? LAB_USAGE : status;
}

/* Make the machine that lab->config says, as yet without memory. */
static enum lab_status create(struct lab *lab)
{
	enum lab_status status = lab->split ? no_split(lab, lab->config.machine) : LAB_OK;
	int error;

	if (status)
		return status;
	lab->config.host = session_host(lab);
	error = quire_create(&lab->config, &lab->q);
	if (!error)
		return LAB_OK;
	lab->q = NULL;
	if (error == -QUIRE_ENOMEM)
		return session_memory(lab);
	return session_fail(lab, LAB_USAGE, "there is no such machine: %s",
			    quire_error_name(error));
}

/* Create the machine with the memory of a finished map; none is left if it fails. */
static enum lab_status create_from(struct lab *lab, const struct lab_map *map)
{
	enum lab_status status = create(lab);
	int error;

	if (status)
		return status;
	error = lab_map_boot(map, lab->q);
	if (!error)
		return LAB_OK;
	quire_destroy(lab->q);
	lab->q = NULL;
	return described_wrong(lab, error, "the machine can't have this memory");
}

static enum lab_status create_ram(struct lab *lab, uint64_t bytes)
{
	enum lab_status status;
	struct lab_map map;
	int error;

	lab_map_init(&map, lab->host.port);
	error = lab_map_ram(&map, lab->config.machine, bytes);
	if (error == -QUIRE_ENOMEM)
		status = session_memory(lab);
	else if (error)
		status = session_fail(lab, LAB_USAGE, "the machine can't have so much memory");
	else
		status = create_from(lab, &map);
	lab_map_done(&map);
	return status;
}

/*
 * The ranges are kept until the zones are built: the library settles its whole map at each
 * call, and a script may have thousands of them.
 */
static enum lab_status add_ram(struct lab *lab, uint64_t start, uint64_t end)
{
	bool first = !lab->q;
	enum lab_status status = first ? create(lab) : LAB_OK;

	if (status)
		return status;
	if (lab->nr_ram == lab->room_ram) {
		struct quire_map_entry *ram = session_grow(lab, lab->ram, &lab->room_ram,
							   sizeof(*ram));
		if (!ram) {
			if (first) {
				quire_destroy(lab->q);
				lab->q = NULL;
			}
			return session_memory(lab);
		}
		lab->ram = ram;
	}
	lab->ram[lab->nr_ram++] = (struct quire_map_entry){ start, end, QUIRE_MAP_USABLE };
	return LAB_OK;
}

/* Make the machine in a session of its own; only if all went well it is this one's. */
static enum lab_status replace(struct lab *lab, const struct description *d)
{
	enum lab_status status = LAB_OK;
	struct lab *other;

	if (lab_create(&lab->host, &other))
		return session_memory(lab);
	other->config = d->config;
	other->told = d->told;
	other->split = d->split;
	if (d->frames)
		status = add_ram(other, 0, d->frames * QUIRE_PAGE_SIZE);
	else if (d->ram)
		status = create_ram(other, d->ram);
	if (status) {
		text_copy(lab->message, sizeof(lab->message), other->message);
		text_copy(lab->reason, sizeof(lab->reason), other->reason);
	} else {
		session_move(lab, other);
	}
	lab_destroy(other);
	return status;
}

/* The machine that the host itself runs on. */
static enum lab_status machine_this(struct lab *lab)
{
	enum lab_status status = args_end(lab);

	if (status)
		return status;
	if (!lab->host.machine)
		return session_error(lab, -QUIRE_ENODEV, "machine this: this host runs on none");
	session_reset(lab);
	lab->q = lab->host.machine;
	lab->config = *quire_config(lab->q);
	lab->zones = lab->told = lab->heap = true;
	return LAB_OK;
}

enum lab_status command_machine(struct lab *lab, const char *target)
{
	struct description d = { .told = false };
	enum lab_status status;

	(void)target;
	if (words_take(&lab->words, "this"))
		return machine_this(lab);
	status = machine_kind(lab, &d);
	while (!status && !words_end(&lab->words))
		status = machine_option(lab, &d);
	if (!status && d.split && d.told)
		status = no_split(lab, d.config.machine);
	return status ? status : replace(lab, &d);
}

enum lab_status command_ram(struct lab *lab, const char *target)
{
	uint64_t start = 0, end = 0;
	enum lab_status status = args_range(lab, true, &start, &end);

	(void)target;
	if (!status)
		status = args_end(lab);
	return status ? status : add_ram(lab, start, end);
}

/* The map's own word on what machine it is of, where the script said nothing. */
static void take_hints(struct lab *lab, const struct lab_map *map)
{
	if (!lab->told && map->has_machine)
		lab->config.machine = map->machine;
	if (!lab->config.lowmem_bytes && lab->config.machine <= QUIRE_I386_PAE)
		lab->config.lowmem_bytes = map->lowmem_bytes;
}

static enum lab_status map_text(struct lab *lab, const char *name, const char *text, size_t length)
{
	struct quire_config before = lab->config;
	struct lab_error wrong = { 0, "" };
	enum lab_status status;
	struct lab_map map;
	int error;

	lab_map_init(&map, lab->host.port);
	error = lab_map_text(&map, text, length, &wrong);
	if (error == -QUIRE_ENOMEM) {
		status = session_memory(lab);
	} else if (error && wrong.line) {
		status = session_fail(lab, LAB_FILE, "%s:%lu: %s", name, wrong.line, wrong.text);
	} else if (error) {
		status = session_fail(lab, LAB_FILE, "%s: %s", name, wrong.text);
	} else {
		take_hints(lab, &map);
		status = create_from(lab, &map);
	}
	lab_map_done(&map);
	if (status)
		lab->config = before;
	return status;
}

enum lab_status command_map(struct lab *lab, const char *target)
{
	const char *name = words_next(&lab->words);
	enum lab_status status = name ? args_end(lab) : args_wrong(lab, "the file", NULL, NULL);
	const char *why = NULL;
	size_t length = 0;
	char *text;
	int error;

	(void)target;
	if (status)
		return status;
	if (lab->q)
		return session_fail(lab, LAB_USAGE, "the machine has its memory already");
	if (!lab->host.read)
		return session_fail(lab, LAB_FILE, "%s: this host has no files", name);
	error = lab->host.read(lab->host.ctx, name, &text, &length, &why);
	if (error == -QUIRE_ENOMEM)
		return session_memory(lab);
	if (error)
		return session_fail(lab, LAB_FILE, "%s: %s", name,
				    why ? why : quire_error_name(error));
	status = map_text(lab, name, text, length);
	lab->host.done(lab->host.ctx, text, length);
	return status;
}

static enum lab_status need_memory(struct lab *lab)
{
	if (lab->q)
		return LAB_OK;
	return session_fail(lab, LAB_USAGE, "there is no machine with memory yet: say machine, "
					    "ram or map first");
}

/* Give the machine the ranges that `ram` collected. */
static int settle_ram(struct lab *lab)
{
	int error = lab->nr_ram ? quire_boot_map(lab->q, lab->ram, lab->nr_ram) : 0;

	if (!error)
		session_drop_ram(lab);
	return error;
}

static enum lab_status zones_wrong(struct lab *lab, int error)
{
	switch (error) {
	case -QUIRE_ENODEV:
		return described_wrong(lab, error, "the machine has no whole frame of memory");
	case -QUIRE_E2BIG:
		return described_wrong(lab, error,
				       "the machine has more memory than 2^31 frames, 8 TB");
	case -QUIRE_ENOSPC:
		return described_wrong(lab, error,
				       "the machine's memory has no room for the frame array");
	default:
		return described_wrong(lab, error, "the zones can't be built");
	}
}

enum lab_status lab_boot(struct lab *lab)
{
	enum lab_status status = need_memory(lab);
	int error;

	if (status || lab->zones)
		return status;
	error = settle_ram(lab);
	if (error)
		return described_wrong(lab, error, "the machine can't have this memory");
	error = quire_boot_zones(lab->q);
	if (error)
		return zones_wrong(lab, error);
	lab->zones = true;
	return LAB_OK;
}

enum lab_status command_boot(struct lab *lab, const char *target)
{
	(void)target;
	return args_end(lab); /* the table has seen to the rest */
}

static enum lab_status reserve_what(struct lab *lab, enum quire_reserve *what)
{
	const char *word = words_next(&lab->words);

	*what = QUIRE_RESERVE_OTHER;
	if (!word || text_equal(word, "other"))
		return LAB_OK;
	*what = text_equal(word, "kernel") ? QUIRE_RESERVE_KERNEL : QUIRE_RESERVE_INITRD;
	if (text_equal(word, "kernel") || text_equal(word, "initrd"))
		return LAB_OK;
	return args_wrong(lab, "kind of reservation (kernel, initrd, other)", word, NULL);
}

enum lab_status command_reserve(struct lab *lab, const char *target)
{
	uint64_t start = 0, end = 0;
	enum quire_reserve what;
	enum lab_status status = args_range(lab, true, &start, &end);
	int error;

	(void)target;
	if (!status)
		status = reserve_what(lab, &what);
	if (!status)
		status = args_end(lab);
	if (!status)
		status = need_memory(lab);
	if (status)
		return status;
	error = quire_memblock_reserve(lab->q, quire_phys(start), quire_phys(end), what);
	return error ? session_error(lab, error, "reserve") : LAB_OK;
}

enum lab_status command_release(struct lab *lab, const char *target)
{
	uint64_t start = 0, end = 0;
	enum lab_status status = args_range(lab, true, &start, &end);
	int error;

	(void)target;
	if (!status)
		status = args_end(lab);
	if (!status)
		status = need_memory(lab);
	if (status)
		return status;
	if (lab->zones)
		error = quire_boot_release(lab->q, quire_phys(start), quire_phys(end));
	else
		error = quire_memblock_free(lab->q, quire_phys(start), quire_phys(end));
	return error ? session_error(lab, error, "release") : LAB_OK;
}

/* One number, which @set checks. */
static enum lab_status sysctl_number(struct lab *lab, const char *name,
				     int (*set)(struct quire *q, uint64_t value))
{
	uint64_t value = 0;
	enum lab_status status;
	int error;

	words_take(&lab->words, "=");
	status = args_number(lab, "the value", UINT64_MAX, &value);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	error = set(lab->q, value);
	return error ? session_error(lab, error, name) : LAB_OK;
}

static enum lab_status sysctl_min_free(struct lab *lab)
{
	return sysctl_number(lab, "vm.min_free_kbytes", quire_set_min_free_kbytes);
}

static int set_scale(struct quire *q, uint64_t factor)
{
	return quire_set_watermark_scale(q, factor > UINT32_MAX ? UINT32_MAX : (unsigned)factor);
}

static enum lab_status sysctl_scale(struct lab *lab)
{
	return sysctl_number(lab, "vm.watermark_scale_factor", set_scale);
}

/*
 * As Linux's file: a ratio for each zone that the machine has, lowest first. All of
 * them are read, and within the library's limit, before the first is set.
 */
static enum lab_status sysctl_reserve(struct lab *lab)
{
	uint64_t ratio[QUIRE_NR_ZONES];
	struct quire_zone_stat stat;
	unsigned nr = 0;

	words_take(&lab->words, "=");
	do {
		enum lab_status status = LAB_OK;
		if (nr == QUIRE_NR_ZONES)
			return args_end(lab);
		status = args_number(lab, "the ratio", INT32_MAX, &ratio[nr++]);
		if (status)
			return status;
	} while (!words_end(&lab->words));
	for (int zone = 0, i = 0; zone < QUIRE_NR_ZONES && i < (int)nr; zone++) {
		int error;
		quire_zone_stat(lab->q, (enum quire_zone)zone, &stat);
		if (!stat.exists)
			continue;
		error = quire_set_reserve_ratio(lab->q, (enum quire_zone)zone,
						(unsigned)ratio[i++]);
		if (error)
			return session_error(lab, error, "vm.lowmem_reserve_ratio");
	}
	return LAB_OK;
}

const struct lab_form sysctl_forms[] = {
	{ "vm.min_free_kbytes", "= N", "what stays free in all zones; 0: by Linux's rule",
	  sysctl_min_free },
	{ "vm.watermark_scale_factor", "= N", "distance of the watermarks, in 1/10000 of a zone",
	  sysctl_scale },
	{ "vm.lowmem_reserve_ratio", "= N...", "for each zone, lowest first; 0: no reserve",
	  sysctl_reserve },
	{ "vm.overcommit_memory", "= 0|1|2", "how much memory may be promised", sysctl_overcommit },
	{ "vm.max_map_count", "= N", "areas of a process", sysctl_map_count },
	{ "vm.mmap_min_addr", "= N", "the lowest address to be mapped", sysctl_min_addr },
	{ "vm.nr_hugepages", "= N", "huge pages set aside, as many as can be had", sysctl_huge },
	{ "vm.nr_overcommit_hugepages", "= N", "and as many more when they are wanted",
	  sysctl_huge_overcommit },
	{ "transparent_hugepage/enabled", "= always|madvise|never",
	  "which areas get huge pages", sysctl_thp_enabled },
	{ "transparent_hugepage/use_zero_page", "= 0|1", "reads get a huge page of zeros",
	  sysctl_thp_zero },
	{ "transparent_hugepage/khugepaged/pages_to_scan", "= N", "pages that one call looks at",
	  sysctl_thp_scan },
	{ "transparent_hugepage/khugepaged/max_ptes_none", "= N",
	  "of a huge page to be: what nothing is in yet", sysctl_thp_none },
	{ "transparent_hugepage/khugepaged/max_ptes_shared", "= N", "and what others have, too",
	  sysctl_thp_shared },
	{ NULL, NULL, NULL, NULL },
};

enum lab_status command_sysctl(struct lab *lab, const char *target)
{
	(void)target;
	return command_form(lab, sysctl_forms, "setting");
}

static enum lab_status set_migrate(struct lab *lab, enum quire_migrate type)
{
	uint64_t start = 0, end = 0;
	enum lab_status status = args_range(lab, false, &start, &end);
	int error;

	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	error = quire_set_migrate(lab->q, quire_pfn(start), quire_pfn(end), type);
	return error ? session_error(lab, error, "these are not whole pageblocks of memory")
		     : LAB_OK;
}

enum lab_status command_migrate(struct lab *lab, const char *target)
{
	enum quire_migrate type = QUIRE_MIGRATE_UNMOVABLE;
	enum lab_status status = args_migrate(lab, &type);

	(void)target;
	return status ? status : set_migrate(lab, type);
}

enum lab_status command_isolate(struct lab *lab, const char *target)
{
	(void)target;
	return set_migrate(lab, QUIRE_MIGRATE_ISOLATE);
}
