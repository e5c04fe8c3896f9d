/* SPDX-License-Identifier: MIT */
/*
 * command_huge.h - huge pages: their settings, khugepaged
 */
#ifndef QUIRE_LAB_COMMAND_HUGE_H
#define QUIRE_LAB_COMMAND_HUGE_H

#include "session.h"

enum lab_status command_khugepaged(struct lab *lab, const char *target);

/* For sysctl (command_machine.c): the files of /sys/kernel/mm/transparent_hugepage. */
enum lab_status sysctl_thp_enabled(struct lab *lab);
enum lab_status sysctl_thp_zero(struct lab *lab);
enum lab_status sysctl_thp_scan(struct lab *lab);
enum lab_status sysctl_thp_none(struct lab *lab);
enum lab_status sysctl_thp_shared(struct lab *lab);
/* The pool of huge pages. */
enum lab_status sysctl_huge(struct lab *lab);
enum lab_status sysctl_huge_overcommit(struct lab *lab);

#endif
