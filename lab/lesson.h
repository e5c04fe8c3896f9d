/* SPDX-License-Identifier: MIT */
/*
 * lesson.h - run one script and tell in one line what came of it
 *
 * The line is the same on all hosts: name, status, hash of the machine's state, hash of
 * the results. By it hosts are compared.
 */
#ifndef LAB_LESSON_H
#define LAB_LESSON_H

#include "script.h"

/**
 * lab_lesson - run one script in a session of its own
 * @host:  with read, done, set_cpu, port and ctx; what it says and shows goes nowhere
 * @name:  of the file
 * @print: gets the line, and a second one with the message if the script fails
 *
 * Return: the script's status
 */
enum lab_status lab_lesson(const struct lab_host *host, const char *name,
			   const struct quire_sink *print);

#endif
