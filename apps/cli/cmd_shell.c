/* SPDX-License-Identifier: MIT */
/*
 * cmd_shell.c - quire shell: the script language, line by line
 *
 * On a terminal libedit reads the line, with history and with completion from the
 * language's table. From a pipe or a file the lines are read as they are.
 */
#include <editline/readline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "script.h"

/* libedit asks for completions through a function without an argument of ours. */
static struct lab *completed;

static char *next_completion(const char *word, int again)
{
	static size_t i;
	const char *found;
	char *line;

	(void)word;
	if (!again)
		i = 0;
	line = strndup(rl_line_buffer, (size_t)rl_point);
	if (!line)
		return NULL;
	found = lab_complete(completed, line, i++);
	free(line);
	return found ? strdup(found) : NULL;
}

static char **complete(const char *word, int start, int end)
{
	(void)start;
	(void)end;
	rl_attempted_completion_over = 1; /* no file names instead */
	return rl_completion_matches(word, next_completion);
}

static void on_terminal(struct cli *cli)
{
	char *line = NULL;

	completed = cli->lab;
	rl_readline_name = "quire";
	rl_attempted_completion_function = complete;
	quire_format(&cli->talk,
		     "quire " QUIRE_VERSION ": `help` lists the commands, `quit` ends.\n");
	do {
		free(line);
		cli_flush(cli);
		line = readline("quire> ");
		if (!line)
			break;
		if (*line)
			add_history(line);
		if (lab_line(cli->lab, line, strlen(line)))
			cli_error(cli, "%s", lab_message(cli->lab));
	} while (!lab_ended(cli->lab));
	if (!line)
		quire_format(&cli->talk, "\n");
	free(line);
}

static int from_stream(struct cli *cli)
{
	unsigned long number = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int worst = CLI_OK;

	while (!lab_ended(cli->lab) && (length = getline(&line, &room, stdin)) >= 0) {
		enum lab_status status;

		number++;
		if (length && line[length - 1] == '\n')
			line[--length] = 0;
		status = lab_line(cli->lab, line, (size_t)length);
		if (!status)
			continue;
		cli_error(cli, "stdin:%lu: %s", number, lab_message(cli->lab));
		if ((int)status > worst)
			worst = (int)status;
	}
	if (ferror(stdin)) {
		cli_error(cli, "stdin: can't be read");
		worst = CLI_FILE;
	}
	free(line);
	return worst;
}

int cmd_shell(struct cli *cli, int argc, char **argv)
{
	int status = cli_session(cli);

	(void)argc;
	(void)argv;
	if (!status && cli->script)
		status = cli_script(cli, cli->script);
	if (status)
		return status;
	if (!isatty(STDIN_FILENO))
		return from_stream(cli);
	on_terminal(cli);
	return CLI_OK;
}
