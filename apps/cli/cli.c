/* SPDX-License-Identifier: MIT */
/*
 * cli.c - messages, files, and the machine that the options describe
 *
 * The options are said to a session of the script language, so that there is
 * one way only in which a machine comes to be.
 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosted.h"
#include "script.h"

#define DEFAULT_RAM "1G"

static void error_line(struct cli *cli, const char *fmt, va_list args)
{
	cli_progress_end(cli);
	fflush(stdout);
	fputs(cli->err_colour ? "\033[1;31mquire:\033[0m " : "quire: ", stderr);
	quire_vformat(&cli->talk, fmt, args);
	fputs("\n", stderr);
}

void cli_error(struct cli *cli, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_line(cli, fmt, args);
	va_end(args);
}

int cli_usage(struct cli *cli, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_line(cli, fmt, args);
	va_end(args);
	return CLI_USAGE;
}

int cli_read_file(struct cli *cli, const char *name, char **text, size_t *length)
{
	char why[INPUT_WHY_MAX];

	if (input_all(name, text, length, why))
		return CLI_OK;
	cli_error(cli, "%s: %s", name, why);
	return CLI_FILE;
}

static int host_read(void *ctx, const char *name, char **text, size_t *length, const char **why)
{
	struct cli *cli = ctx;

	*why = cli->why;
	return input_all(name, text, length, cli->why) ? 0 : -QUIRE_EIO;
}

static void host_done(void *ctx, char *text, size_t length)
{
	(void)ctx;
	(void)length;
	free(text);
}

static void host_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	quire_hosted_cpu(cpu);
}

/* A line of script, made of words and of values of options, which become strings. */
struct line {
	char text[LAB_LINE_MAX];
	size_t used;
};

static void line_put(struct line *line, char c)
{
	if (line->used < sizeof(line->text))
		line->text[line->used++] = c;
}

static void line_word(struct line *line, const char *word)
{
	for (; *word; word++)
		line_put(line, *word);
}

static void line_option(struct line *line, const char *word, const char *value)
{
	if (!value)
		return;
	line_word(line, word);
	line_put(line, '"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			line_put(line, '\\');
		line_put(line, *value);
	}
	line_put(line, '"');
	line_put(line, ' ');
}

static int say(struct cli *cli, const struct line *line)
{
	enum lab_status status = lab_line(cli->lab, line->text, line->used);

	if (status)
		cli_error(cli, "%s", lab_message(cli->lab));
	return (int)status;
}

int cli_flush(struct cli *cli)
{
	int error = ferror(stdout) ? EIO : 0;

	errno = 0;
	if (fflush(stdout))
		error = errno;
	if (!error)
		return CLI_OK;
	if (error != EPIPE)
		cli_error(cli, "standard output: %s", strerror(error));
	clearerr(stdout);
	return CLI_FILE;
}

bool cli_machine_told(const struct cli *cli)
{
	return cli->machine || cli->map || cli->ram || cli->cpus || cli->split || cli->lowmem ||
	       cli->movable || cli->nr_reserve;
}

static int describe(struct cli *cli)
{
	struct line machine = { "", 0 }, map = { "", 0 };
	int status;

	if (cli->map && cli->ram)
		return cli_usage(cli, "--map and --ram exclude each other");
	line_word(&machine, "machine ");
	line_option(&machine, "", cli->machine);
	line_option(&machine, "split ", cli->split);
	line_option(&machine, "cpus ", cli->cpus);
	line_option(&machine, "lowmem ", cli->lowmem);
	line_option(&machine, "movable ", cli->movable);
	line_option(&machine, "ram ", cli->map ? NULL : cli->ram ? cli->ram : DEFAULT_RAM);
	/* A map that nothing is said about tells itself what machine it is of. */
	status = machine.used > strlen("machine ") ? say(cli, &machine) : CLI_OK;
	line_option(&map, "map ", cli->map);
	if (!status && cli->map)
		status = say(cli, &map);
	for (unsigned i = 0; !status && i < cli->nr_reserve; i++) {
		struct line reserve = { "", 0 };
		line_option(&reserve, "reserve ", cli->reserve[i]);
		status = say(cli, &reserve);
	}
	return status;
}

int cli_session(struct cli *cli)
{
	const struct lab_host host = {
		.port = &cli->port,
		.out = cli->out,
		.talk = cli->talk,
		.echo = cli->err_terminal && strcmp(cli->command, "shell") == 0,
		.colour = cli->out_colour,
		.columns = cli->columns,
		.read = host_read,
		.done = host_done,
		.set_cpu = host_cpu,
		.ctx = cli,
	};
	struct line json = { "json on", 7 };

	lab_destroy(cli->lab);
	cli->lab = NULL;
	if (lab_create(&host, &cli->lab)) {
		cli_error(cli, "the host has no memory");
		return CLI_FILE;
	}
	if (cli->json)
		say(cli, &json);
	return cli_machine_told(cli) ? describe(cli) : CLI_OK;
}

int cli_script(struct cli *cli, const char *name)
{
	size_t length = 0;
	char *text = NULL;
	int status = cli_read_file(cli, name, &text, &length);

	if (status)
		return status;
	status = (int)lab_text(cli->lab, strcmp(name, "-") == 0 ? "stdin" : name, text, length);
	free(text);
	if (status)
		cli_error(cli, "%s", lab_message(cli->lab));
	return status;
}

int cli_boot(struct cli *cli, struct quire **out)
{
	int status = cli_session(cli);

	if (status)
		return status;
	if (cli->script)
		status = cli_script(cli, cli->script);
	else if (!cli_machine_told(cli))
		status = describe(cli);
	if (status)
		return status;
	status = (int)lab_boot(cli->lab);
	if (status)
		cli_error(cli, "%s", lab_message(cli->lab));
	*out = lab_quire(cli->lab);
	return status;
}

int cli_line(struct cli *cli, const char *command, int argc, char **argv)
{
	char line[LAB_LINE_MAX];
	size_t used = (size_t)snprintf(line, sizeof(line), "%s", command);
	struct quire *q;
	int status;

	for (int i = 0; i < argc; i++) {
		/* One word is one word of the line. */
		if (!*argv[i] || strpbrk(argv[i], " \t\n\"#=") ||
		    used + strlen(argv[i]) + 2 > sizeof(line))
			return cli_usage(cli, "no such word: '%s'", argv[i]);
		line[used++] = ' ';
		memcpy(line + used, argv[i], strlen(argv[i]));
		used += strlen(argv[i]);
	}
	status = cli_boot(cli, &q);
	if (status)
		return status;
	status = (int)lab_line(cli->lab, line, used);
	if (status)
		cli_error(cli, "%s", lab_message(cli->lab));
	return status;
}
