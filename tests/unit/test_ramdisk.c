/* SPDX-License-Identifier: MIT */
/*
 * test_ramdisk.c - the kernel's reader of cpio archives, in a process
 *
 * Archives are made by tools/ramdisk. Of a damaged one the files before the damage are found,
 * and nothing beyond its end is read.
 */
#include "files.h"
#include "test.h"

#define ROOM 4096

/* The loader's memory is this process's. */
void *x86_direct(quire_phys_t at)
{
	return (void *)(uintptr_t)at.v;
}

static struct x86_boot boot_of(const char *name, const char *text, size_t length)
{
	struct x86_boot boot = { .nr_modules = 1 };

	boot.modules[0].start = (uintptr_t)text;
	boot.modules[0].end = (uintptr_t)text + length;
	snprintf(boot.modules[0].name, sizeof(boot.modules[0].name), "%s", name);
	return boot;
}

/* An archive of two files, in memory of just its length. */
static char *archive(size_t *length)
{
	char *text = malloc(ROOM);
	FILE *file;

	CHECK_EQ(system("d=$(mktemp -d) && r=$PWD && cd $d && printf 'one' >a.quire && mkdir m && "
			"printf 'second' >m/b && $r/tools/ramdisk $r/build/test_ramdisk.cpio "
			"a.quire m/b && rm -r $d"),
		 0);
	file = fopen("build/test_ramdisk.cpio", "rb");
	*length = file && text ? fread(text, 1, ROOM, file) : 0;
	if (file)
		fclose(file);
	CHECK(*length > 300 && *length < ROOM);
	return realloc(text, *length);
}

TEST(reads)
{
	size_t length;
	char *text = archive(&length);
	struct x86_boot boot = boot_of("disk", text, length);
	struct file file;

	CHECK(files_get(&boot, 0, &file));
	CHECK_STR(file.name, "a.quire");
	CHECK_EQ(file.length, 3);
	CHECK(!memcmp(file.text, "one", 3));
	CHECK(!file.alone);
	CHECK(files_get(&boot, 1, &file));
	CHECK_STR(file.name, "m/b");
	CHECK(!files_get(&boot, 2, &file));
	CHECK(files_find(&boot, "m/b", &file));
	CHECK_EQ(file.length, 6);
	CHECK(!memcmp(file.text, "second", 6));
	CHECK(!files_find(&boot, "m", &file));
	CHECK(!files_find(&boot, "TRAILER!!!", &file));
	free(text);
}

TEST(alone)
{
	struct x86_boot boot = boot_of("script", "say \"hi\"\n", 9);
	size_t length;
	char *text = archive(&length);
	struct file file;

	/* A script and an archive side by side. */
	boot.nr_modules = 2;
	boot.modules[1] = boot_of("disk", text, length).modules[0];
	CHECK(files_get(&boot, 0, &file));
	CHECK(file.alone);
	CHECK_STR(file.name, "script");
	CHECK_EQ(file.length, 9);
	CHECK(files_get(&boot, 2, &file));
	CHECK_STR(file.name, "m/b");
	CHECK(!files_get(&boot, 3, &file));
	boot.nr_modules = 0;
	CHECK(!files_get(&boot, 0, &file));
	free(text);
}

TEST(damaged)
{
	size_t length, nr = 0, two = 0;
	char *whole = archive(&length);
	struct file file;

	for (size_t cut = 0; cut < length; cut++) {
		char *text = malloc(cut + 1); /* the byte more is not told of */
		struct x86_boot boot = boot_of("disk", text, cut);

		memcpy(text, whole, cut);
		for (nr = 0; files_get(&boot, nr, &file); nr++)
			CHECK(file.alone || file.text + file.length <= text + cut);
		CHECK(nr <= 2);
		two += nr == 2;
		free(text);
	}
	CHECK(two > 0 && two < length);
	for (size_t at = 0; at < length; at++) {
		struct x86_boot boot = boot_of("disk", whole, length);
		char was = whole[at];

		whole[at] = (char)~was;
		for (nr = 0; nr < 10 && files_get(&boot, nr, &file); nr++)
			CHECK(file.alone || file.text + file.length <= whole + length);
		CHECK(nr < 10);
		whole[at] = was;
	}
	free(whole);
}

/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "files.c"

TEST_MAIN(CASE(reads), CASE(alone), CASE(damaged))
