/* SPDX-License-Identifier: MIT */
/*
 * table.h - the subcommands and the options: parsing, help, completion
 */
#ifndef QUIRE_CLI_TABLE_H
#define QUIRE_CLI_TABLE_H

#include "cli.h"

/* Groups of options; a subcommand takes some of them. */
#define OPTIONS_MACHINE 0x01u
#define OPTIONS_SCRIPT 0x02u
#define OPTIONS_JSON 0x04u
#define OPTIONS_LENIENT 0x08u
#define OPTIONS_SVG 0x10u
#define OPTIONS_DIR 0x20u

/** struct cli_option - one option */
struct cli_option {
	const char *name;  /* without its -- */
	const char *value; /* "FILE", "SIZE" …; NULL: it has none */
	const char *about; /* one line */
	unsigned group;    /* OPTIONS_… */
	size_t field;      /* where in struct cli: a text, a bool, or the list of reservations */
};

/** struct cli_command - one subcommand */
struct cli_command {
	const char *name;
	const char *synopsis; /* its operands */
	const char *about;    /* one line */
	const char *help;     /* more lines, 80 columns wide at most */
	unsigned options;     /* groups that it takes */
	int min, max;         /* operands; max -1: any number */
	int (*run)(struct cli *cli, int argc, char **argv);
};

/** cli_command_list - the i-th subcommand. Return: NULL after the last */
const struct cli_command *cli_command_list(size_t i);

/** cli_command_find - the subcommand of that name. Return: NULL if there is none */
const struct cli_command *cli_command_find(const char *name);

/** cli_option_list - the i-th option. Return: NULL after the last */
const struct cli_option *cli_option_list(size_t i);

/**
 * cli_main - do a whole command line
 * @cli:  a fresh run, its sinks set
 * @argc: as main's
 * @argv: likewise; options are taken out of it
 *
 * Return: exit status
 */
int cli_main(struct cli *cli, int argc, char **argv);

#endif
