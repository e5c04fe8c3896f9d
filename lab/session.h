/* SPDX-License-Identifier: MIT */
/*
 * session.h - what a session holds, and what its commands share
 *
 * For the command files of the lab alone: a host includes script.h.
 */
#ifndef QUIRE_LAB_SESSION_H
#define QUIRE_LAB_SESSION_H

#include <quire/boot.h>
#include <quire/page.h>

#include "script.h"
#include "words.h"

/* The longest name of a block, with its 0. */
#define LAB_NAME_MAX 32

/** How the frames of a name were had, and so how they go back. */
enum lab_kind {
	LAB_BLOCK, /* pages: one block */
	LAB_EXACT, /* exact: contiguous, freed as one */
	LAB_MANY,  /* bulk, fill, split: each block on its own */
};

/** struct lab_held - one of many blocks */
struct lab_held {
	struct quire_page *page;
	bool freed;
};

/** struct lab_block - a name, and the frames it stands for */
struct lab_block {
	struct lab_block *next; /* the name told before this one */
	char name[LAB_NAME_MAX];
	enum lab_kind kind;
	unsigned order;          /* of the block, or of each of the many */
	bool freed;              /* not LAB_MANY */
	struct quire_page *page; /* not LAB_MANY: the first frame */
	size_t bytes;            /* LAB_EXACT: as asked */
	struct lab_held *many;   /* LAB_MANY */
	size_t nr;               /* of them */
	size_t room;             /* that the array has */
};

struct lab_area;
struct lab_debt;
struct lab_image;
struct lab_process;
struct lab_file;

/** struct lab_object - a name, and the heap's objects it stands for */
struct lab_object {
	struct lab_object *next;
	char name[LAB_NAME_MAX];
	void **p; /* nr of them; as they were given, freed or not */
	size_t nr;
};

/** struct lab_table - a name, and the process's page table it stands for */
struct lab_table {
	struct lab_table *next;
	char name[LAB_NAME_MAX];
	struct quire_table *table;
};

/** struct lab - a session */
struct lab {
	struct lab_host host;
	struct quire_config config; /* what the machine is or will be */
	struct quire *q;            /* NULL until it has memory */
	bool zones;                 /* it is booted */
	bool told;                  /* a machine command said what it is; else the map does */
	bool split;                 /* it said a split, too */
	struct quire_map_entry *ram; /* ranges for the machine to have before it is booted */
	size_t nr_ram, room_ram;
	unsigned cpu;               /* that commands run on */
	bool json;                  /* reports as JSON */
	bool ended;                 /* quit was said */
	struct lab_block *blocks;   /* the newest first */
	struct lab_area *areas;     /* likewise (command_kspace.c) */
	struct lab_table *tables;   /* likewise (command_table.c) */
	struct lab_debt **debts;    /* what goes back to a machine that stays (debt.c) */
	struct lab_process *processes; /* likewise (process.c) */
	struct lab_process *process;   /* that commands are about; NULL: there is none */
	struct lab_process *on;        /* that this line is about, if it says so */
	unsigned nr_processes;         /* there have been */
	struct lab_image *images;      /* program files (image.c), the newest first */
	unsigned nr_images;
	bool users;                    /* page cache and processes are set up */
	struct lab_file *files;     /* likewise (command_file.c) */
	struct lab_words words;     /* of the line being done */
	unsigned long line;         /* lines done since the machine began, this one too */
	bool heap;                  /* the kernel heap is set up */
	struct lab_object *objects; /* the newest first */
	uint32_t slab_debug;        /* QUIRE_SLAB_… of all caches */
	char slab_only[64];         /* caches that are debugged */
	char finding[32];           /* what the heap found last; "" if nothing */
	uint64_t finding_at;        /* at which byte */
	uint64_t nr_findings;
	char completion[64];        /* the word that lab_complete gave last, if it is made */
	char reason[64];            /* why a request was refused; "" if none was */
	char message[LAB_MESSAGE_MAX];
};

/**
 * session_fail - note what went wrong
 * @lab:    the session
 * @status: what kind of failure
 * @fmt:    the message
 *
 * Return: @status
 */
enum lab_status session_fail(struct lab *lab, enum lab_status status, const char *fmt, ...)
	QUIRE_PRINTF(3, 4);

/**
 * session_refuse - note that the machine refused a request
 * @lab:    the session
 * @reason: in the library's words; what `expect fail … = REASON` compares
 * @fmt:    the message; ": REASON" is put behind it
 *
 * Return: LAB_FAILED
 */
enum lab_status session_refuse(struct lab *lab, const char *reason, const char *fmt, ...)
	QUIRE_PRINTF(3, 4);

/** session_error - note a negative error of the library. Return: the status that fits it */
enum lab_status session_error(struct lab *lab, int error, const char *what);

/** session_memory - note that the host has no memory. Return: LAB_FILE */
enum lab_status session_memory(struct lab *lab);

/** session_echo - tell what was done, if the host wants to hear */
void session_echo(struct lab *lab, const char *fmt, ...) QUIRE_PRINTF(2, 3);

/** session_alloc - zeroed memory of the host's. Return: NULL if there is none */
void *session_alloc(struct lab *lab, size_t bytes);

/** session_free - give it back */
void session_free(struct lab *lab, void *p, size_t bytes);

/** session_host - quire_config.host of a machine that the session makes */
void *session_host(const struct lab *lab);
/**
 * session_grow - a larger array, with what is in the old one
 * @lab:  the session
 * @old:  the array, NULL if @room is 0; given back
 * @room: its length, which becomes the new one
 * @size: of an element, in bytes
 *
 * Return: the array; NULL without memory, and nothing has changed
 */
void *session_grow(struct lab *lab, void *old, size_t *room, size_t size);

/** session_borrows - is the machine the host's own, which goes on without the session? */
bool session_borrows(const struct lab *lab);

/** session_drop_ram - forget the ranges of lab->ram */
void session_drop_ram(struct lab *lab);

/** session_reset - forget the machine and all names */
void session_reset(struct lab *lab);

/** session_move - take over the machine of @other, which has no names and then no machine */
void session_move(struct lab *lab, struct lab *other);

/** session_cpu - run on processor @cpu from here on */
void session_cpu(struct lab *lab, unsigned cpu);

/** session_block - the block of that name. Return: NULL if there is none */
struct lab_block *session_block(struct lab *lab, const char *name);

/** session_is_name - can @name be a name? */
bool session_is_name(const char *name);

/**
 * session_name - a new, empty block of that name
 * @lab:  the session
 * @name: an old block of the same name is forgotten
 * @out:  the block, not yet in the session: session_keep or session_drop it
 *
 * Return: LAB_OK; LAB_USAGE if it can't be a name or still holds frames; LAB_FILE
 */
enum lab_status session_name(struct lab *lab, const char *name, struct lab_block **out);

/** session_keep - put a block into the session; an old one of its name goes */
void session_keep(struct lab *lab, struct lab_block *block);

/** session_drop - forget a block that was not kept, and give back its memory */
void session_drop(struct lab *lab, struct lab_block *block);

/** session_objects_reset - forget the names of objects, and the heap (command_slab.c) */
void session_objects_reset(struct lab *lab);

/** session_heap - set the kernel heap up if it isn't; in command_slab.c */
enum lab_status session_heap(struct lab *lab);

/** session_kernel - build the kernel's address space, unless that is done. Return: as lab_line */
enum lab_status session_kernel(struct lab *lab);

/** session_live - how many of a block's parts are not freed */
size_t session_live(const struct lab_block *block);

#endif
