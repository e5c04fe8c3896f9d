/* SPDX-License-Identifier: MIT */
/*
 * session.c - a session's life: machine, names, messages
 *
 * All memory is the host's; a session that runs out of it says so
 * and is as before.
 */
#include "session.h"

#include <quire/layout.h>
#include <quire/pgtable.h>
#include <quire/port.h>

#include "command_file.h"
#include "command_kspace.h"
#include "debt.h"
#include "image.h"
#include "process.h"
#include "text.h"

/* Elements of an array when it is first made. */
#define ROOM_FIRST 64

/* A sink that keeps what fits. */
struct keeper {
	char *text;
	size_t size, used;
};

static void keep_write(void *ctx, const char *text, size_t length)
{
	struct keeper *k = ctx;

	for (size_t i = 0; i < length && k->used + 1 < k->size; i++)
		k->text[k->used++] = text[i];
	k->text[k->used] = 0;
}

static void note(struct lab *lab, const char *fmt, va_list args)
{
	struct keeper keeper = { lab->message, sizeof(lab->message), 0 };
	struct quire_sink sink = { keep_write, &keeper };

	lab->message[0] = 0;
	quire_vformat(&sink, fmt, args);
}

enum lab_status session_fail(struct lab *lab, enum lab_status status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note(lab, fmt, args);
	va_end(args);
	return status;
}

enum lab_status session_refuse(struct lab *lab, const char *reason, const char *fmt, ...)
{
	size_t used;
	va_list args;

	va_start(args, fmt);
	note(lab, fmt, args);
	va_end(args);
	text_copy(lab->reason, sizeof(lab->reason), reason);
	used = text_length(lab->message);
	quire_format_buffer(lab->message + used, sizeof(lab->message) - used, ": %s", reason);
	return LAB_FAILED;
}

enum lab_status session_memory(struct lab *lab)
{
	return session_fail(lab, LAB_FILE, "the host has no memory");
}

enum lab_status session_error(struct lab *lab, int error, const char *what)
{
	if (error == -QUIRE_ENOMEM)
		return session_fail(lab, LAB_FILE, "%s: the host has no memory", what);
	return session_refuse(lab, quire_error_name(error), "%s", what);
}

void session_echo(struct lab *lab, const char *fmt, ...)
{
	va_list args;

	if (!lab->host.echo)
		return;
	va_start(args, fmt);
	quire_vformat(&lab->host.talk, fmt, args);
	va_end(args);
	quire_format(&lab->host.talk, "\n");
}

void *session_alloc(struct lab *lab, size_t bytes)
{
	return quire_port_alloc(lab->host.port, quire_phys(QUIRE_PORT_ANYWHERE), bytes);
}

void session_free(struct lab *lab, void *p, size_t bytes)
{
	if (p)
		quire_port_free(lab->host.port, p, bytes);
}

void *session_host(const struct lab *lab)
{
	return lab->host.machines ? lab->host.machines : lab->host.port;
}

void *session_grow(struct lab *lab, void *old, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : ROOM_FIRST;
	const unsigned char *from = old;
	unsigned char *to;

	if (*room > SIZE_MAX / 2 / size)
		return NULL;
	to = session_alloc(lab, more * size);
	if (!to)
		return NULL;
	for (size_t i = 0; i < *room * size; i++)
		to[i] = from[i];
	session_free(lab, old, *room * size);
	*room = more;
	return to;
}

void session_drop_ram(struct lab *lab)
{
	session_free(lab, lab->ram, lab->room_ram * sizeof(*lab->ram));
	lab->ram = NULL;
	lab->nr_ram = lab->room_ram = 0;
}

void session_cpu(struct lab *lab, unsigned cpu)
{
	if (lab->cpu != cpu && lab->host.set_cpu)
		lab->host.set_cpu(lab->host.ctx, cpu);
	lab->cpu = cpu;
}

struct lab_block *session_block(struct lab *lab, const char *name)
{
	struct lab_block *block = lab->blocks;

	while (block && !text_equal(block->name, name))
		block = block->next;
	return block;
}

size_t session_live(const struct lab_block *block)
{
	size_t live = 0;

	if (block->kind != LAB_MANY)
		return !block->freed;
	for (size_t i = 0; i < block->nr; i++)
		live += !block->many[i].freed;
	return live;
}

bool session_is_name(const char *name)
{
	if (text_length(name) >= LAB_NAME_MAX)
		return false;
	for (size_t i = 0; name[i]; i++) {
		bool letter = (name[i] | 32) >= 'a' && (name[i] | 32) <= 'z';
		bool number = name[i] >= '0' && name[i] <= '9';
		if (!letter && name[i] != '_' && !(number && i > 0))
			return false;
	}
	return name[0] && !text_equal(name, "pfn");
}

enum lab_status session_name(struct lab *lab, const char *name, struct lab_block **out)
{
	struct lab_block *old = session_block(lab, name);

	if (!session_is_name(name))
		return session_fail(lab, LAB_USAGE, "'%s' can't be a name", name);
	if (old && session_live(old))
		return session_fail(lab, LAB_USAGE, "%s still holds frames: free it first", name);
	*out = session_alloc(lab, sizeof(**out));
	if (!*out)
		return session_memory(lab);
	text_copy((*out)->name, sizeof((*out)->name), name);
	return LAB_OK;
}

void session_drop(struct lab *lab, struct lab_block *block)
{
	session_free(lab, block->many, block->room * sizeof(*block->many));
	session_free(lab, block, sizeof(*block));
}

void session_keep(struct lab *lab, struct lab_block *block)
{
	struct lab_block **at = &lab->blocks;

	while (*at && !text_equal((*at)->name, block->name))
		at = &(*at)->next;
	if (*at) {
		struct lab_block *old = *at;
		*at = old->next;
		session_drop(lab, old);
	}
	block->next = lab->blocks;
	lab->blocks = block;
}

bool session_borrows(const struct lab *lab)
{
	return lab->q && lab->q == lab->host.machine;
}

void session_reset(struct lab *lab)
{
	bool ours = !session_borrows(lab);

	while (lab->blocks) {
		struct lab_block *block = lab->blocks;
		lab->blocks = block->next;
		session_drop(lab, block);
	}
	process_reset(lab);
	image_reset(lab);
	file_reset(lab);
	kspace_reset(lab);
	session_objects_reset(lab);
	while (lab->tables) {
		struct lab_table *table = lab->tables;
		lab->tables = table->next;
		if (!ours && quire_table_destroy(table->table) == -QUIRE_EBUSY) {
			/* The script has loaded it. */
			quire_table_load(quire_table_kernel(lab->q));
			quire_table_destroy(table->table);
		}
		session_free(lab, table, sizeof(*table));
	}
	debt_pay(lab);
	session_drop_ram(lab);
	if (ours)
		quire_destroy(lab->q);
	lab->q = NULL;
	quire_config_init(&lab->config, QUIRE_X86_64);
	lab->config.host = session_host(lab);
	lab->zones = lab->told = lab->split = false;
}

void session_move(struct lab *lab, struct lab *other)
{
	session_reset(lab);
	lab->config = other->config;
	lab->q = other->q;
	lab->told = other->told;
	lab->split = other->split;
	lab->ram = other->ram;
	lab->nr_ram = other->nr_ram;
	lab->room_ram = other->room_ram;
	other->q = NULL;
	other->ram = NULL;
	other->nr_ram = other->room_ram = 0;
}

enum lab_status session_kernel(struct lab *lab)
{
	/* The heap first: its findings are the session's. */
	enum lab_status status = session_heap(lab);

	if (status)
		return status;
	int error = quire_table_kernel(lab->q) ? 0 : quire_kernel_boot(lab->q);

	if (error == -QUIRE_EOPNOTSUPP)
		return session_fail(lab, LAB_FILE, "this host can't touch the machine's memory");
	return error ? session_error(lab, error, "the kernel's address space") : LAB_OK;
}

int lab_create(const struct lab_host *host, struct lab **out)
{
	struct lab *lab =
		quire_port_alloc(host->port, quire_phys(QUIRE_PORT_ANYWHERE), sizeof(*lab));

	if (!lab)
		return -QUIRE_ENOMEM;
	lab->host = *host;
	session_reset(lab);
	*out = lab;
	return 0;
}

void lab_destroy(struct lab *lab)
{
	if (!lab)
		return;
	session_cpu(lab, 0);
	session_reset(lab);
	session_free(lab, lab, sizeof(*lab));
}

struct quire *lab_quire(struct lab *lab)
{
	return lab->zones ? lab->q : NULL;
}

bool lab_ended(const struct lab *lab)
{
	return lab->ended;
}

const char *lab_message(const struct lab *lab)
{
	return lab->message;
}
