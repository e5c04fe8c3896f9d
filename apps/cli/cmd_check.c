/* SPDX-License-Identifier: MIT */
/*
 * cmd_check.c - quire check: does every invariant hold?
 */
#include "cli.h"
#include "script.h"

int cmd_check(struct cli *cli, int argc, char **argv)
{
	struct quire *q;
	int status;

	if (argc && cli->script)
		return cli_usage(cli, "one script is enough: %s or --script %s", argv[0],
				 cli->script);
	if (argc)
		cli->script = argv[0];
	status = cli_boot(cli, &q);
	if (!status)
		status = (int)lab_line(cli->lab, "check", 5);
	else
		return status;
	if (status)
		cli_error(cli, "%s", lab_message(cli->lab));
	return status;
}
