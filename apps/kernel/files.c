/* SPDX-License-Identifier: MIT */
/*
 * files.c - the files of the ramdisk
 *
 * A cpio archive of the form newc is a sequence of: a header of 110 bytes, "070701" and
 * thirteen numbers of eight hexadecimal digits; the name with its 0; the contents; both padded
 * to four bytes. It ends with a file "TRAILER!!!".
 *
 * Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst
 */
#include "files.h"

#define HEADER_BYTES 110
#define FIELD_MODE 1
#define FIELD_SIZE 6
#define FIELD_NAME_SIZE 11

#define MODE_TYPE 0170000u
#define MODE_FILE 0100000u

static bool equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static bool is_archive(const char *text, size_t length)
{
	return length >= HEADER_BYTES && !__builtin_memcmp(text, "070701", 6);
}

/* The n-th number of a header. Return: false if it isn't one */
static bool field(const char *header, unsigned n, uint32_t *out)
{
	const char *digits = header + 6 + 8 * n;

	*out = 0;
	for (int i = 0; i < 8; i++) {
		char c = digits[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (uint32_t)((c | 32) - 'a') + 10;
		else
			return false;
		*out = *out << 4 | digit;
	}
	return true;
}

/* What an archive has at a place. Return: the place of the next; 0 at the end, or of damage */
static size_t entry_at(const char *archive, size_t length, size_t at, struct file *out,
		       bool *is_file)
{
	uint32_t mode, size, name_size;
	const char *header = archive + at;

	if (at > length || !is_archive(header, length - at) || !field(header, FIELD_MODE, &mode) ||
	    !field(header, FIELD_SIZE, &size) || !field(header, FIELD_NAME_SIZE, &name_size))
		return 0;
	uint64_t text = ((uint64_t)at + HEADER_BYTES + name_size + 3) & ~(uint64_t)3;
	uint64_t next = (text + size + 3) & ~(uint64_t)3;
	if (!name_size || text + size > length || header[HEADER_BYTES + name_size - 1])
		return 0;
	out->name = header + HEADER_BYTES;
	out->text = archive + text;
	out->length = size;
	out->alone = false;
	*is_file = (mode & MODE_TYPE) == MODE_FILE;
	return equal(out->name, "TRAILER!!!") ? 0 : (size_t)next;
}

/* The i-th file of an archive; @i is counted down by those that it has. */
static bool archive_get(const char *archive, size_t length, size_t *i, struct file *out)
{
	bool is_file = false;
	size_t at = 0;

	while ((at = entry_at(archive, length, at, out, &is_file))) {
		if (is_file && (*i)-- == 0)
			return true;
	}
	return false;
}

bool files_get(const struct x86_boot *boot, size_t i, struct file *out)
{
	for (size_t k = 0; k < boot->nr_modules; k++) {
		const struct x86_module *m = &boot->modules[k];
		const char *text = x86_direct(quire_phys(m->start));
		size_t length = (size_t)(m->end - m->start);

		if (is_archive(text, length)) {
			if (archive_get(text, length, &i, out))
				return true;
		} else if (i-- == 0) {
			*out = (struct file){ m->name, text, length, true };
			return true;
		}
	}
	return false;
}

bool files_find(const struct x86_boot *boot, const char *name, struct file *out)
{
	for (size_t i = 0; files_get(boot, i, out); i++) {
		if (equal(out->name, name))
			return true;
	}
	return false;
}
