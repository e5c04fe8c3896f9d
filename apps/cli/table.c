/* SPDX-License-Identifier: MIT */
/*
 * table.c - the subcommands and the options
 */
#include "table.h"

#include <stddef.h>
#include <string.h>

#include "args.h"

static const struct cli_option options[] = {
	{ "machine", "KIND", "i386, i386-pae, x86-64 or x86-64-la57", OPTIONS_MACHINE,
	  offsetof(struct cli, machine) },
	{ "map", "FILE", "memory map: a kernel log, /proc/iomem, Quire's own form",
	  OPTIONS_MACHINE, offsetof(struct cli, map) },
	{ "ram", "SIZE", "a PC with so much memory, if there is no map: 64M, 1G",
	  OPTIONS_MACHINE, offsetof(struct cli, ram) },
	{ "cpus", "N", "processors", OPTIONS_MACHINE, offsetof(struct cli, cpus) },
	{ "split", "S", "3G/1G, 2G/2G or 1G/3G (32-bit machines)", OPTIONS_MACHINE,
	  offsetof(struct cli, split) },
	{ "lowmem", "ADDRESS", "end of the directly mapped memory (32-bit machines)",
	  OPTIONS_MACHINE, offsetof(struct cli, lowmem) },
	{ "movable", "SIZE", "make the top of memory zone Movable", OPTIONS_MACHINE,
	  offsetof(struct cli, movable) },
	{ "reserve", "START-END", "keep memory from the allocator; may be repeated",
	  OPTIONS_MACHINE, offsetof(struct cli, reserve) },
	{ "script", "FILE", "run this script on the machine first", OPTIONS_SCRIPT,
	  offsetof(struct cli, script) },
	{ "dir", "DIR", "write all reports into DIR, as a tree like Linux's", OPTIONS_DIR,
	  offsetof(struct cli, dir) },
	{ "lenient", NULL, "count and skip damaged lines instead of stopping", OPTIONS_LENIENT,
	  offsetof(struct cli, lenient) },
	{ "svg", NULL, "draw an SVG document instead of text", OPTIONS_SVG,
	  offsetof(struct cli, svg) },
	{ "json", NULL, "print JSON instead of text", OPTIONS_JSON, offsetof(struct cli, json) },
};

static const struct cli_command commands[] = {
	{ "run", "SCRIPT...", "run scripts",
	  "Each script has a machine of its own, as the options say or as the script does.\n"
	  "The script `-` is read from standard input. `quire help script` shows the\n"
	  "language.",
	  OPTIONS_MACHINE | OPTIONS_JSON, 1, -1, cmd_run },
	{ "shell", "", "speak to a machine line by line",
	  "The language is that of scripts. On a terminal lines can be edited, the tab key\n"
	  "completes, and an error does no harm. Otherwise lines are read from standard\n"
	  "input, and the exit status tells the worst that happened.",
	  OPTIONS_MACHINE | OPTIONS_SCRIPT | OPTIONS_JSON, 0, 0, cmd_shell },
	{ "replay", "TRACE", "replay what a real machine or program did on another machine",
	  "TRACE is plain text or gzip, `-` standard input; its lines tell what it is:\n"
	  "  ftrace, perf script   requests for page frames: kmem:mm_page_alloc, _free\n"
	  "  strace -f             a program's mmap, brk, fork, execve ...\n"
	  "  valgrind --tool=lackey --trace-mem=yes    every access that it made\n"
	  "With --svg, of programs: resident and mapped size and faults over time.",
	  OPTIONS_MACHINE | OPTIONS_JSON | OPTIONS_LENIENT | OPTIONS_SVG, 1, 1, cmd_replay },
	{ "proc", "[NAME]", "print a report, or write out all of them",
	  "NAME is a report of the list below; without it --dir is needed. Without a\n"
	  "machine, map or script it is an x86-64 with 1 GB.",
	  OPTIONS_MACHINE | OPTIONS_SCRIPT | OPTIONS_JSON | OPTIONS_DIR, 0, 1, cmd_proc },
	{ "draw", "VIEW [WORD...]", "draw a picture of frames, a cache, a process",
	  "VIEW is one of the list below. Without a machine, map or script it is an x86-64\n"
	  "with 1 GB. View slab wants the name of a cache: kmalloc-64. View space takes one\n"
	  "or two processes of the script, view walk the words of `quire walk`.",
	  OPTIONS_MACHINE | OPTIONS_SCRIPT | OPTIONS_SVG, 1, 8, cmd_draw },
	{ "walk", "[SEL:]ADDRESS [ACCESS] [in TABLE]", "from an address to memory, step by step",
	  "Segment, each level's entry with its bits, physical address; or the fault that\n"
	  "the processor would raise. ACCESS: read, write or exec, and user. TABLE is one\n"
	  "of the script's, or kernel. Without a machine, map or script it is an x86-64\n"
	  "with 1 GB.",
	  OPTIONS_MACHINE | OPTIONS_SCRIPT | OPTIONS_JSON, 1, 5, cmd_walk },
	{ "check", "[SCRIPT]", "build a machine, run a script on it, check every invariant",
	  NULL, OPTIONS_MACHINE | OPTIONS_SCRIPT | OPTIONS_JSON, 0, 1, cmd_check },
	{ "help", "[COMMAND]", "help on a command; `help script` for the script language",
	  "`quire help script COMMAND` tells of one command of the language.", 0, 0, 2, cmd_help },
	{ "completion", "bash", "print completion for bash",
	  "Say once: eval \"$(quire completion bash)\"", 0, 1, 1, cmd_completion },
};

const struct cli_command *cli_command_list(size_t i)
{
	return i < sizeof(commands) / sizeof(commands[0]) ? &commands[i] : NULL;
}

const struct cli_command *cli_command_find(const char *name)
{
	const struct cli_command *c;

	for (size_t i = 0; (c = cli_command_list(i)); i++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

const struct cli_option *cli_option_list(size_t i)
{
	return i < sizeof(options) / sizeof(options[0]) ? &options[i] : NULL;
}

static int wrong_option(struct cli *cli, const struct cli_command *c, const char *name)
{
	struct lab_nearest near = { NULL, 0 };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].group & c->options)
			nearest_try(&near, name, options[i].name);
	}
	if (near.word)
		return cli_usage(cli, "unknown option '--%s': did you mean '--%s'?", name,
				 near.word);
	return cli_usage(cli, "unknown option '--%s'; see `quire help %s`", name, c->name);
}

static int set_option(struct cli *cli, const struct cli_option *o, const char *value)
{
	char *field = (char *)cli + o->field;

	if (!o->value) {
		*(bool *)field = true;
	} else if (o->field != offsetof(struct cli, reserve)) {
		*(const char **)field = value;
	} else if (cli->nr_reserve == CLI_RESERVE_MAX) {
		return cli_usage(cli, "more than %d reservations", CLI_RESERVE_MAX);
	} else {
		cli->reserve[cli->nr_reserve++] = value;
	}
	return CLI_OK;
}

/* --NAME, --NAME VALUE or --NAME=VALUE at argv[*at]; goes on to the last word of it. */
static int read_option(struct cli *cli, const struct cli_command *c, char **argv, int *at)
{
	char *name = argv[*at] + 2, *value = strchr(name, '=');
	const struct cli_option *o = NULL;

	if (value)
		*value++ = 0;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if ((options[i].group & c->options) && strcmp(options[i].name, name) == 0)
			o = &options[i];
	}
	if (!o)
		return wrong_option(cli, c, name);
	if (!o->value && value)
		return cli_usage(cli, "--%s takes no value", name);
	if (o->value && !value)
		value = argv[*at + 1] ? argv[++*at] : NULL;
	if (o->value && (!value || !*value))
		return cli_usage(cli, "--%s wants %s behind it", name, o->value);
	return set_option(cli, o, value);
}

static int run_command(struct cli *cli, const struct cli_command *c, int argc, char **argv)
{
	bool only_operands = false;
	int nr = 0, status = CLI_OK;

	cli->command = c->name;
	for (int i = 0; !status && i < argc; i++) {
		const char *word = argv[i];
		if (only_operands || word[0] != '-' || !word[1]) {
			argv[nr++] = argv[i];
		} else if (strcmp(word, "--") == 0) {
			only_operands = true;
		} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			char *name[] = { (char *)c->name, NULL };
			return cmd_help(cli, 1, name);
		} else if (word[1] != '-') {
			return cli_usage(cli, "unknown option '%s'; see `quire help %s`", word,
					 c->name);
		} else {
			status = read_option(cli, c, argv, &i);
		}
	}
	if (status)
		return status;
	argv[nr] = NULL;
	if (nr < c->min)
		return cli_usage(cli, "%s wants %s behind it; see `quire help %s`", c->name,
				 c->synopsis, c->name);
	if (c->max >= 0 && nr > c->max)
		return cli_usage(cli, "one word too many: '%s'", argv[c->max]);
	return c->run(cli, nr, argv);
}

int cli_main(struct cli *cli, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	struct lab_nearest near = { NULL, 0 };
	const struct cli_command *c;

	if (!word)
		return cli_usage(cli, "what shall be done? `quire help` lists the commands");
	if (strcmp(word, "--version") == 0) {
		quire_format(&cli->out, "quire " QUIRE_VERSION "\n");
		return CLI_OK;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return cmd_help(cli, 0, NULL);
	c = cli_command_find(word);
	if (c)
		return run_command(cli, c, argc - 2, argv + 2);
	for (size_t i = 0; cli_command_list(i); i++)
		nearest_try(&near, word, cli_command_list(i)->name);
	if (near.word)
		return cli_usage(cli, "unknown command '%s': did you mean '%s'?", word, near.word);
	return cli_usage(cli, "unknown command '%s'; `quire help` lists them", word);
}
