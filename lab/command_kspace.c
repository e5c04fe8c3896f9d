/* SPDX-License-Identifier: MIT */
/*
 * command_kspace.c - the kernel's address space: areas, windows, addresses
 *
 * The first of these commands boots it (quire_kernel_boot), as the first that needs zones
 * boots those. A name of an area or a window is an address.
 */
#include "command_kspace.h"

#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/vmalloc.h>

#include "args.h"
#include "debt.h"
#include "size.h"
#include "text.h"

/** struct lab_area - a name, and the address it stands for */
struct lab_area {
	struct lab_area *next; /* the name told before this one */
	char name[LAB_NAME_MAX];
	quire_virt_t virt;
	bool live;
};

void kspace_reset(struct lab *lab)
{
	while (lab->areas) {
		struct lab_area *area = lab->areas;

		lab->areas = area->next;
		session_free(lab, area, sizeof(*area));
	}
}

static struct lab_area *area_find(struct lab *lab, const char *name)
{
	struct lab_area *area = lab->areas;

	while (area && !text_equal(area->name, name))
		area = area->next;
	return area;
}

/*
 * The end of the line, and a new name for an address, before there is one: so that nothing is got
 * without a name.
 */
enum lab_status place_name(struct lab *lab, const char *name, struct lab_area **out)
{
	enum lab_status status = args_end(lab);

	if (!status)
		status = session_kernel(lab);

	*out = NULL;
	if (status || !name)
		return status;
	*out = area_find(lab, name);
	if (*out && (*out)->live)
		return session_fail(lab, LAB_USAGE, "%s still stands for an area", name);
	if (session_block(lab, name) || text_length(name) >= LAB_NAME_MAX)
		return session_fail(lab, LAB_USAGE, "'%s' can't be a name", name);
	if (*out)
		return LAB_OK;
	*out = session_alloc(lab, sizeof(**out));
	if (!*out)
		return session_memory(lab);
	text_copy((*out)->name, sizeof((*out)->name), name);
	(*out)->next = lab->areas;
	lab->areas = *out;
	return LAB_OK;
}

/* An area that was made, and how it goes back. */
struct made {
	const char *what;
	quire_virt_t virt;
	debt_call *call;
};

static enum lab_status area_made(struct lab *lab, struct lab_area *area, int error,
				 const struct made *made)
{
	if (error)
		return session_refuse(lab, quire_error_name(error), "%s", made->what);
	if (!debt_owe_area(lab, made->virt, made->call)) {
		made->call(lab->q, made->virt);
		return session_memory(lab);
	}
	if (area) {
		area->virt = made->virt;
		area->live = true;
	}
	session_echo(lab, "%s: 0x%jx", made->what, (uintmax_t)made->virt.v);
	return LAB_OK;
}

enum lab_status args_place(struct lab *lab, quire_virt_t *out, struct lab_area **area)
{
	const char *word = words_peek(&lab->words);
	struct lab_nearest near = { NULL, 0 };
	char name[LAB_NAME_MAX + 24];
	uint64_t offset = 0;
	size_t at = 0;

	*area = NULL;
	if (!word)
		return args_wrong(lab, "the address", NULL, NULL);
	if (*word >= '0' && *word <= '9')
		return args_size(lab, "the address", &out->v);
	words_next(&lab->words);
	text_copy(name, sizeof(name), word);
	while (name[at] && name[at] != '+')
		at++;
	if (name[at]) {
		name[at] = 0;
		if (lab_size(name + at + 1, text_length(name + at + 1), &offset))
			return session_fail(lab, LAB_USAGE, "'%s' is no offset", name + at + 1);
	}
	*area = area_find(lab, name);
	if (!*area) {
		for (struct lab_area *a = lab->areas; a; a = a->next)
			nearest_try(&near, name, a->name);
		return args_wrong(lab, "area", name, near.word);
	}
	out->v = (*area)->virt.v + offset;
	return LAB_OK;
}

enum lab_status place_keep(struct lab *lab, struct lab_area *area, const char *what,
			   quire_virt_t virt)
{
	if (area)
		area->virt = virt;
	session_echo(lab, "%s: 0x%jx", what, (uintmax_t)virt.v);
	return LAB_OK;
}

/* ---- Areas ------------------------------------------------------------------- */

enum how { HOW_VMALLOC, HOW_VZALLOC, HOW_LOW, HOW_HUGE };

static enum lab_status allocate(struct lab *lab, const char *target, enum how how)
{
	quire_gfp_t gfp = QUIRE_GFP_KERNEL;
	struct lab_area *area = NULL;
	quire_virt_t virt = { 0 };
	uint64_t bytes = 0;
	enum lab_status status = args_size(lab, "the size", &bytes);
	int error;

	if (!status && (how == HOW_VMALLOC || how == HOW_HUGE))
		status = args_gfp(lab, &gfp);
	if (!status)
		status = place_name(lab, target, &area);
	if (status)
		return status;
	if (how == HOW_VZALLOC)
		error = quire_vzalloc(lab->q, bytes, &virt);
	else if (how == HOW_LOW)
		error = quire_vmalloc_32(lab->q, bytes, &virt);
	else if (how == HOW_HUGE)
		error = quire_vmalloc_huge(lab->q, bytes, gfp, &virt);
	else
		error = quire_vmalloc_gfp(lab->q, bytes, gfp, &virt);
	return area_made(lab, area, error, &(struct made){ "vmalloc", virt, quire_vfree });
}

enum lab_status command_vmalloc(struct lab *lab, const char *target)
{
	return allocate(lab, target, HOW_VMALLOC);
}

enum lab_status command_vzalloc(struct lab *lab, const char *target)
{
	return allocate(lab, target, HOW_VZALLOC);
}

enum lab_status command_vmalloc_32(struct lab *lab, const char *target)
{
	return allocate(lab, target, HOW_LOW);
}

enum lab_status command_vmalloc_huge(struct lab *lab, const char *target)
{
	return allocate(lab, target, HOW_HUGE);
}

static enum lab_status release(struct lab *lab, const char *what,
			       enum quire_vfree (*call)(struct quire *q, quire_virt_t virt))
{
	struct lab_area *area = NULL;
	quire_virt_t virt = { 0 };
	enum lab_status status = session_kernel(lab);

	if (!status)
		status = args_place(lab, &virt, &area);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	enum quire_vfree outcome = call(lab->q, virt);

	if (outcome != QUIRE_VFREE_OK)
		return session_refuse(lab, quire_vfree_name(outcome), "%s 0x%jx", what,
				      (uintmax_t)virt.v);
	debt_settle(lab, DEBT_AREA, virt.v);
	if (area)
		area->live = false;
	session_echo(lab, "%s 0x%jx", what, (uintmax_t)virt.v);
	return LAB_OK;
}

enum lab_status command_vfree(struct lab *lab, const char *target)
{
	(void)target;
	return release(lab, "vfree", quire_vfree);
}

enum lab_status command_vunmap(struct lab *lab, const char *target)
{
	(void)target;
	return release(lab, "vunmap", quire_vunmap);
}

enum lab_status command_iounmap(struct lab *lab, const char *target)
{
	(void)target;
	return release(lab, "iounmap", quire_iounmap);
}

/* Frames of one command at most: as many as it has words. */
enum lab_status command_vmap(struct lab *lab, const char *target)
{
	struct quire_page *pages[LAB_WORDS_MAX];
	struct lab_area *area = NULL;
	quire_virt_t virt = { 0 };
	struct lab_ref ref;
	enum lab_status status = LAB_OK;
	size_t nr = 0;
	int error;

	while (!status && !words_end(&lab->words)) {
		status = args_ref(lab, &ref);
		if (!status)
			pages[nr++] = ref.page;
	}
	if (!status)
		status = place_name(lab, target, &area);
	if (status)
		return status;
	error = quire_vmap(lab->q, pages, nr, QUIRE_PTE_KERNEL, &virt);
	return area_made(lab, area, error, &(struct made){ "vmap", virt, quire_vunmap });
}

static enum lab_status args_cache(struct lab *lab, quire_pte_t *out)
{
	static const struct {
		const char *name;
		quire_pte_t cache;
	} modes[] = {
		{ "uncached", QUIRE_PTE_UC_MINUS }, { "uc", QUIRE_PTE_UC }, { "wc", QUIRE_PTE_WC },
		{ "wt", QUIRE_PTE_WT },		    { "wb", QUIRE_PTE_WB },
	};
	const char *word = words_next(&lab->words);

	*out = QUIRE_PTE_UC_MINUS;
	if (!word)
		return LAB_OK;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		*out = modes[i].cache;
		if (text_equal_nocase(modes[i].name, word))
			return LAB_OK;
	}
	return args_wrong(lab, "cache mode (uncached, uc, wc, wt, wb)", word, NULL);
}

enum lab_status command_ioremap(struct lab *lab, const char *target)
{
	struct lab_area *area = NULL;
	quire_virt_t virt = { 0 };
	uint64_t phys = 0, bytes = 0;
	quire_pte_t cache = 0;
	int error;
	enum lab_status status = args_size(lab, "the address", &phys);

	if (!status)
		status = args_size(lab, "the size", &bytes);
	if (!status)
		status = args_cache(lab, &cache);
	if (!status)
		status = place_name(lab, target, &area);
	if (status)
		return status;
	error = quire_ioremap(lab->q, quire_phys(phys), bytes, cache, &virt);
	return area_made(lab, area, error, &(struct made){ "ioremap", virt, quire_iounmap });
}

enum lab_status command_unmap_aliases(struct lab *lab, const char *target)
{
	enum lab_status status = args_end(lab);

	(void)target;
	if (!status)
		status = session_kernel(lab);
	if (status)
		return status;
	int error = quire_vm_unmap_aliases(lab->q);

	return error ? session_refuse(lab, quire_error_name(error), "unmap_aliases") : LAB_OK;
}

/* ---- Windows ----------------------------------------------------------------- */

static enum lab_status open_window(struct lab *lab, const char *target, bool local)
{
	struct lab_area *area = NULL;
	quire_virt_t virt = { 0 };
	struct lab_ref ref;
	const char *what = local ? "kmap_local" : "kmap";
	enum lab_status status = args_ref(lab, &ref);
	int error;

	if (!status)
		status = place_name(lab, target, &area);
	if (status)
		return status;
	error = local ? quire_kmap_local(lab->q, ref.page, &virt)
		      : quire_kmap(lab->q, ref.page, &virt);
	if (error)
		return session_refuse(lab, quire_error_name(error), "%s", what);
	if (!debt_owe(lab, local ? DEBT_LOCAL : DEBT_WINDOW,
		      local ? virt.v : debt_frames(ref.page))) {
		if (local)
			quire_kunmap_local(lab->q, virt);
		else
			quire_kunmap(lab->q, ref.page);
		return session_memory(lab);
	}
	return place_keep(lab, area, what, virt); /* the name may be used for the next window */
}

enum lab_status command_kmap(struct lab *lab, const char *target)
{
	return open_window(lab, target, false);
}

enum lab_status command_kmap_local(struct lab *lab, const char *target)
{
	return open_window(lab, target, true);
}

enum lab_status command_kunmap(struct lab *lab, const char *target)
{
	struct lab_ref ref;
	enum lab_status status = args_ref(lab, &ref);
	int error;

	(void)target;
	if (!status)
		status = args_end(lab);
	if (!status)
		status = session_kernel(lab);
	if (status)
		return status;
	error = quire_kunmap(lab->q, ref.page);
	if (error)
		return session_refuse(lab, quire_error_name(error), "kunmap %s", ref.text);
	debt_settle(lab, DEBT_WINDOW, debt_frames(ref.page));
	return LAB_OK;
}

enum lab_status command_kunmap_local(struct lab *lab, const char *target)
{
	struct lab_area *area = NULL;
	quire_virt_t virt = { 0 };
	enum lab_status status = session_kernel(lab);

	(void)target;
	if (!status)
		status = args_place(lab, &virt, &area);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	enum quire_kunmap outcome = quire_kunmap_local(lab->q, virt);

	if (outcome)
		return session_refuse(lab, quire_kunmap_name(outcome), "kunmap_local 0x%jx",
				      (uintmax_t)virt.v);
	debt_settle(lab, DEBT_LOCAL, virt.v);
	return LAB_OK;
}

/* ---- Addresses ----------------------------------------------------------------- */

enum lab_status command_kernel(struct lab *lab, const char *target)
{
	enum lab_status status = args_end(lab);

	(void)target;
	return status ? status : session_kernel(lab);
}

static enum lab_status translate(struct lab *lab, bool to_phys, uint64_t *out)
{
	uint64_t from = 0;
	quire_phys_t phys = { 0 };
	quire_virt_t virt = { 0 };
	enum quire_direct outcome;
	enum lab_status status = args_size(lab, "the address", &from);

	if (status)
		return status;
	virt.v = from;
	outcome = to_phys ? quire_virt_to_phys(lab->q, virt, &phys)
			  : quire_phys_to_virt(lab->q, quire_phys(from), &virt);
	*out = to_phys ? phys.v : virt.v;
	if (outcome != QUIRE_DIRECT_OK)
		return session_refuse(lab, quire_direct_name(outcome), "%s 0x%jx",
				      to_phys ? "pa" : "va", (uintmax_t)from);
	return LAB_OK;
}

static enum lab_status show(struct lab *lab, bool to_phys)
{
	uint64_t to = 0;
	enum lab_status status = translate(lab, to_phys, &to);

	if (!status)
		status = args_end(lab);
	if (!status)
		quire_format(&lab->host.out, "0x%jx\n", (uintmax_t)to);
	return status;
}

enum lab_status command_va(struct lab *lab, const char *target)
{
	(void)target;
	return show(lab, false);
}

enum lab_status command_pa(struct lab *lab, const char *target)
{
	(void)target;
	return show(lab, true);
}

enum lab_status command_write(struct lab *lab, const char *target)
{
	struct lab_area *area = NULL;
	struct quire_table *table;
	struct quire_exception fault;
	quire_virt_t virt = { 0 };
	uint64_t value = 0;
	enum lab_status status = table_current(lab, &table);

	(void)target;
	if (!status)
		status = args_place(lab, &virt, &area);
	words_take(&lab->words, "=");
	if (!status)
		status = args_number(lab, "the value", UINT32_MAX, &value);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	uint32_t word = (uint32_t)value;

	status = walk_spare(lab, virt, sizeof(word));
	if (status)
		return status;
	if (quire_write(lab->q, virt, &word, sizeof(word), &fault))
		return session_refuse(lab, quire_vector_name(fault.vector), "write 0x%jx",
				      (uintmax_t)virt.v);
	return LAB_OK;
}

/* ---- Expectations ---------------------------------------------------------------- */

static enum lab_status expect_value(struct lab *lab, const char *what, uint64_t is)
{
	uint64_t wanted = 0;
	enum lab_status status;

	words_take(&lab->words, "=");
	status = args_size(lab, "the value", &wanted);
	if (!status)
		status = args_end(lab);
	if (status || wanted == is)
		return status;
	return session_fail(lab, LAB_FAILED, "%s: expected 0x%jx, is 0x%jx", what,
			    (uintmax_t)wanted, (uintmax_t)is);
}

enum lab_status expect_virt(struct lab *lab)
{
	struct lab_area *area = NULL;
	quire_virt_t virt = { 0 };
	enum lab_status status = args_place(lab, &virt, &area);

	return status ? status : expect_value(lab, "the address", virt.v);
}

enum lab_status expect_va(struct lab *lab)
{
	uint64_t to = 0;
	enum lab_status status = translate(lab, false, &to);

	return status ? status : expect_value(lab, "the virtual address", to);
}

enum lab_status expect_pa(struct lab *lab)
{
	uint64_t to = 0;
	enum lab_status status = translate(lab, true, &to);

	return status ? status : expect_value(lab, "the physical address", to);
}

enum lab_status expect_word(struct lab *lab)
{
	struct lab_area *area = NULL;
	struct quire_table *table;
	struct quire_exception fault;
	quire_virt_t virt = { 0 };
	uint32_t word = 0;
	enum lab_status status = table_current(lab, &table);

	if (!status)
		status = args_place(lab, &virt, &area);
	if (status)
		return status;
	if (quire_read(lab->q, virt, &word, sizeof(word), &fault))
		return session_refuse(lab, quire_vector_name(fault.vector), "read 0x%jx",
				      (uintmax_t)virt.v);
	return expect_value(lab, "the word", word);
}

enum lab_status expect_address(struct lab *lab)
{
	struct lab_ref ref;
	enum lab_status status = args_ref(lab, &ref);

	return status ? status
		      : expect_value(lab, ref.text, quire_page_address(lab->q, ref.page).v);
}

enum lab_status expect_region(struct lab *lab)
{
	const struct quire_layout_area *region;
	struct lab_area *area = NULL;
	struct quire_layout layout;
	quire_virt_t virt = { 0 };
	const char *wanted;
	enum lab_status status = args_place(lab, &virt, &area);

	words_take(&lab->words, "=");
	wanted = words_next(&lab->words);
	if (!status && !wanted)
		status = args_wrong(lab, "the region", NULL, NULL);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	quire_layout(lab->q, &layout);
	region = quire_layout_find(&layout, virt);
	if (text_equal_nocase(quire_region_name(region->region), wanted))
		return LAB_OK;
	return session_fail(lab, LAB_FAILED, "0x%jx: expected '%s', is '%s'", (uintmax_t)virt.v,
			    wanted, quire_region_name(region->region));
}

enum lab_status expect_layout(struct lab *lab)
{
	struct quire_layout l;

	quire_layout(lab->q, &l);
	const struct lab_number numbers[] = {
		{ "PAGE_OFFSET", l.page_offset.v },
		{ "high_memory", l.high_memory.v },
		{ "VMALLOC_START", l.vmalloc_start.v },
		{ "VMALLOC_END", l.vmalloc_end.v },
		{ "PKMAP_BASE", l.pkmap_base.v },
		{ "LAST_PKMAP", l.nr_pkmap },
		{ "FIXADDR_START", l.fixaddr_start.v },
		{ "FIXADDR_TOP", l.fixaddr_top.v },
		{ "APIC", quire_fix_to_virt(lab->q, QUIRE_FIX_APIC).v },
	};

	return expect_named(lab, numbers, sizeof(numbers) / sizeof(numbers[0]), expect_value);
}

enum lab_status expect_kspace(struct lab *lab)
{
	struct quire_vmalloc_stat s;
	struct quire_kmap_stat k;
	struct quire_direct_stat d;
	enum lab_status status = session_kernel(lab);

	if (status)
		return status;
	quire_vmalloc_stat(lab->q, &s);
	quire_kmap_stat(lab->q, &k);
	quire_direct_stat(lab->q, &d);
	const struct lab_number numbers[] = {
		{ "areas", s.nr_areas },       { "used", s.used_bytes },
		{ "lazy", s.nr_lazy },	       { "kept", s.nr_kept },
		{ "purges", s.nr_purges },     { "pages", s.nr_pages },
		{ "open", k.open },	       { "closed", k.stale },
		{ "flushes", k.nr_flushes },   { "direct4k", d.bytes_4k },
		{ "directlarge", d.bytes_large }, { "direct1g", d.bytes_1g },
	};

	return expect_named(lab, numbers, sizeof(numbers) / sizeof(numbers[0]), expect_value);
}
