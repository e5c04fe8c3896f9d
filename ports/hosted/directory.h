/* SPDX-License-Identifier: MIT */
/*
 * directory.h - real files as stores: a directory of the host is the root of what a machine's
 * programs open
 *
 * Contents go between the host's files and the machine's frames without a copy between. A file that
 * is opened twice is one inode, so that all see the same pages. The host's programs see what has
 * been written back.
 */
#ifndef QUIRE_DIRECTORY_H
#define QUIRE_DIRECTORY_H

#include <quire/file.h>

#ifdef __cplusplus
extern "C" {
#endif

struct quire_hosted_file;

/** struct quire_hosted_directory - an open directory and the files that were opened in it */
struct quire_hosted_directory {
	struct quire *q;
	int fd;
	struct quire_hosted_file *files; /* newest first; each with a reference to its inode */
};

/**
 * quire_hosted_directory_open - make a directory the root
 * @dir:  filled in
 * @q:    a machine with a page cache, whose host is a struct quire_hosted
 * @path: of the directory
 *
 * Return: 0; a negative errno of open(2)
 */
int quire_hosted_directory_open(struct quire_hosted_directory *dir, struct quire *q,
				const char *path);

/**
 * quire_hosted_directory_close - know its files no more
 *
 * Those that are still open or mapped stay until they are put. Before the machine ends.
 */
void quire_hosted_directory_close(struct quire_hosted_directory *dir);

/* Also: make the file if there is none; with an empty one if there is. */
#define QUIRE_HOSTED_CREATE 0x100u
#define QUIRE_HOSTED_TRUNCATE 0x200u

/**
 * quire_hosted_file_open - open a file of the directory
 * @dir:  the root: neither ".." nor links lead out of it
 * @path: in it
 * @mode: QUIRE_FILE_… and QUIRE_HOSTED_…
 * @out:  with one reference; its name is @path
 *
 * Return: 0; a negative errno of open(2), -QUIRE_EACCES for what is no regular file; of
 *         quire_file_open
 */
int quire_hosted_file_open(struct quire_hosted_directory *dir, const char *path, unsigned mode,
			   struct quire_file **out);

#ifdef __cplusplus
}
#endif
#endif
