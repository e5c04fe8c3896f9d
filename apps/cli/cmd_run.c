/* SPDX-License-Identifier: MIT */
/*
 * cmd_run.c - quire run: scripts, each on a machine of its own
 */
#include "cli.h"

int cmd_run(struct cli *cli, int argc, char **argv)
{
	int worst = CLI_OK;

	for (int i = 0; i < argc; i++) {
		int status = cli_session(cli);

		if (status)
			return status; /* the options are wrong for all of them */
		status = cli_script(cli, argv[i]);
		if (status > worst)
			worst = status;
	}
	return worst;
}
