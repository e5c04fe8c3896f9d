/* SPDX-License-Identifier: MIT */
/*
 * cmd_draw.c - quire draw: pictures, as text and as SVG
 */
#include <quire/slab.h>

#include <string.h>

#include "args.h"
#include "cli.h"
#include "figure.h"

/* Operands at most. */
#define WORDS_MAX 8

static bool is_view(const char *name, struct lab_nearest *near)
{
	const struct lab_view *view;

	for (size_t i = 0; (view = lab_view_list(i)); i++) {
		if (strcmp(name, view->name) == 0)
			return true;
		nearest_try(near, name, view->name);
	}
	return false;
}

/* What only the script language can name: processes, ways. */
static int draw_line(struct cli *cli, int argc, char **argv)
{
	static char svg[] = "svg";
	char *words[WORDS_MAX + 1];

	if (argc > WORDS_MAX)
		return cli_usage(cli, "too many words");
	for (int i = 0; i < argc; i++)
		words[i] = argv[i];
	words[argc] = svg;
	return cli_line(cli, "draw", argc + cli->svg, words);
}

int cmd_draw(struct cli *cli, int argc, char **argv)
{
	struct lab_draw_options options = { .svg = cli->svg,
						  .colour = cli->out_colour,
						  .columns = cli->columns };
	struct lab_nearest near = { NULL, 0 };
	struct quire *q;
	int status, error;

	bool slab = strcmp(argv[0], "slab") == 0;

	if (strcmp(argv[0], "space") == 0 || strcmp(argv[0], "walk") == 0)
		return draw_line(cli, argc, argv);
	if (!is_view(argv[0], &near)) {
		if (near.word)
			return cli_usage(cli, "unknown view '%s': did you mean '%s'?", argv[0],
					 near.word);
		return cli_usage(cli, "unknown view '%s'; see `quire help draw`", argv[0]);
	}
	if (slab != (argc > 1))
		return cli_usage(cli,
				 slab ? "view slab of which cache?" : "one word too many: '%s'",
				 argv[argc - 1]);
	status = cli_boot(cli, &q);
	if (status)
		return status;
	if (slab) {
		/* A script may have set the heap up already. */
		error = quire_slab_boot(q, NULL);
		if (error && error != -QUIRE_EBUSY) {
			cli_error(cli, "draw: %s", quire_error_name(error));
			return CLI_FILE;
		}
		options.cache = quire_cache_find(q, argv[1]);
		if (!options.cache)
			return cli_usage(cli, "there is no cache '%s'", argv[1]);
	}
	error = lab_draw(q, argv[0], &options, &cli->out);
	if (!error)
		return CLI_OK;
	cli_error(cli, "draw: %s", quire_error_name(error));
	return CLI_FILE;
}
