/* SPDX-License-Identifier: MIT */
/*
 * test_port.c - the library keeps the rules that port.h gives
 *
 * The linker puts these functions between the library and the hosted port (Makefile, --wrap):
 *
 *   quire_port_cpu_enter and _leave nest, and each token ends the stay that it began
 *   quire_port_tlb_flush comes from outside of all stays, unless it is local
 */
#include "process.h"

#include <glob.h>

#include "script.h"
#include "store.h"

#define STAYS 64
#define CPUS 64

uintptr_t __real_quire_port_cpu_enter(void);
uintptr_t __wrap_quire_port_cpu_enter(void);
void __real_quire_port_cpu_leave(uintptr_t token);
void __wrap_quire_port_cpu_leave(uintptr_t token);
void __real_quire_port_tlb_flush(void *host, const struct quire_port_flush *what);
void __wrap_quire_port_tlb_flush(void *host, const struct quire_port_flush *what);

/* The stays on each processor that have not ended. */
static struct stays {
	uintptr_t token[STAYS];
	unsigned depth;
} stays[CPUS];
static unsigned serial, crossed, flushed_inside, flushes;

/* What somebody else does while the next flush is on its way. */
static void (*meanwhile)(void);

uintptr_t __wrap_quire_port_cpu_enter(void)
{
	uintptr_t cpu = __real_quire_port_cpu_enter();
	struct stays *s = &stays[cpu];

	if (s->depth == STAYS)
		abort();
	return s->token[s->depth++] = cpu | (uintptr_t)(++serial & 0xffff) << 16;
}

void __wrap_quire_port_cpu_leave(uintptr_t token)
{
	struct stays *s = &stays[token & 0xffff];

	crossed += !s->depth || s->token[s->depth - 1] != token;
	s->depth -= s->depth > 0;
	__real_quire_port_cpu_leave(token & 0xffff);
}

void __wrap_quire_port_tlb_flush(void *host, const struct quire_port_flush *what)
{
	flushes++;
	flushed_inside += !what->local && stays[__real_quire_port_cpu_enter()].depth;
	void (*act)(void) = meanwhile;

	meanwhile = NULL;
	if (act)
		act();
	__real_quire_port_tlb_flush(host, what);
}

/* Nothing was wrong since the last time, and so many stays go on. */
static void check_rules(unsigned depth)
{
	CHECK_EQ(crossed, 0);
	CHECK_EQ(flushed_inside, 0);
	CHECK_EQ(stays[0].depth, depth);
	crossed = flushed_inside = 0;
}

static bool start(struct rig *rig)
{
	memset(stays, 0, sizeof(stays));
	return kernel_start(rig, QUIRE_I386_PAE, GB(2));
}

static struct quire_page *high_page(struct rig *rig)
{
	return quire_page_alloc(rig->q, QUIRE_GFP_HIGHUSER, 0);
}

/* Each window is a stay: the newest is left first, whatever else happens meanwhile. */
TEST(windows_nest)
{
	struct rig rig;
	quire_virt_t a[QUIRE_KMAP_DEPTH], b;

	if (!start(&rig))
		return;
	struct quire_page *page = high_page(&rig);

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < QUIRE_KMAP_DEPTH; i++) {
			CHECK_EQ(quire_kmap_local(rig.q, page, &a[i]), 0);
			CHECK_EQ(quire_kmap(rig.q, page, &b), 0);
			CHECK_EQ(quire_kunmap(rig.q, page), 0);
			quire_kfree(rig.q, quire_kmalloc(rig.q, 100 + i, QUIRE_GFP_KERNEL));
			check_rules(i + 1);
		}
		CHECK_EQ(quire_kmap_local(rig.q, page, &b), -QUIRE_EAGAIN);
		check_rules(QUIRE_KMAP_DEPTH);
		for (unsigned i = QUIRE_KMAP_DEPTH; i-- > 0;) {
			CHECK_EQ(i ? quire_kunmap_local(rig.q, a[i - 1]) : QUIRE_KUNMAP_ORDER,
				 QUIRE_KUNMAP_ORDER);
			CHECK_EQ(quire_kunmap_local(rig.q, a[i]), QUIRE_KUNMAP_OK);
			check_rules(i);
		}
	}
	rig_end(&rig);
	check_rules(0);
}

/* Areas come and go until the limit of lazy ones, and all addresses, are used up. */
static unsigned churn(struct rig *rig)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < 60; i++) {
		quire_virt_t v;
		int error = quire_vmalloc(rig->q, MB(4), &v);

		refused += error == -QUIRE_ENOSPC;
		if (!error)
			CHECK_EQ(quire_vfree(rig->q, v), QUIRE_VFREE_OK);
	}
	return refused;
}

/* With a window open nothing flushes, but it is made up for afterwards. */
TEST(vfree_in_a_window)
{
	struct rig rig;
	quire_virt_t window;

	if (!start(&rig))
		return;
	CHECK_EQ(churn(&rig), 0);
	uint64_t purges = vmalloc_stat(&rig).nr_purges;

	CHECK(purges > 0);
	check_rules(0);
	CHECK_EQ(quire_kmap_local(rig.q, high_page(&rig), &window), 0);
	unsigned before = flushes;

	CHECK(churn(&rig) > 0);
	CHECK_EQ(quire_vm_unmap_aliases(rig.q), -QUIRE_EBUSY);
	CHECK_EQ(flushes, before);
	CHECK_EQ(vmalloc_stat(&rig).nr_purges, purges);
	check_rules(1);
	CHECK_EQ(quire_kunmap_local(rig.q, window), QUIRE_KUNMAP_OK);
	CHECK_EQ(churn(&rig), 0);
	CHECK(vmalloc_stat(&rig).nr_purges > purges);
	CHECK_EQ(quire_vm_unmap_aliases(rig.q), 0);
	check_rules(0);
	rig_sound(&rig);
	rig_end(&rig);
}

/* A request that finds no frames leaves ranges and tables alone, and asks again later. */
TEST(reclaim_in_a_window)
{
	struct rig rig;
	quire_virt_t window, v[40];

	if (!start(&rig))
		return;
	for (unsigned i = 0; i < 40; i++)
		CHECK_EQ(quire_vmalloc(rig.q, MB(2) - 4096, &v[i]), 0);
	for (unsigned i = 0; i < 40; i++)
		CHECK_EQ(quire_vfree(rig.q, v[i]), QUIRE_VFREE_OK);
	uint64_t lazy = vmalloc_stat(&rig).lazy_pages;

	CHECK(lazy > 0);
	CHECK_EQ(quire_kmap_local(rig.q, high_page(&rig), &window), 0);
	while (high_page(&rig) || quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0))
		;
	CHECK(!quire_kmalloc(rig.q, MB(1), QUIRE_GFP_KERNEL));
	CHECK_EQ(vmalloc_stat(&rig).lazy_pages, lazy);
	/* Large pages want empty tables out of their way: not now. */
	CHECK(quire_vmalloc_huge(rig.q, MB(4), QUIRE_GFP_KERNEL, v) != 0);
	check_rules(1);
	CHECK_EQ(quire_kunmap_local(rig.q, window), QUIRE_KUNMAP_OK);
	CHECK(quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0) != NULL); /* a table's */
	CHECK_EQ(vmalloc_stat(&rig).lazy_pages, 0);
	check_rules(0);
	rig_end(&rig);
}

/* ---- While a table is taken out --------------------------------------------------- */

static struct rig trimmed;
static uint64_t place; /* the first of 4 MB */

static uint64_t nr_tables(void)
{
	struct quire_table_stat stat;

	quire_table_stat(quire_table_kernel(trimmed.q), &stat);
	return stat.nr_tables;
}

static void map_at(uint64_t virt, uint64_t bytes, unsigned order)
{
	struct quire_table *t = quire_table_kernel(trimmed.q);

	CHECK_EQ(quire_table_map(t, virt_of(virt), quire_phys(MB(8)), bytes, QUIRE_PTE_KERNEL,
				 order),
		 0);
	check_memory(&trimmed, virt, virt);
	check_memory(&trimmed, virt + bytes - 8, 7);
}

static void map_page(void)
{
	struct quire_violation broken = { "none", "", 0 };

	/* TABLE-7 */
	CHECK(!quire_check(trimmed.q, &broken));
	CHECK_STR(broken.rule, "TABLE-7");
	map_at(place + 0x5000, 0x1000, 0);
}

static void map_large(void)
{
	map_at(place, MB(4), 10);
}

/* Another one trims, too; what one has taken out the other one does not see. */
static void trim_too(void)
{
	quire_table_trim(quire_table_kernel(trimmed.q));
	map_page();
}

/*
 * What is mapped while a table is taken out can be used at once, although this processor's caches
 * still lead to that table.
 */
TEST(trim)
{
	static void (*const others[])(void) = { NULL, map_page, map_large, trim_too };
	static const uint64_t mapped[] = { 0, 0x1000, MB(4), 0x1000 };

	EACH_MACHINE(m)
	{
		for (size_t i = 0; i < 4; i++) {
			struct quire_tlb tlb;
			struct quire_layout l;

			memset(stays, 0, sizeof(stays));
			if (!kernel_start(&trimmed, all_machines[m], MB(64)))
				return;
			struct quire_table *t = quire_table_kernel(trimmed.q);

			quire_layout(trimmed.q, &l);
			place = (l.vmalloc_end.v - MB(8)) & ~(uint64_t)(MB(4) - 1);
			/* The root's own tables stay once they are there. */
			map_at(place, 0x1000, 0);
			CHECK_EQ(quire_table_unmap(t, virt_of(place), 0x1000, NULL), 0);
			quire_table_trim(t);
			uint64_t before = nr_tables();

			quire_tlb_begin(&tlb, t);
			map_at(place, 0x1000, 0);
			CHECK(nr_tables() > before);
			CHECK_EQ(quire_table_unmap(t, virt_of(place), 0x1000, &tlb), 0);
			meanwhile = others[i];
			quire_table_trim(t);
			CHECK_EQ(nr_tables() > before, i != 0);
			quire_tlb_flush(&tlb);
			rig_sound(&trimmed);
			uint64_t there = place + (i == 2 ? 0 : 0x5000);

			if (i)
				check_memory(&trimmed, there, 9);
			if (i)
				CHECK_EQ(quire_table_unmap(t, virt_of(there), mapped[i], NULL), 0);
			quire_table_trim(t);
			CHECK_EQ(nr_tables(), before);
			check_rules(0);
			rig_end(&trimmed);
		}
	}
}

/* ---- While entries go ------------------------------------------------------------- */

static struct files written;
static struct store contents;
static struct quire_file *stored;

/* The other processor writes once more by what its TLB knows, after all was written back. */
static void write_late(void)
{
	uint64_t value = 77;
	struct quire_exception fault;

	quire_hosted_cpu(1);
	CHECK_EQ(quire_file_sync(stored, 0, UINT64_MAX), 0);
	CHECK_EQ(quire_port_access(&written.rig.host, virt_of(0x20000000), &value, sizeof(value),
				   (enum quire_access)(QUIRE_ACCESS_WRITE | QUIRE_ACCESS_USER),
				   &fault),
		 0);
	quire_hosted_cpu(0);
}

/* What is written to a file until all processors have forgotten an entry reaches the store. */
TEST(written_late)
{
	for (unsigned i = 0; process_machine(i); i++) {
		struct quire_mmap args = { .address = { 0x20000000 }, .bytes = 4 * PAGE,
					   .prot = PROT_RW,
					   .flags = QUIRE_MAP_SHARED | QUIRE_MAP_FIXED };
		uint64_t value = 0;
		quire_virt_t out;

		memset(stays, 0, sizeof(stays));
		if (!process_rig(&written.rig, process_machine(i), MB(64)))
			return;
		written.q = written.rig.q;
		store_make(&written, &contents, 4 * PAGE, 4 * PAGE);
		args.file = stored = files_open(&written, &contents, 0);
		struct quire_mm *mm = process_start(&written.rig);

		CHECK_EQ(quire_mmap(mm, &args, &out), 0);
		quire_hosted_cpu(1);
		CHECK_EQ(quire_mm_load(mm), 0);
		CHECK_EQ(process_write(mm, 0x20000000, 5), 0);
		quire_hosted_cpu(0);
		meanwhile = write_late;
		CHECK_EQ(quire_munmap(mm, out, args.bytes), 0);
		CHECK(!meanwhile);
		CHECK_EQ(files_info(stored).nr_dirty, 1);
		CHECK_EQ(quire_file_sync(stored, 0, UINT64_MAX), 0);
		memcpy(&value, contents.bytes, sizeof(value));
		CHECK_EQ(value, 77);
		rig_sound(&written.rig);
		quire_hosted_cpu(1);
		CHECK_EQ(quire_table_load(quire_table_kernel(written.q)), 0);
		quire_hosted_cpu(0);
		process_end(&written.rig, mm);
		quire_file_put(stored);
		check_rules(0);
		rig_end(&written.rig);
		free(contents.bytes);
	}
}

static void no_write(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	(void)text;
	(void)length;
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	quire_hosted_cpu(cpu);
}

/* Whatever a lesson does. */
TEST(lessons)
{
	glob_t found;

	CHECK_EQ(glob("examples/lessons/*.quire", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct quire_hosted port = { .nr_allocs = 0 };
		const struct lab_host host = {
			.port = &port,
			.out = { no_write, NULL },
			.talk = { no_write, NULL },
			.set_cpu = set_cpu,
		};
		static char text[1 << 16];
		FILE *file = fopen(found.gl_pathv[i], "rb");
		size_t length = file ? fread(text, 1, sizeof(text), file) : 0;
		struct lab *lab;

		if (file)
			fclose(file);
		memset(stays, 0, sizeof(stays));
		CHECK_EQ(lab_create(&host, &lab), 0);
		CHECK_EQ(lab_text(lab, found.gl_pathv[i], text, length), LAB_OK);
		check_rules(0);
		lab_destroy(lab);
		quire_hosted_release(&port);
	}
	globfree(&found);
}

TEST_MAIN(CASE(windows_nest), CASE(vfree_in_a_window), CASE(reclaim_in_a_window), CASE(trim),
	  CASE(written_late), CASE(lessons))
