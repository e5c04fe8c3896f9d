/* SPDX-License-Identifier: MIT */
/*
 * test_directory.c - real files through the machine's page cache
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"

#define PAGE QUIRE_PAGE_SIZE
#define RW (QUIRE_FILE_READ | QUIRE_FILE_WRITE)

static struct files f;
static struct quire_hosted_directory dir;
static char root[64], path[128];

static const char *in_root(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static bool start(enum quire_machine machine, uint64_t bytes)
{
	strcpy(root, "/tmp/quire-directory-XXXXXX");
	if (!mkdtemp(root) || !files_start_on(&f, machine, bytes))
		return false;
	int error = quire_hosted_directory_open(&dir, f.q, root);

	CHECK_EQ(error, 0);
	return !error;
}

static void end(void)
{
	quire_hosted_directory_close(&dir);
	rig_end(&f.rig);
	CHECK_EQ(rmdir(root), 0);
}

/* What the host sees of a file. Return: bytes */
static ssize_t host_sees(const char *name, char *buf, size_t n, off_t at)
{
	int fd = open(in_root(name), O_RDONLY);
	ssize_t got = pread(fd, buf, n, at);

	close(fd);
	return got;
}

static void round_trip(enum quire_machine machine, uint64_t bytes)
{
	static char buf[100 * PAGE], back[100 * PAGE];
	struct quire_file *file = NULL, *again = NULL;
	struct stat st;
	size_t done;

	if (!start(machine, bytes))
		return;
	CHECK_EQ(quire_hosted_file_open(&dir, "a", RW, &file), -ENOENT);
	CHECK_EQ(quire_hosted_file_open(&dir, "a", RW | QUIRE_HOSTED_CREATE, &file), 0);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i / 13);
	CHECK_EQ(quire_file_write(file, 10, buf, 99 * PAGE, &done), 0);
	CHECK_EQ(done, 99 * PAGE);
	CHECK_EQ(host_sees("a", back, sizeof(back), 0), 99 * PAGE + 10);
	CHECK(!back[PAGE * 5]);
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	CHECK_EQ(host_sees("a", back, sizeof(back), 0), 99 * PAGE + 10);
	CHECK(!memcmp(back + 10, buf, 99 * PAGE) && !back[9]);
	/* Opened again it is the same inode, under another name too. */
	strcpy(back, in_root("b"));
	CHECK_EQ(link(in_root("a"), back), 0);
	CHECK_EQ(quire_hosted_file_open(&dir, "/../b", QUIRE_FILE_READ, &again), 0);
	CHECK(quire_file_inode(again) == quire_file_inode(file));
	quire_file_put(again);
	quire_pagecache_drop(f.q);
	memset(back, 1, sizeof(back));
	CHECK_EQ(quire_file_read(file, 10, back, sizeof(back), &done), 0);
	CHECK(done == 99 * PAGE && !memcmp(back, buf, done));
	CHECK_EQ(quire_file_truncate(file, 3 * PAGE + 5), 0);
	stat(in_root("a"), &st);
	CHECK_EQ(st.st_size, 3 * PAGE + 5);
	int error = quire_file_allocate(file, 3, PAGE, PAGE);
	CHECK(!error || error == -QUIRE_EOPNOTSUPP);
	if (!error) {
		host_sees("a", back, PAGE, PAGE);
		CHECK(!back[0] && !back[PAGE - 1]);
	}
	CHECK_EQ(quire_hosted_file_open(&dir, "b", RW | QUIRE_HOSTED_TRUNCATE, &again), 0);
	CHECK_EQ(files_info(file).bytes, 0);
	CHECK_EQ(files_info(file).ino, st.st_ino);
	quire_file_put(again);
	quire_file_put(file);
	CHECK_EQ(unlink(in_root("a")) + unlink(in_root("b")), 0);
	end();
}

TEST(round_trips)
{
	round_trip(QUIRE_X86_64, MB(32));
	round_trip(QUIRE_I386, MB(1024));
}

TEST(refused)
{
	struct quire_file *file = NULL;

	if (!start(QUIRE_X86_64, MB(32)))
		return;
	CHECK_EQ(quire_hosted_file_open(&dir, ".", QUIRE_FILE_READ, &file), -EISDIR);
	CHECK_EQ(symlink("/etc/passwd", in_root("out")), 0);
	CHECK_EQ(quire_hosted_file_open(&dir, "out", QUIRE_FILE_READ, &file), -ENOENT);
	CHECK_EQ(quire_hosted_file_open(&dir, "../../etc/passwd", QUIRE_FILE_READ, &file), -ENOENT);
	CHECK_EQ(mkfifo(in_root("pipe"), 0600), 0);
	CHECK_EQ(quire_hosted_file_open(&dir, "pipe", RW, &file), -EACCES);
	CHECK_EQ(unlink(in_root("out")) + unlink(in_root("pipe")), 0);
	struct quire_hosted_directory none;
	CHECK_EQ(quire_hosted_directory_open(&none, f.q, in_root("none")), -ENOENT);
	end();
}

/* A machine that is gone leaves no file open. */
TEST(closed)
{
	struct quire_file *file = NULL;
	size_t done;

	for (int i = 0; i < 2; i++) {
		if (!start(QUIRE_X86_64, MB(32)))
			return;
		int before = dup(0);
		close(before);
		CHECK_EQ(quire_hosted_file_open(&dir, "a", RW | QUIRE_HOSTED_CREATE, &file), 0);
		CHECK_EQ(quire_file_write(file, 0, "x", 1, &done), 0);
		quire_file_put(file);
		CHECK_EQ(unlink(in_root("a")), 0);
		end();
		int after = dup(0);
		CHECK_EQ(after, before - 1);
		close(after);
	}
}

TEST_MAIN(CASE(round_trips), CASE(refused), CASE(closed))
