/* SPDX-License-Identifier: MIT */
/*
 * cmd_help.c - quire help and quire completion, both from the table
 */
#include <quire/report.h>

#include <string.h>

#include "args.h"
#include "command.h"
#include "figure.h"
#include "script.h"
#include "table.h"

static void help_all(const struct quire_sink *out)
{
	const struct cli_command *c;

	quire_format(out, "quire - the memory manager of an operating system, to be looked at\n\n"
			  "Usage: quire COMMAND [OPTION...] [OPERAND...]\n\n");
	for (size_t i = 0; (c = cli_command_list(i)); i++)
		quire_format(out, "  %-11s %s\n", c->name, c->about);
	quire_format(
		out,
		"\n`quire help COMMAND` tells more, `quire --version` which Quire this is.\n"
		"Results go to standard output, talk and errors to standard error.\n\n"
		"Exit status: 0 fine; 1 an expectation or an invariant failed; 2 usage;\n"
		"3 a file can't be read or written, or no memory; 4 an assertion of the\n"
		     "core.\n");
}

static void help_options(const struct quire_sink *out, const struct cli_command *c)
{
	const struct cli_option *o;

	if (c->options)
		quire_format(out, "\nOptions:\n");
	for (size_t i = 0; (o = cli_option_list(i)); i++) {
		char left[32];

		if (!(o->group & c->options))
			continue;
		quire_format_buffer(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
				    o->value ? o->value : "");
		quire_format(out, "  %-20s %s\n", left, o->about);
	}
}

static void help_command(const struct quire_sink *out, const struct cli_command *c)
{
	quire_format(out, "Usage: quire %s%s%s%s\n\n%s\n", c->name,
		     c->options ? " [OPTION...]" : "", *c->synopsis ? " " : "", c->synopsis,
		     c->about);
	if (c->help)
		quire_format(out, "\n%s\n", c->help);
	help_options(out, c);
	if (c->run == cmd_proc) {
		quire_format(out, "\nReports:\n");
		for (size_t i = 0; quire_report_list(i); i++)
			quire_format(out, "  %-16s %s\n", quire_report_list(i)->name,
				     quire_report_list(i)->about);
	}
	if (c->run == cmd_draw) {
		quire_format(out, "\nViews:\n");
		for (size_t i = 0; lab_view_list(i); i++)
			quire_format(out, "  %-16s %s\n", lab_view_list(i)->name,
				     lab_view_list(i)->about);
	}
}

static int help_script(struct cli *cli, const char *name)
{
	struct lab_nearest near = { NULL, 0 };

	if (!lab_help(&cli->out, name))
		return CLI_OK;
	for (size_t i = 0; command_list(i); i++)
		nearest_try(&near, name, command_list(i)->name);
	if (near.word)
		return cli_usage(cli, "the script language has no '%s': did you mean '%s'?", name,
				 near.word);
	return cli_usage(cli, "the script language has no '%s'; see `quire help script`", name);
}

int cmd_help(struct cli *cli, int argc, char **argv)
{
	const struct cli_command *c = argc ? cli_command_find(argv[0]) : NULL;
	struct lab_nearest near = { NULL, 0 };

	if (argc && strcmp(argv[0], "script") == 0)
		return help_script(cli, argc > 1 ? argv[1] : NULL);
	if (argc > 1)
		return cli_usage(cli, "one word too many: '%s'", argv[1]);
	if (!argc) {
		help_all(&cli->out);
		return CLI_OK;
	}
	if (c) {
		help_command(&cli->out, c);
		return CLI_OK;
	}
	for (size_t i = 0; cli_command_list(i); i++)
		nearest_try(&near, argv[0], cli_command_list(i)->name);
	nearest_try(&near, argv[0], "script");
	if (near.word)
		return cli_usage(cli, "no help on '%s': did you mean '%s'?", argv[0], near.word);
	return cli_usage(cli, "no help on '%s'; `quire help` lists the commands", argv[0]);
}

/* What can follow a subcommand, as the words of a case of the shell. */
static void complete_command(const struct quire_sink *out, const struct cli_command *c)
{
	const struct cli_option *o;

	quire_format(out, "\t%s) words='", c->name);
	for (size_t i = 0; (o = cli_option_list(i)); i++) {
		if (o->group & c->options)
			quire_format(out, "--%s ", o->name);
	}
	for (size_t i = 0; c->run == cmd_proc && quire_report_list(i); i++)
		quire_format(out, "%s ", quire_report_list(i)->name);
	for (size_t i = 0; c->run == cmd_draw && lab_view_list(i); i++)
		quire_format(out, "%s ", lab_view_list(i)->name);
	for (size_t i = 0; c->run == cmd_help && cli_command_list(i); i++)
		quire_format(out, "%s ", cli_command_list(i)->name);
	quire_format(out, "%s--help' ;;\n",
		     c->run == cmd_help ? "script " : c->run == cmd_completion ? "bash " : "");
}

int cmd_completion(struct cli *cli, int argc, char **argv)
{
	const struct quire_sink *out = &cli->out;
	const struct cli_command *c;

	(void)argc;
	if (strcmp(argv[0], "bash") != 0)
		return cli_usage(cli, "unknown shell '%s': completion is there for bash", argv[0]);
	quire_format(out, "_quire()\n{\n"
			  "\tlocal words word=${COMP_WORDS[COMP_CWORD]}\n"
			  "\tcase ${COMP_WORDS[COMP_CWORD-1]} in\n"
			  "\t--machine) words='");
	for (int i = 0; i < QUIRE_NR_MACHINES; i++)
		quire_format(out, "%s ", quire_machine_name((enum quire_machine)i));
	quire_format(out, "'\n\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\")); return ;;\n"
			  "\tesac\n\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; (c = cli_command_list(i)); i++)
		complete_command(out, c);
	quire_format(out, "\tesac\n\t[ \"$COMP_CWORD\" = 1 ] && words='");
	for (size_t i = 0; (c = cli_command_list(i)); i++)
		quire_format(out, "%s ", c->name);
	quire_format(out, "--help --version'\n"
			  "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
			  "complete -o default -F _quire quire\n");
	return CLI_OK;
}
