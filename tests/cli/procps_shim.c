/* SPDX-License-Identifier: MIT */
/*
 * procps_shim.c - shows a program another /proc
 *
 * procps has no option for it. Preloaded (LD_PRELOAD), this library answers what is
 * opened below /proc and /sys with the file of the same name below $PROCPS_ROOT;
 * what is not there does not exist: the program sees nothing of the real machine.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *redirect(const char *path, char *buffer, size_t size)
{
	const char *root = getenv("PROCPS_ROOT");

	if (!root || (strncmp(path, "/proc/", 6) != 0 && strncmp(path, "/sys/", 5) != 0))
		return path;
	snprintf(buffer, size, "%s%s", root, path);
	return buffer;
}

/* dlsym's pointer to an object becomes one to a function as POSIX says to do it. */
#define REAL(function, name)        \
	__typeof__(&function) real; \
	*(void **)&real = dlsym(RTLD_NEXT, name)

static int open_as(const char *name, const char *path, int flags, mode_t mode)
{
	REAL(open, name);
	char buffer[4096];

	return real(redirect(path, buffer, sizeof(buffer)), flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_as("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_as("open64", path, flags, mode);
}

static FILE *fopen_as(const char *name, const char *path, const char *mode)
{
	REAL(fopen, name);
	char buffer[4096];

	return real(redirect(path, buffer, sizeof(buffer)), mode);
}

FILE *fopen(const char *path, const char *mode)
{
	return fopen_as("fopen", path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
	return fopen_as("fopen64", path, mode);
}

DIR *opendir(const char *path)
{
	REAL(opendir, "opendir");
	char buffer[4096];

	return real(redirect(path, buffer, sizeof(buffer)));
}

int stat(const char *path, struct stat *out)
{
	REAL(stat, "stat");
	char buffer[4096];

	return real(redirect(path, buffer, sizeof(buffer)), out);
}
