/* SPDX-License-Identifier: MIT */
/*
 * command_file.h - commands and expectations of files
 */
#ifndef QUIRE_LAB_COMMAND_FILE_H
#define QUIRE_LAB_COMMAND_FILE_H

#include "command.h"

/** file_reset - close all files and forget their names; before the machine ends */
void file_reset(struct lab *lab);

struct quire_file;

/** args_open_file - an open file by its name */
enum lab_status args_open_file(struct lab *lab, struct quire_file **out);

/* For the table of commands (command.c). */
enum lab_status command_file(struct lab *lab, const char *target);
enum lab_status command_close(struct lab *lab, const char *target);
enum lab_status command_fread(struct lab *lab, const char *target);
enum lab_status command_fwrite(struct lab *lab, const char *target);
enum lab_status command_truncate(struct lab *lab, const char *target);
enum lab_status command_punch(struct lab *lab, const char *target);
enum lab_status command_sync(struct lab *lab, const char *target);
enum lab_status command_drop_caches(struct lab *lab, const char *target);
enum lab_status command_fadvise(struct lab *lab, const char *target);
enum lab_status command_seal(struct lab *lab, const char *target);

/* For the table of expectations (command_expect.c). */
enum lab_status expect_file(struct lab *lab);
enum lab_status expect_fread(struct lab *lab);

#endif
