/* SPDX-License-Identifier: MIT */
/*
 * process.h - the session's processes, by name
 *
 * For the command files of the lab alone.
 */
#ifndef LAB_PROCESS_H
#define LAB_PROCESS_H

#include <quire/exec.h>

#include "session.h"

/** struct lab_process - a name, and the address space it stands for */
struct lab_process {
	struct lab_process *next; /* the one that came before this one */
	char name[LAB_NAME_MAX];
	unsigned pid;             /* 1, 2, … */
	struct quire_mm *mm;
	struct quire_mm_config config; /* exec inherits it */
	char command[LAB_NAME_MAX];    /* what exec started, shortened; "" before it */
};

/** process_boot - set page cache and processes up, unless that is done. Return: as lab_line */
enum lab_status process_boot(struct lab *lab);

/** process_find - the process of that name. Return: NULL if there is none */
struct lab_process *process_find(struct lab *lab, const char *name);

/** process_numbered - the process of that number. Return: NULL if there is none */
struct lab_process *process_numbered(struct lab *lab, unsigned pid);

/**
 * process_current - the process that a line is about
 * @lab: the session
 * @out: what `on P:` names, else the one that was made last other than by fork
 *
 * Return: LAB_OK; LAB_USAGE if there is none
 */
enum lab_status process_current(struct lab *lab, struct lab_process **out);

/**
 * process_room - have a record for a process to come
 * @lab:  the session
 * @name: the process's
 * @out:  the record; process_add or process_drop it
 *
 * Return: LAB_OK; LAB_USAGE if it can't be a name or is a process's already; LAB_FILE
 */
enum lab_status process_room(struct lab *lab, const char *name, struct lab_process **out);

/** process_add - a process has come to be. Its mm is set */
void process_add(struct lab *lab, struct lab_process *process);

/** process_drop - forget a record that was not added */
void process_drop(struct lab *lab, struct lab_process *process);

/** process_replace - a process has another address space; the old one ends */
void process_replace(struct lab *lab, struct lab_process *process, struct quire_mm *mm);

/** process_exit - a process ends */
void process_exit(struct lab *lab, struct lab_process *process);

/** process_reset - all of them end */
void process_reset(struct lab *lab);

#endif
