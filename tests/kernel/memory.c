/* SPDX-License-Identifier: MIT */
/*
 * memory.c - faults that are answered, and faults that are told
 */
#include "image.h"

#include <quire/page.h>
#include <quire/pgtable.h>
#include <quire/port.h>

#include "place.h"
#include "x86.h"

/* In the half of processes, but outside of the arena. */
#define USER_PAGE (ARENA_START - 0x100000)
/* In the kernel's half, above the direct map of the largest machine: vmalloc's region. */
#ifdef __x86_64__
#define LATE_PAGE 0xffffc90000000000
#else
#define LATE_PAGE 0xfd000000
#endif

#define MB(n) ((size_t)(n) << 20)

static quire_virt_t virt(uint64_t v)
{
	return (quire_virt_t){ v };
}

static uint64_t free_frames(struct quire *q)
{
	uint64_t nr = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct quire_zone_stat stat;

		quire_zone_stat(q, (enum quire_zone)z, &stat);
		nr += stat.free + stat.pcp;
	}
	return nr;
}

/* Memory by address: how far a copy comes, and what ends it. */
int access_faults(struct quire *q)
{
	struct quire_table *t = quire_table_loaded(q, 0);
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, 0);
	const struct quire_table_change read_only = { .clear = QUIRE_PTE_RW };
	char text[16] = "over the edge..", back[16] = "";
	struct quire_exception fault;

	WANT(t && page);
	WANT(quire_read(q, virt(USER_PAGE), back, 1, &fault) == -QUIRE_EFAULT);
	WANT(fault.vector == QUIRE_VECTOR_PF && fault.error_code == 0 &&
	     fault.address.v == USER_PAGE);
	WANT(!quire_table_map(t, virt(USER_PAGE), quire_pfn_phys(quire_page_pfn(q, page)),
			      QUIRE_PAGE_SIZE, QUIRE_PTE_PRESENT | QUIRE_PTE_RW, 0));
	/* The page ends after ten bytes. */
	quire_virt_t edge = virt(USER_PAGE + QUIRE_PAGE_SIZE - 10);
	WANT(quire_write(q, edge, text, 16, &fault) == -QUIRE_EFAULT);
	WANT(fault.address.v == USER_PAGE + QUIRE_PAGE_SIZE);
	WANT(fault.error_code == QUIRE_PF_WRITE);
	WANT(!quire_read(q, edge, back, 10, &fault));
	WANT(!__builtin_memcmp(back, "over the e", 10));
	char *direct = x86_direct(quire_pfn_phys(quire_page_pfn(q, page)));
	WANT(!__builtin_memcmp(direct + QUIRE_PAGE_SIZE - 10, "over the e", 10));

	WANT(!quire_table_protect(t, virt(USER_PAGE), QUIRE_PAGE_SIZE, read_only, NULL));
	WANT(quire_write(q, edge, text, 1, &fault) == -QUIRE_EFAULT);
	WANT(fault.error_code == (QUIRE_PF_WRITE | QUIRE_PF_PRESENT));
	WANT(!quire_table_unmap(t, virt(USER_PAGE), QUIRE_PAGE_SIZE, NULL));
	WANT(quire_read(q, edge, back, 1, &fault) == -QUIRE_EFAULT);
	quire_page_put(q, page);
#ifdef __x86_64__
	WANT(quire_read(q, virt(0x800000000000), back, 1, &fault) == -QUIRE_EFAULT);
	WANT(fault.vector == QUIRE_VECTOR_GP);
#else
	WANT(quire_read(q, virt(0x100000000), back, 1, &fault) == -QUIRE_EFAULT);
#endif
	/* The image's own text can't be written. */
	WANT(quire_write(q, virt((uintptr_t)access_faults), text, 1, &fault) == -QUIRE_EFAULT);
	WANT(fault.error_code == (QUIRE_PF_WRITE | QUIRE_PF_PRESENT));
	return 0;
}

/* The arena takes frames for what is written, one for all that is read, and gives all back. */
int arena_returns(struct quire *q)
{
	static struct x86_host host = { .memory = X86_ARENA };
	const quire_phys_t anywhere = quire_phys(QUIRE_PORT_ANYWHERE);
	uint64_t before = free_frames(q);
	size_t bytes = MB(64);

	/* The first round also makes the heap and the tables grow. */
	for (unsigned round = 0; round < 3; round++) {
		unsigned char *p = quire_port_alloc(&host, anywhere, bytes);
		unsigned char *other = quire_port_alloc(&host, anywhere, MB(1));
		uint64_t now;
		unsigned sum = 0;

		WANT(p && other && other != p);
		for (size_t i = 0; i < bytes; i += QUIRE_PAGE_SIZE)
			sum += p[i];
		WANT(!sum);
		now = free_frames(q);
		WANT(before - now < 64);
		for (size_t i = 0; i < 100; i++)
			p[i * 40960 + i] = (unsigned char)(i + 1);
		WANT(now - free_frames(q) == 100);
		for (size_t i = 0; i < 100; i++)
			WANT(p[i * 40960 + i] == i + 1 && !p[i * 40960 + i + 1]);
		quire_port_free(&host, other, MB(1));
		quire_port_free(&host, p, bytes);
		if (round == 0)
			before = free_frames(q);
		WANT(free_frames(q) == before);
	}
	WANT(!quire_port_alloc(&host, anywhere, ARENA_END - ARENA_START + 1));
	WANT(quire_check(q, NULL));
	return 0;
}

/* More is written than there is: the kernel ends and says so. */
int exhaust(struct quire *q)
{
	static struct x86_host host = { .memory = X86_ARENA };
	unsigned char *p = quire_port_alloc(&host, quire_phys(QUIRE_PORT_ANYWHERE), MB(64));

	(void)q;
	WANT(p);
	for (size_t i = 0; i < MB(64); i += QUIRE_PAGE_SIZE)
		p[i] = 1;
	return 0;
}

/* What the kernel maps after the table in use was made is seen through it. */
int late_kernel_mapping(struct quire *q)
{
	struct quire_table *kernel = quire_table_kernel(q);
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, 0);
	volatile unsigned *late = (volatile unsigned *)LATE_PAGE;

	WANT(page && quire_table_loaded(q, 0) != kernel);
	WANT(!quire_table_map(kernel, virt(LATE_PAGE), quire_pfn_phys(quire_page_pfn(q, page)),
			      QUIRE_PAGE_SIZE, QUIRE_PTE_KERNEL, 0));
	*late = 0x51e6e;
	WANT(*(unsigned *)x86_direct(quire_pfn_phys(quire_page_pfn(q, page))) == 0x51e6e);
	WANT(!quire_table_unmap(kernel, virt(LATE_PAGE), QUIRE_PAGE_SIZE, NULL));
	quire_page_put(q, page);
	return 0;
}
