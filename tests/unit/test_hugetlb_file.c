/* SPDX-License-Identifier: MIT */
/*
 * test_hugetlb_file.c - memfds of huge pages: size, holes, seals, mapped shared and privately
 *
 * Counts and errors are those of Linux 6.18, which was asked the same.
 */
#include "hugetlb.h"

static uint64_t file_size(struct quire_file *file)
{
	struct quire_inode_info info;

	quire_inode_info(quire_file_inode(file), &info);
	return info.bytes;
}

TEST(memfd)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		const unsigned hugetlb = QUIRE_MFD_HUGETLB | QUIRE_MFD_ALLOW_SEALING;
		uint64_t huge = huge_bytes(&rig);
		unsigned size = (huge == MB(4) ? 22u : 21u) << 26, keep = QUIRE_FALLOC_KEEP_SIZE;
		unsigned punch = keep | QUIRE_FALLOC_PUNCH_HOLE;
		struct quire_file *file = NULL, *other = NULL;
		char buf[64];
		size_t done;

		huge_set(&rig, 8, 0);
		CHECK_EQ(quire_memfd_create(rig.q, "x", hugetlb | size, &other), 0);
		quire_file_put(other);
		CHECK_EQ(quire_memfd_create(rig.q, "x", hugetlb | 20u << 26, &other),
			 -QUIRE_ENODEV);
		CHECK_EQ(quire_memfd_create(rig.q, "x", size, &other), -QUIRE_EINVAL);
		CHECK_EQ(quire_memfd_create(rig.q, "x", hugetlb, &file), 0);
		CHECK_EQ(quire_file_truncate(file, PAGE), -QUIRE_EINVAL);
		CHECK_EQ(quire_file_truncate(file, 2 * huge), 0);
		CHECK_POOL(&rig, "8 8 0 0");
		CHECK_EQ(quire_file_write(file, 0, "x", 1, &done), -QUIRE_EINVAL);
		CHECK_EQ(quire_file_read(file, 2 * huge - 3, buf, sizeof(buf), &done), 0);
		CHECK_EQ(done, 3);
		CHECK_EQ(quire_file_allocate(file, 0, 0, PAGE), 0);
		CHECK_POOL(&rig, "8 7 0 0");
		CHECK_EQ(file_size(file), 2 * huge);
		CHECK_EQ(quire_file_allocate(file, keep, 4 * huge, 1), 0);
		CHECK_POOL(&rig, "8 6 0 0");
		/* All or nothing, where Linux keeps what it got. */
		CHECK_EQ(quire_file_allocate(file, keep, 0, 20 * huge), -QUIRE_ENOSPC);
		CHECK_POOL(&rig, "8 6 0 0");
		CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_ZERO_RANGE, 0, huge),
			 -QUIRE_EOPNOTSUPP);
		CHECK_EQ(quire_file_allocate(file, punch, 0, huge), 0);
		CHECK_POOL(&rig, "8 7 0 0");
		CHECK_EQ(quire_file_truncate(file, 0), 0);
		CHECK_POOL(&rig, "8 8 0 0");
		quire_file_put(file);
	}
}

TEST(memfd_mapped)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), at, value = 0;
		unsigned punch = QUIRE_FALLOC_KEEP_SIZE | QUIRE_FALLOC_PUNCH_HOLE;
		struct quire_mmap args = { .bytes = huge + 1, .prot = PROT_RW,
					   .flags = QUIRE_MAP_SHARED };
		struct quire_file *file = NULL;
		quire_virt_t out = { 0 };

		huge_set(&rig, 8, 0);
		CHECK_EQ(quire_memfd_create(rig.q, "x", QUIRE_MFD_HUGETLB, &file), 0);
		args.file = file;
		CHECK_EQ(quire_mmap(mm, &args, &out), 0);
		CHECK_EQ(file_size(file), 2 * huge);
		CHECK_POOL(&rig, "8 8 2 0");
		args.offset = PAGE;
		CHECK_EQ(quire_mmap(mm, &args, &out), -QUIRE_EINVAL);
		CHECK(huge_map_file(&rig, mm, file, 1, QUIRE_MAP_SHARED | QUIRE_MAP_HUGETLB) > 0);
		CHECK_POOL(&rig, "8 8 2 0");
		CHECK_EQ(quire_file_truncate(file, 0), 0);
		CHECK_POOL(&rig, "8 8 0 0");
		/* Promises are the file's: they stay when nobody maps it. */
		at = (uint64_t)huge_map_file(&rig, mm, file, 2, QUIRE_MAP_SHARED);
		CHECK_EQ(huge_unmap(mm, at, 2 * huge), 0);
		CHECK_POOL(&rig, "8 8 2 0");
		at = (uint64_t)huge_map_file(&rig, mm, file, 4, QUIRE_MAP_SHARED);
		CHECK_EQ(process_write(mm, at, 1), 0);
		CHECK_EQ(process_write(mm, at + 3 * huge, 4), 0);
		CHECK_POOL(&rig, "8 6 2 0");
		CHECK_EQ(quire_file_truncate(file, 3 * huge), 0);
		CHECK_POOL(&rig, "8 7 2 0");
		CHECK_EQ(process_touch(mm, at + 3 * huge, &value, 8, QUIRE_ACCESS_READ),
			 SIGBUS_CODE);
		CHECK_EQ(process_read(mm, at + 2 * huge), 0);
		CHECK_POOL(&rig, "8 6 1 0");
		CHECK_EQ(quire_file_allocate(file, punch, huge, 2 * huge), 0);
		CHECK_POOL(&rig, "8 7 1 0");
		CHECK_EQ(process_read(mm, at + 2 * huge), 0);
		CHECK_EQ(process_write(mm, at + huge, 1), 0);
		CHECK_POOL(&rig, "8 5 0 0");
		CHECK_EQ(quire_file_truncate(file, huge), 0);
		CHECK_POOL(&rig, "8 7 0 0");
		process_end(&rig, mm);
		quire_file_put(file);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

TEST(memfd_private)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), p, q, value = 0;
		unsigned punch = QUIRE_FALLOC_KEEP_SIZE | QUIRE_FALLOC_PUNCH_HOLE;
		struct quire_file *file = NULL;

		huge_set(&rig, 8, 0);
		CHECK_EQ(quire_memfd_create(rig.q, "x", QUIRE_MFD_HUGETLB, &file), 0);
		CHECK_EQ(quire_file_truncate(file, 3 * huge), 0);
		p = (uint64_t)huge_map_file(&rig, mm, file, 3, QUIRE_MAP_SHARED);
		CHECK_EQ(process_write(mm, p, 1), 0);
		CHECK_EQ(process_write(mm, p + huge, 2), 0);
		CHECK_POOL(&rig, "8 6 1 0");
		q = (uint64_t)huge_map_file(&rig, mm, file, 3, QUIRE_MAP_PRIVATE);
		CHECK_POOL(&rig, "8 6 4 0");
		CHECK_EQ(process_read(mm, q), 1);
		CHECK_EQ(process_read(mm, q + huge), 2);
		CHECK_POOL(&rig, "8 6 4 0");
		CHECK_EQ(process_write(mm, q, 9), 0);
		CHECK_POOL(&rig, "8 5 3 0");
		CHECK_EQ(process_read(mm, p), 1);
		CHECK_EQ(process_read(mm, q + 2 * huge), 0);
		CHECK_POOL(&rig, "8 4 2 0");
		CHECK_EQ(process_write(mm, p + 2 * huge, 5), 0);
		CHECK_POOL(&rig, "8 3 1 0");
		CHECK_EQ(process_read(mm, q + 2 * huge), 0);
		/* A hole takes private pages along. */
		CHECK_EQ(quire_file_allocate(file, punch, 0, 3 * huge), 0);
		CHECK_POOL(&rig, "8 8 3 0");
		CHECK_EQ(process_read(mm, q), 0);
		CHECK_EQ(process_read(mm, q + huge), 0);
		CHECK_EQ(process_read(mm, q + 2 * huge), 0);
		CHECK_POOL(&rig, "8 5 0 0");
		CHECK_EQ(huge_advise(mm, q, 3 * huge, QUIRE_MADV_DONTNEED), 0);
		CHECK_POOL(&rig, "8 8 3 0");
		CHECK_EQ(process_write(mm, q, 3), 0);
		CHECK_EQ(quire_file_truncate(file, 0), 0);
		CHECK_POOL(&rig, "8 8 3 0");
		CHECK_EQ(process_touch(mm, q, &value, 8, QUIRE_ACCESS_READ), SIGBUS_CODE);
		process_end(&rig, mm);
		quire_file_put(file);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

TEST(seals)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), at;
		unsigned punch = QUIRE_FALLOC_KEEP_SIZE | QUIRE_FALLOC_PUNCH_HOLE;
		struct quire_file *file = NULL;

		huge_set(&rig, 8, 0);
		CHECK_EQ(quire_memfd_create(rig.q, "x", QUIRE_MFD_HUGETLB | QUIRE_MFD_ALLOW_SEALING,
					    &file),
			 0);
		CHECK_EQ(quire_file_truncate(file, 2 * huge), 0);
		at = (uint64_t)huge_map_file(&rig, mm, file, 1, QUIRE_MAP_SHARED);
		CHECK_EQ(process_write(mm, at, 1), 0);
		CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_WRITE), -QUIRE_EBUSY);
		CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_SHRINK | QUIRE_SEAL_GROW), 0);
		CHECK_EQ(quire_file_truncate(file, huge), -QUIRE_EPERM);
		CHECK_EQ(quire_file_truncate(file, 3 * huge), -QUIRE_EPERM);
		CHECK_EQ(quire_file_allocate(file, 0, 0, 3 * huge), -QUIRE_EPERM);
		CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_KEEP_SIZE, 0, 3 * huge),
			 -QUIRE_EPERM);
		CHECK_EQ(huge_unmap(mm, at, huge), 0);
		CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_WRITE), 0);
		CHECK_EQ(quire_file_allocate(file, punch, 0, huge), -QUIRE_EPERM);
		CHECK_EQ(huge_map_file(&rig, mm, file, 1, QUIRE_MAP_SHARED), -QUIRE_EPERM);
		CHECK(huge_map_file(&rig, mm, file, 1, QUIRE_MAP_PRIVATE) > 0);
		process_end(&rig, mm);
		quire_file_put(file);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

TEST_MAIN(CASE(memfd), CASE(memfd_mapped), CASE(memfd_private), CASE(seals))
