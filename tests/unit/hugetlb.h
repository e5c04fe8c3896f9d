/* SPDX-License-Identifier: MIT */
/*
 * hugetlb.h - rigs with a pool of huge pages
 */
#ifndef TEST_HUGETLB_H
#define TEST_HUGETLB_H

#include "process.h"

#define MAP_HUGE (MAP_ANON | QUIRE_MAP_HUGETLB)
#define MAP_HUGE_SHARED (QUIRE_MAP_SHARED | QUIRE_MAP_ANONYMOUS | QUIRE_MAP_HUGETLB)
/* Where huge pages are put by address. */
#define HUGE_AT 0x40000000u

#define RAM MB(128)
#define SIGBUS_CODE (-QUIRE_BUS_ADRERR)

/* Each case on each machine. */
#define ON_EACH(rig)                                                                        \
	for (unsigned test_i = 0; process_machine(test_i); test_i++)                        \
		for (bool test_ok = process_rig(rig, process_machine(test_i), RAM); test_ok; \
		     rig_end(rig), test_ok = false)

/** Bytes of a huge page */
static inline uint64_t huge_bytes(const struct rig *rig)
{
	return quire_config(rig->q)->machine == QUIRE_I386 ? MB(4) : MB(2);
}

/** Set vm.nr_hugepages and vm.nr_overcommit_hugepages */
static inline void huge_set(struct rig *rig, uint64_t nr, uint64_t overcommit)
{
	struct quire_vm_sysctl sysctl;

	CHECK_EQ(quire_vm_sysctl(rig->q, &sysctl), 0);
	sysctl.nr_hugepages = nr;
	sysctl.nr_overcommit_hugepages = overcommit;
	CHECK_EQ(quire_vm_set_sysctl(rig->q, &sysctl), 0);
}

/** The pool as "total free reserved surplus" */
static inline const char *huge_pool(struct rig *rig)
{
	static char text[64];
	struct quire_vm_stat stat;

	CHECK_EQ(quire_vm_stat(rig->q, &stat), 0);
	snprintf(text, sizeof(text), "%d %d %d %d", (int)stat.nr_hugepages,
		 (int)stat.nr_hugepages_free, (int)stat.nr_hugepages_reserved,
		 (int)stat.nr_hugepages_surplus);
	return text;
}

#define CHECK_POOL(rig, text)                       \
	do {                                        \
		rig_sound(rig);                     \
		CHECK_STR(huge_pool(rig), text);    \
	} while (0)

/** mmap of @nr huge pages, anywhere or (@at) there. Return: the address, or a negative error */
static inline int64_t huge_map(struct rig *rig, struct quire_mm *mm, uint64_t at, uint64_t nr,
			       unsigned flags)
{
	return process_map(mm, at, nr * huge_bytes(rig) / PAGE, PROT_RW, flags);
}

/** mmap of @nr huge pages of a file, from page @first on */
static inline int64_t huge_map_file(struct rig *rig, struct quire_mm *mm, struct quire_file *file,
				    uint64_t nr, unsigned flags)
{
	struct quire_mmap args = {
		.bytes = nr * huge_bytes(rig),
		.prot = PROT_RW,
		.flags = flags,
		.file = file,
	};
	quire_virt_t out = { 0 };
	int error = quire_mmap(mm, &args, &out);

	return error ? error : (int64_t)out.v;
}

/** The areas of huge pages, as "start-end rwxp …", in huge pages from @base on */
static inline const char *huge_areas(struct rig *rig, struct quire_mm *mm, uint64_t base)
{
	static char text[512];
	struct quire_vma_info info;
	quire_virt_t from = { 0 };
	size_t n = 0;

	text[0] = 0;
	while (n < sizeof(text) - 64 && quire_mm_next_vma(mm, from, &info)) {
		int64_t huge = (int64_t)huge_bytes(rig);

		from = info.end;
		if (!(info.flags & QUIRE_VM_HUGETLB))
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d-%d %c%c%c%c", n ? " " : "",
				      (int)((int64_t)(info.start.v - base) / huge),
				      (int)((int64_t)(info.end.v - base) / huge),
				      info.flags & QUIRE_VM_READ ? 'r' : '-',
				      info.flags & QUIRE_VM_WRITE ? 'w' : '-',
				      info.flags & QUIRE_VM_EXEC ? 'x' : '-',
				      info.flags & QUIRE_VM_MAYSHARE ? 's' : 'p');
	}
	return text;
}

static inline int huge_unmap(struct quire_mm *mm, uint64_t at, uint64_t bytes)
{
	return quire_munmap(mm, (quire_virt_t){ at }, bytes);
}

static inline int huge_advise(struct quire_mm *mm, uint64_t at, uint64_t bytes, int advice)
{
	return quire_madvise(mm, (quire_virt_t){ at }, bytes, advice);
}

#endif
