/* SPDX-License-Identifier: MIT */
/*
 * linux.h - the side of Linux: real processes of this host
 */
#ifndef JUDGE_LINUX_H
#define JUDGE_LINUX_H

#include "trace.h"

/** struct linux_side - the executor under control */
struct linux_side {
	const char *program; /* path of the executor */
	char folder[200];    /* of the stored file */
	struct wire *wire;
	int fd;  /* of the wire's memory */
	int pid; /* of the executor; 0: not started */
	struct origin origin;
};

/**
 * linux_start - start the executor
 * @side:    zeroed
 * @program: path of the executor
 *
 * Return: true; else why not was printed
 */
bool linux_start(struct linux_side *side, const char *program);

/** linux_ready - start it again if it has ended. Return: false if that can't be: it was printed */
bool linux_ready(struct linux_side *side);

/** linux_run - do an episode. Return: true; false if the executor ended badly: that was printed */
bool linux_run(struct linux_side *side, const struct episode *episode, struct trace *out);

/** linux_stop - end the executor, remove its files */
void linux_stop(struct linux_side *side);

#endif
