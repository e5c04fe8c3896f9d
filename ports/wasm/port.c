/* SPDX-License-Identifier: MIT */
/*
 * port.c - port.h in WebAssembly, and a session that JavaScript can drive
 *
 * The processor is the one that the script has named; nothing interrupts it.
 * Frames have no contents here. Memory for the library's records comes from the
 * module's own linear memory: a list of free pieces sorted by address, which
 * neighbours join, and memory.grow when none is large enough. Text comes and
 * goes through the functions that the module imports as "quire"; run.mjs is the
 * other side of all this.
 */
#include <quire/error.h>
#include <quire/port.h>
#include <quire/quire.h>

#include "script.h"
#include "single.h"

#define IMPORT(name) __attribute__((import_module("quire"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

#define WASM_PAGE 65536u
#define ALIGN 64u

/* Imported: where text goes; stream 1 is for results, 2 for talk. */
IMPORT("write") void js_write(int stream, const char *text, size_t length);
/* Imported: the size of a file, negative if there is none. */
IMPORT("file_size") int js_file_size(const char *name, size_t length);
/* Imported: copy that file to @to. */
IMPORT("file_read") void js_file_read(const char *name, size_t length, char *to);
/* Imported: throws. */
IMPORT("panic") __attribute__((noreturn)) void js_panic(const char *text, size_t length);

/* The linker's name for where its own data ends. */
extern unsigned char __heap_base;

/* A free piece of linear memory, described at its beginning. */
struct piece {
	struct piece *next; /* the next one by address */
	size_t bytes;	    /* its size, a multiple of ALIGN */
};

static struct piece *pieces; /* free ones, by address */
static uintptr_t heap_end;   /* no memory beyond this has been looked at */
static uintptr_t clean;      /* from here on memory was never written: it is zero */

static size_t round_up(size_t bytes)
{
	return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* Memory up to @end is written now. */
static void use(uintptr_t end)
{
	if (end > clean)
		clean = end;
}

/* Put a piece into the list, joined with the neighbours it touches. */
static void give(uintptr_t start, size_t bytes)
{
	struct piece *piece = (struct piece *)start;
	struct piece *before = NULL, *after = pieces;

	while (after && after < piece) {
		before = after;
		after = after->next;
	}
	use(start + sizeof(*piece));
	piece->bytes = bytes;
	piece->next = after;
	if (after && start + bytes == (uintptr_t)after) {
		piece->bytes += after->bytes;
		piece->next = after->next;
	}
	if (!before) {
		pieces = piece;
	} else if ((uintptr_t)before + before->bytes == start) {
		before->bytes += piece->bytes;
		before->next = piece->next;
	} else {
		before->next = piece;
	}
}

/* Get more linear memory, at least @bytes in one piece. */
static bool grow(size_t bytes)
{
	if (!heap_end)
		heap_end = round_up((uintptr_t)&__heap_base);
	uintptr_t have = __builtin_wasm_memory_size(0) * (uintptr_t)WASM_PAGE;

	if (have - heap_end < bytes) {
		size_t pages = (bytes - (have - heap_end)) / WASM_PAGE + 1;
		if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX)
			return false;
		have += pages * WASM_PAGE;
	}
	give(heap_end, have - heap_end);
	heap_end = have;
	return true;
}

/* The first free piece that is large enough, cut to size; NULL if none is. */
static void *take(size_t bytes)
{
	for (struct piece **at = &pieces; *at; at = &(*at)->next) {
		struct piece *piece = *at;
		if (piece->bytes < bytes)
			continue;
		struct piece *rest = piece->next;
		if (piece->bytes > bytes) {
			rest = (struct piece *)((uintptr_t)piece + bytes);
			use((uintptr_t)(rest + 1));
			rest->bytes = piece->bytes - bytes;
			rest->next = piece->next;
		}
		*at = rest;
		return piece;
	}
	return NULL;
}

void *quire_port_alloc(void *host, quire_phys_t at, size_t bytes)
{
	(void)host;
	(void)at;
	if (bytes > SIZE_MAX - WASM_PAGE)
		return NULL;
	size_t size = round_up(bytes);
	void *p = take(size);

	if (!p && grow(size))
		p = take(size);
	if (!p)
		return NULL;
	uintptr_t start = (uintptr_t)p, end = start + size;
	if (start < clean)
		__builtin_memset(p, 0, (end < clean ? end : clean) - start);
	use(end);
	return p;
}

void quire_port_free(void *host, void *p, size_t bytes)
{
	(void)host;
	if (p && p == single.memory.direct)
		simulated_end(&single);
	if (p)
		give((uintptr_t)p, round_up(bytes));
}

void *quire_port_direct(void *host, uint64_t bytes)
{
	if (bytes > SIZE_MAX - WASM_PAGE)
		return NULL;
	void *p = quire_port_alloc(host, quire_phys(QUIRE_PORT_ANYWHERE), (size_t)bytes);

	if (p)
		simulated_begin(&single, host, p, bytes, NULL);
	return p;
}

void quire_port_panic(const char *rule, const char *text, const char *file, int line)
{
	char message[256];
	size_t length = quire_format_buffer(message, sizeof(message), "%s broken: %s (%s:%d)", rule,
					    text, file, line);

	js_panic(message, length < sizeof(message) ? length : sizeof(message) - 1);
}

/* ---- A session ---------------------------------------------------------- */

static struct lab *lab;

static size_t length_of(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

static void write_out(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	js_write(1, text, length);
}

static void write_talk(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	js_write(2, text, length);
}

static int read_file(void *ctx, const char *name, char **text, size_t *length, const char **why)
{
	(void)ctx;
	(void)why;
	size_t name_length = length_of(name);
	int size = js_file_size(name, name_length);

	if (size < 0)
		return -QUIRE_ENOENT;
	/* One byte more: an empty file is no empty allocation. */
	*text = quire_port_alloc(NULL, quire_phys(QUIRE_PORT_ANYWHERE), (size_t)size + 1);
	if (!*text)
		return -QUIRE_ENOMEM;
	*length = (size_t)size;
	js_file_read(name, name_length, *text);
	return 0;
}

static void done_file(void *ctx, char *text, size_t length)
{
	(void)ctx;
	quire_port_free(NULL, text, length + 1);
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	single_cpu = cpu;
}

/** room - exported: @bytes bytes where JavaScript can put text for run; 0 if there are none */
EXPORT("room") char *wasm_room(size_t bytes);
/** leave - exported: give back what room gave */
EXPORT("leave") void wasm_leave(char *p, size_t bytes);
/** begin - exported: end the session, begin one without a machine. Return: 0 or -QUIRE_ENOMEM */
EXPORT("begin") int wasm_begin(void);
/** run - exported: run a script. Return: enum lab_status; its message goes to talk */
EXPORT("run") int wasm_run(const char *text, size_t length);
/** hash - exported: quire_hash of the session's machine; 0 if it has none */
EXPORT("hash") uint64_t wasm_hash(void);

char *wasm_room(size_t bytes)
{
	return quire_port_alloc(NULL, quire_phys(QUIRE_PORT_ANYWHERE), bytes);
}

void wasm_leave(char *p, size_t bytes)
{
	quire_port_free(NULL, p, bytes);
}

int wasm_begin(void)
{
	const struct lab_host host = {
		.out = { .write = write_out },
		.talk = { .write = write_talk },
		.read = read_file,
		.done = done_file,
		.set_cpu = set_cpu,
	};

	lab_destroy(lab);
	lab = NULL;
	single_cpu = 0;
	return lab_create(&host, &lab);
}

int wasm_run(const char *text, size_t length)
{
	enum lab_status status = lab_text(lab, "script", text, length);

	if (status != LAB_OK) {
		const char *message = lab_message(lab);
		js_write(2, message, length_of(message));
		js_write(2, "\n", 1);
	}
	return status;
}

uint64_t wasm_hash(void)
{
	return lab && lab_quire(lab) ? quire_hash(lab_quire(lab)) : 0;
}
