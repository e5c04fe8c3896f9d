/* SPDX-License-Identifier: MIT */
/*
 * command.h - the table of commands
 *
 * One table gives parsing, help and completion. The handlers stand by subject
 * in command_machine.c, _page.c, _expect.c and _show.c. A handler takes its
 * arguments from lab->words.
 */
#ifndef QUIRE_LAB_COMMAND_H
#define QUIRE_LAB_COMMAND_H

#include "session.h"

/** struct lab_form - what may follow a command's name: one of several forms */
struct lab_form {
	const char *name;     /* NULL ends a list */
	const char *synopsis; /* what follows the name */
	const char *about;    /* one line */
	enum lab_status (*run)(struct lab *lab); /* NULL: the command itself reads it */
};

/* What a command needs. */
#define COMMAND_ZONES 0x1u  /* a booted machine: boots it */
#define COMMAND_BEFORE 0x2u /* a machine that is not booted yet */
#define COMMAND_MAKES 0x4u  /* can stand behind NAME = */

/** struct lab_command - one command */
struct lab_command {
	const char *name;
	const char *synopsis; /* what follows the name; one line each */
	const char *about;    /* one line */
	const char *help;     /* more lines, or NULL */
	const struct lab_form *forms; /* NULL, or what may follow */
	unsigned flags;
	/* @target: the NAME of NAME = …; NULL if there is none */
	enum lab_status (*run)(struct lab *lab, const char *target);
};

/** command_list - the i-th command. Return: NULL after the last */
const struct lab_command *command_list(size_t i);

/** command_find - the command of that name. Return: NULL if there is none */
const struct lab_command *command_find(const char *name);

/**
 * command_run - do the command that begins at the cursor of lab->words
 * @lab: the session
 *
 * Return: as lab_line
 */
enum lab_status command_run(struct lab *lab);

/** expect_number - compare with the number that comes next; @what names the thing in a message */
enum lab_status expect_number(struct lab *lab, const char *what, uint64_t is);

/** struct lab_number - a number that a script can expect by name */
struct lab_number {
	const char *name;
	uint64_t value;
};

/** expect_named - take the name of one of @numbers, and let @compare compare it */
enum lab_status expect_named(struct lab *lab, const struct lab_number *numbers, size_t nr,
			     enum lab_status (*compare)(struct lab *lab, const char *what,
							uint64_t is));

/** command_form - take the next word and do the form of that name */
enum lab_status command_form(struct lab *lab, const struct lab_form *forms, const char *what);

/* command_machine.c: describe it, boot it, turn its knobs */
enum lab_status command_machine(struct lab *lab, const char *target);
enum lab_status command_map(struct lab *lab, const char *target);
enum lab_status command_ram(struct lab *lab, const char *target);
enum lab_status command_reserve(struct lab *lab, const char *target);
enum lab_status command_release(struct lab *lab, const char *target);
enum lab_status command_boot(struct lab *lab, const char *target);
enum lab_status command_sysctl(struct lab *lab, const char *target);
enum lab_status command_migrate(struct lab *lab, const char *target);
enum lab_status command_isolate(struct lab *lab, const char *target);
extern const struct lab_form machine_forms[], sysctl_forms[];

/* command_page.c: blocks */
enum lab_status command_pages(struct lab *lab, const char *target);
enum lab_status command_exact(struct lab *lab, const char *target);
enum lab_status command_bulk(struct lab *lab, const char *target);
enum lab_status command_fill(struct lab *lab, const char *target);
enum lab_status command_free(struct lab *lab, const char *target);
enum lab_status command_get(struct lab *lab, const char *target);
enum lab_status command_put(struct lab *lab, const char *target);
enum lab_status command_split(struct lab *lab, const char *target);
enum lab_status command_drain(struct lab *lab, const char *target);

/* command_slab.c: the kernel heap */
enum lab_status command_slab(struct lab *lab, const char *target);
enum lab_status command_cache(struct lab *lab, const char *target);
enum lab_status command_uncache(struct lab *lab, const char *target);
enum lab_status command_kmalloc(struct lab *lab, const char *target);
enum lab_status command_kzalloc(struct lab *lab, const char *target);
enum lab_status command_objects(struct lab *lab, const char *target);
enum lab_status command_kfree(struct lab *lab, const char *target);
enum lab_status command_krealloc(struct lab *lab, const char *target);
enum lab_status command_poke(struct lab *lab, const char *target);
enum lab_status command_shrink(struct lab *lab, const char *target);

/* Its expectations: slab, ksize, phys, finding */
enum lab_status expect_slab(struct lab *lab);
enum lab_status expect_ksize(struct lab *lab);
enum lab_status expect_phys(struct lab *lab);
enum lab_status expect_finding(struct lab *lab);

struct quire_cache;

/** args_drawn_cache - draw slab CACHE: the cache, of a heap that is set up now if it was not */
enum lab_status args_drawn_cache(struct lab *lab, struct quire_cache **out);

/** expect_text - the same for words; capitals don't matter */
enum lab_status expect_text(struct lab *lab, const char *what, const char *is);

/* command_table.c: page tables; command_walk.c: what they say */
enum lab_status command_table(struct lab *lab, const char *target);
enum lab_status command_walk(struct lab *lab, const char *target);
enum lab_status expect_walk(struct lab *lab);
enum lab_status expect_fault(struct lab *lab);
enum lab_status expect_table(struct lab *lab);
extern const struct lab_form table_forms[];

/** table_named - the table of that name. Return: NULL if there is none */
struct quire_table *table_named(struct lab *lab, const char *name);

/**
 * table_seen - the same, or a process's, which is not to be changed. Return: NULL if there is none
 */
struct quire_table *table_seen(struct lab *lab, const char *name);

/** table_current - the table that this processor uses; the kernel's is loaded if it had none */
enum lab_status table_current(struct lab *lab, struct quire_table **out);

struct quire_walk;

/**
 * args_drawn_walk - an address and its way, for a picture. Words as of walk; those behind are left
 */
enum lab_status args_drawn_walk(struct lab *lab, struct quire_walk *out, quire_virt_t *at);

/**
 * walk_spare - refuse to write what the library itself keeps in frames
 * @lab: the session; its processor has a table loaded
 * @at:  first byte
 * @n:   bytes
 *
 * A kernel that overwrites its page tables or its heap's slabs is lost, and so is this program.
 *
 * Return: LAB_OK; LAB_FAILED if one of the frames is the library's
 */
enum lab_status walk_spare(struct lab *lab, quire_virt_t at, size_t n);

/* command_expect.c */
enum lab_status command_expect(struct lab *lab, const char *target);
extern const struct lab_form expect_forms[];

/* command_show.c: what one sees */
enum lab_status command_say(struct lab *lab, const char *target);
enum lab_status command_cat(struct lab *lab, const char *target);
enum lab_status command_draw(struct lab *lab, const char *target);
enum lab_status command_explain(struct lab *lab, const char *target);
enum lab_status command_show(struct lab *lab, const char *target);
enum lab_status command_check(struct lab *lab, const char *target);
enum lab_status command_hash(struct lab *lab, const char *target);
enum lab_status command_json(struct lab *lab, const char *target);
enum lab_status command_help(struct lab *lab, const char *target);
enum lab_status command_quit(struct lab *lab, const char *target);

#endif
