/* SPDX-License-Identifier: MIT */
/*
 * main.c - the `quire` command: standard streams and the exit status
 *
 * Standard output is buffered, standard error goes line by line; before talk goes out
 * the results before it do, so that on a terminal both stand in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "hosted.h"
#include "script.h"
#include "table.h"

#define COLUMNS_MIN 40
#define COLUMNS_MAX 400

static void write_out(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	fwrite(text, 1, length, stdout);
}

static void write_talk(void *ctx, const char *text, size_t length)
{
	struct cli *cli = ctx;

	cli_progress_end(cli);
	fflush(stdout);
	fwrite(text, 1, length, stderr);
}

static unsigned terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0)
		return 80;
	if (size.ws_col < COLUMNS_MIN)
		return COLUMNS_MIN;
	return size.ws_col > COLUMNS_MAX ? COLUMNS_MAX : size.ws_col;
}

int main(int argc, char **argv)
{
	const char *no_colour = getenv("NO_COLOR");
	bool colour = !no_colour || !*no_colour;
	struct cli cli = { .command = "" };
	int status, written;

	setvbuf(stderr, NULL, _IOLBF, 0);
	quire_hosted_panic(CLI_ASSERTION);
	cli.out = (struct quire_sink){ write_out, &cli };
	cli.talk = (struct quire_sink){ write_talk, &cli };
	cli.err_terminal = isatty(STDERR_FILENO);
	cli.out_colour = colour && isatty(STDOUT_FILENO);
	cli.err_colour = colour && cli.err_terminal;
	cli.columns = terminal_columns();

	status = cli_main(&cli, argc, argv);
	cli_progress_end(&cli);
	lab_destroy(cli.lab);
	quire_hosted_release(&cli.port);
	written = cli_flush(&cli);
	return status ? status : written;
}
