/* SPDX-License-Identifier: MIT */
/*
 * command_process.h - commands and expectations of processes
 */
#ifndef QUIRE_LAB_COMMAND_PROCESS_H
#define QUIRE_LAB_COMMAND_PROCESS_H

#include "command_kspace.h"

struct quire_file;

/* For the table of commands (command.c): processes, in command_process.c … */
enum lab_status command_process(struct lab *lab, const char *target);
enum lab_status command_fork(struct lab *lab, const char *target);
enum lab_status command_exec(struct lab *lab, const char *target);
enum lab_status command_program(struct lab *lab, const char *target);
enum lab_status command_exit(struct lab *lab, const char *target);
enum lab_status command_rlimit(struct lab *lab, const char *target);
enum lab_status command_touch(struct lab *lab, const char *target);
enum lab_status command_store(struct lab *lab, const char *target);

/* … and their system calls, in command_mmap.c. */
enum lab_status command_mmap(struct lab *lab, const char *target);
enum lab_status command_munmap(struct lab *lab, const char *target);
enum lab_status command_mprotect(struct lab *lab, const char *target);
enum lab_status command_mremap(struct lab *lab, const char *target);
enum lab_status command_brk(struct lab *lab, const char *target);
enum lab_status command_madvise(struct lab *lab, const char *target);
enum lab_status command_mlock(struct lab *lab, const char *target);
enum lab_status command_munlock(struct lab *lab, const char *target);
enum lab_status command_mlockall(struct lab *lab, const char *target);
enum lab_status command_munlockall(struct lab *lab, const char *target);
enum lab_status command_msync(struct lab *lab, const char *target);
enum lab_status command_mseal(struct lab *lab, const char *target);

/* For the table of expectations (command_expect.c). */
enum lab_status expect_mm(struct lab *lab);
enum lab_status expect_area(struct lab *lab);
enum lab_status expect_load(struct lab *lab);
enum lab_status expect_mapcount(struct lab *lab);
enum lab_status expect_mincore(struct lab *lab);
enum lab_status expect_vm(struct lab *lab);

/* For sysctl (command_machine.c). */
enum lab_status sysctl_overcommit(struct lab *lab);
enum lab_status sysctl_map_count(struct lab *lab);
enum lab_status sysctl_min_addr(struct lab *lab);

struct lab_seen;

/**
 * args_drawn_space - one or two processes, for a picture. @seen: two of them. Words behind are left
 */
enum lab_status args_drawn_space(struct lab *lab, struct lab_seen *seen);

/**
 * process_cat - show a report of a process: /proc/P/maps
 * @lab:  the session
 * @path: as it was written
 * @done: set if it is a process's
 *
 * Return: LAB_OK; LAB_USAGE for a report that is not there
 */
enum lab_status process_cat(struct lab *lab, const char *path, bool *done);

#endif
