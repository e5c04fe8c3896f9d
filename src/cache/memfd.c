/* SPDX-License-Identifier: MIT */
/*
 * memfd.c - files of memory without a name, and seals
 *
 * Which seals there are is read under M where an area is to be mapped, under R where the file is to
 * be changed. So both are held where they change.
 *
 * Source: memfd_create(2), fcntl(2)
 */
#include "cache/cache.h"
#include "cache/file.h"
#include "cache/hugefile.h"
#include "core/string.h"

#define SEALS_ALL 0x3fu
#define MFD_ALL 0x1fu
/* log2 of the huge pages' size; 0: the usual one. */
#define MFD_HUGE_SHIFT 26
#define MFD_HUGE_SIZE (0x3fu << MFD_HUGE_SHIFT)
#define NAME_MAX_BYTES 249

static int create(struct quire *q, unsigned flags, struct quire_inode **out)
{
	const struct quire_inode_args args = { .store = NULL };
	unsigned shift = flags >> MFD_HUGE_SHIFT;

	if (!(flags & QUIRE_MFD_HUGETLB))
		return quire_inode_create(q, &args, out);
	if (shift && shift != hugepool_order(q) + QUIRE_PAGE_SHIFT)
		return -QUIRE_ENODEV;
	return hugefile_create(q, &args, out);
}

int quire_memfd_create(struct quire *q, const char *name, unsigned flags, struct quire_file **out)
{
	unsigned known = MFD_ALL | (flags & QUIRE_MFD_HUGETLB ? MFD_HUGE_SIZE : 0);
	struct quire_inode *inode;
	char text[sizeof("/memfd: (deleted)") + NAME_MAX_BYTES] = "/memfd:";
	size_t at = 7, n = 0;

	while (n <= NAME_MAX_BYTES && name[n])
		n++;
	if (flags & ~known || n > NAME_MAX_BYTES ||
	    (flags & QUIRE_MFD_EXEC && flags & QUIRE_MFD_NOEXEC_SEAL))
		return -QUIRE_EINVAL;
	memcpy(text + at, name, n);
	memcpy(text + at + n, " (deleted)", sizeof(" (deleted)"));
	int error = create(q, flags, &inode);

	if (error)
		return error;
	inode->executable = !(flags & QUIRE_MFD_NOEXEC_SEAL);
	relaxed_store(&inode->seals, flags & QUIRE_MFD_NOEXEC_SEAL     ? QUIRE_SEAL_EXEC
				     : flags & QUIRE_MFD_ALLOW_SEALING ? 0
								       : QUIRE_SEAL_SEAL);
	error = quire_file_open(inode, QUIRE_FILE_READ | QUIRE_FILE_WRITE, text, out);
	quire_inode_put(inode);
	return error;
}

/* Locks: R and M for writing */
static int seal(struct quire_inode *inode, unsigned seals)
{
	uint32_t now = relaxed_load(&inode->seals);

	if (now & QUIRE_SEAL_SEAL)
		return -QUIRE_EPERM;
	if (seals & QUIRE_SEAL_WRITE && !(now & QUIRE_SEAL_WRITE) && inode->nr_writable)
		return -QUIRE_EBUSY;
	/* What may be executed for good may not change. */
	if (seals & QUIRE_SEAL_EXEC && inode->executable)
		seals |= QUIRE_SEAL_SHRINK | QUIRE_SEAL_GROW | QUIRE_SEAL_WRITE |
			 QUIRE_SEAL_FUTURE_WRITE;
	relaxed_store(&inode->seals, now | seals);
	return 0;
}

int quire_file_seal(struct quire_file *file, unsigned seals)
{
	struct quire_inode *inode = file->inode;
	void *host = inode->q->config.host;

	if (!(file->mode & QUIRE_FILE_WRITE))
		return -QUIRE_EPERM;
	if (seals & ~SEALS_ALL || inode->store)
		return -QUIRE_EINVAL;
	sem_write(&inode->rw, host);
	sem_write(&inode->maps_lock, host);
	int error = seal(inode, seals);

	sem_write_drop(&inode->maps_lock, host);
	sem_write_drop(&inode->rw, host);
	return error;
}

int quire_file_seals(const struct quire_file *file)
{
	return file->inode->store ? -QUIRE_EINVAL : (int)relaxed_load(&file->inode->seals);
}
