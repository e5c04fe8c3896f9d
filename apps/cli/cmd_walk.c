/* SPDX-License-Identifier: MIT */
/*
 * cmd_walk.c - quire walk: the script's command of that name, on the command line
 */
#include "cli.h"

int cmd_walk(struct cli *cli, int argc, char **argv)
{
	return cli_line(cli, "walk", argc, argv);
}
