/* SPDX-License-Identifier: MIT */
/*
 * progress.c - the progress bar on standard error
 *
 * It is drawn over itself ten times a second at most, begins after one second, and is
 * wiped before anything else is said. Rate and time left are those of the whole
 * work so far.
 */
#include <stdio.h>
#include <time.h>

#include "cli.h"

#define SECOND 1000000000ull
#define CELLS 24

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void draw_cells(uint64_t done, uint64_t total)
{
	unsigned full = (unsigned)((double)done / (double)total * CELLS);

	fputc('[', stderr);
	for (unsigned i = 0; i < CELLS; i++)
		fputc(i < full ? '#' : '.', stderr);
	fputs("] ", stderr);
}

/* 12, 3.4k, 56.7M: never wider than six columns. */
static void draw_count(double n)
{
	static const char unit[] = " kMGT";
	unsigned u = 0;

	while (n >= 1000 && unit[u + 1]) {
		n /= 1000;
		u++;
	}
	if (u)
		fprintf(stderr, "%.1f%c", n, unit[u]);
	else
		fprintf(stderr, "%.0f", n);
}

void cli_progress(struct cli *cli, uint64_t done, uint64_t total)
{
	struct cli_progress *p = &cli->progress;
	uint64_t now;
	double rate;

	if (!cli->err_terminal)
		return;
	now = now_ns();
	if (!p->start_ns)
		p->start_ns = now;
	if (now - p->start_ns < SECOND || now - p->drawn_ns < SECOND / 10)
		return;
	p->drawn_ns = now;
	rate = (double)done * SECOND / (double)(now - p->start_ns);
	if (done > total)
		total = 0;
	fputs("\r\033[K", stderr);
	if (total) {
		draw_cells(done, total);
		fprintf(stderr, "%3.0f%% ", (double)done * 100 / (double)total);
	} else {
		draw_count((double)done);
		fputc(' ', stderr);
	}
	draw_count(rate);
	fprintf(stderr, " %s/s", p->unit ? p->unit : "");
	if (total && rate > 0)
		fprintf(stderr, ", %.0f s left", (double)(total - done) / rate);
	fflush(stderr);
}

void cli_progress_end(struct cli *cli)
{
	if (cli->progress.drawn_ns)
		fputs("\r\033[K", stderr);
	cli->progress.drawn_ns = cli->progress.start_ns = 0;
}
