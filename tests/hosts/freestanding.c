/* SPDX-License-Identifier: MIT */
/*
 * freestanding.c - the lessons' hashes without a C library, i386 and x86-64
 *
 * A small kernel in the shape of a static program: entry point, port and files are made of
 * six system calls. Library and lab are linked with -nostdlib, so what
 * they need beyond port.h would not link.
 */
#include <quire/error.h>
#include <quire/port.h>

#include "lesson.h"
#include "single.h"

#define MAP_RIGHTS 3     /* read, write */
#define MAP_FLAGS 0x4022 /* private, anonymous, not reserved */

#ifdef __x86_64__
enum { SYS_READ = 0, SYS_WRITE = 1, SYS_OPEN = 2, SYS_MMAP = 9, SYS_MUNMAP = 11, SYS_EXIT = 60 };

static long call(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

/* Zeros that take no memory before they are written; negative: none. */
static long map(size_t bytes)
{
	register long flags __asm__("r10") = MAP_FLAGS;
	register long file __asm__("r8") = -1;
	register long offset __asm__("r9") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(SYS_MMAP), "D"(0), "S"(bytes), "d"(MAP_RIGHTS), "r"(flags),
			   "r"(file), "r"(offset)
			 : "rcx", "r11", "memory");
	return result;
}

__asm__(".globl _start\n"
	"_start: mov %rsp, %rdi\n"
	"and $-16, %rsp\n"
	"call begin\n");
#else
enum { SYS_EXIT = 1, SYS_READ = 3, SYS_WRITE = 4, SYS_OPEN = 5, SYS_MUNMAP = 91, SYS_MMAP = 90 };

static long call(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

static long map(size_t bytes)
{
	const long args[] = { 0, (long)bytes, MAP_RIGHTS, MAP_FLAGS, -1, 0 };

	return call(SYS_MMAP, (long)args, 0, 0);
}

__asm__(".globl _start\n"
	"_start: mov %esp, %eax\n"
	"and $-16, %esp\n"
	"sub $12, %esp\n"
	"push %eax\n"
	"call begin\n");
#endif

/* The records of one session; taken from the bottom, all given back at once. */
static _Alignas(64) unsigned char arena[256u << 20];
static size_t arena_used;

void *quire_port_alloc(void *host, quire_phys_t at, size_t bytes)
{
	(void)host;
	(void)at;
	if (bytes > sizeof(arena) - arena_used - 63)
		return NULL;
	void *p = arena + arena_used;
	arena_used += (bytes + 63) & ~(size_t)63;
	return __builtin_memset(p, 0, bytes);
}

void quire_port_free(void *host, void *p, size_t bytes)
{
	(void)host;
	if (!p || p != single.memory.direct)
		return;
	simulated_end(&single);
	call(SYS_MUNMAP, (long)p, (long)bytes, 0);
}

void *quire_port_direct(void *host, uint64_t bytes)
{
	long at = bytes <= SIZE_MAX / 2 + 1 ? map((size_t)bytes) : -1;

	if (at < 0 && at > -4096)
		return NULL;
	simulated_begin(&single, host, (void *)at, bytes, NULL);
	return (void *)at;
}

static void print(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	call(SYS_WRITE, 1, (long)text, (long)length);
}

void quire_port_panic(const char *rule, const char *text, const char *file, int line)
{
	const struct quire_sink sink = { print, NULL };

	quire_format(&sink, "%s broken: %s (%s:%d)\n", rule, text, file, line);
	call(SYS_EXIT, 4, 0, 0);
	__builtin_unreachable();
}

/* What every C compiler may call. The library has its own, hidden; this is the lab's. */
void *memset(void *to, int c, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memset(void *to, int c, size_t n)
{
	for (unsigned char *p = to; n; n--)
		*p++ = (unsigned char)c;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *t = to;

	for (const unsigned char *f = from; n; n--)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if ((uintptr_t)t < (uintptr_t)f)
		return memcpy(to, from, n);
	while (n--)
		t[n] = f[n];
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

static int read_file(void *ctx, const char *name, char **text, size_t *length, const char **why)
{
	(void)ctx;
	(void)why;
	long fd = call(SYS_OPEN, (long)name, 0, 0), got;
	size_t room = 1 << 20;

	if (fd < 0)
		return -QUIRE_ENOENT;
	*text = quire_port_alloc(NULL, quire_phys(QUIRE_PORT_ANYWHERE), room);
	if (!*text)
		return -QUIRE_ENOMEM;
	for (*length = 0; (got = call(SYS_READ, fd, (long)(*text + *length),
				      (long)(room - *length))) > 0;)
		*length += (size_t)got;
	return *length < room ? 0 : -QUIRE_ENOMEM;
}

static void done_file(void *ctx, char *text, size_t length)
{
	(void)ctx;
	(void)text;
	(void)length;
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	single_cpu = cpu;
}

__attribute__((noreturn, used)) void begin(const long *stack);

/* @stack is what the system left there: argc, argv. */
void begin(const long *stack)
{
	const struct lab_host host = { .read = read_file, .done = done_file, .set_cpu = set_cpu };
	const struct quire_sink sink = { print, NULL };
	int worst = 0;

	for (long i = 1; i < stack[0]; i++) {
		arena_used = 0;
		single_cpu = 0;
		int status = (int)lab_lesson(&host, (const char *)stack[1 + i], &sink);
		worst = status > worst ? status : worst;
	}
	call(SYS_EXIT, worst, 0, 0);
	__builtin_unreachable();
}
