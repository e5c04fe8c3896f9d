/* SPDX-License-Identifier: MIT */
/*
 * test_machine_this.c - sessions on a machine that their host runs on
 *
 * The host here is a machine of the test's own. It goes on after the session, with all frames
 * that the session had names for.
 */
#include "rig.h"
#include "script.h"

static void no_write(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	(void)text;
	(void)length;
}

/* Run a script on a host whose machine is @q, or that has none. */
static enum lab_status run(struct quire *q, struct quire_hosted *port, const char *script)
{
	const struct lab_host host = {
		.port = port,
		.out = { no_write, NULL },
		.talk = { no_write, NULL },
		.machine = q,
	};
	enum lab_status status = LAB_FILE;
	struct lab *lab;

	if (!lab_create(&host, &lab)) {
		status = lab_text(lab, "script", script, strlen(script));
		if (status != LAB_OK)
			printf("%s\n", lab_message(lab));
		lab_destroy(lab);
	}
	return status;
}

TEST(none)
{
	struct quire_hosted port = { 0 };

	CHECK_EQ(run(NULL, &port, "machine this\n"), LAB_FAILED);
	/* A failure leaves the machine that there was. */
	CHECK_EQ(run(NULL, &port,
		     "machine 16 frames\nA = pages 1\nexpect fail machine this = ENODEV\nfree A\n"),
		 LAB_OK);
	CHECK_EQ(run(NULL, &port, "machine this ram 1G\n"), LAB_USAGE);
	CHECK_EQ(port.live_bytes, 0);
}

TEST(goes_on)
{
	static const char *const scripts[] = {
		"machine this\nA = pages 3\nexpect count A = 1\ncheck\n",
		"machine this\nA = pages 3\nget A\nget A\nB = bulk 10\nfree B[3]\nC = exact 20K\n",
		"machine this\nA = pages 2 GFP_KERNEL|__GFP_COMP\nfree A\nA = pages 0\nfree A\n",
		"machine this\nE = fill 10\nfree E[0]\nA = pages 4\nsplit A\nfree A[7]\n",
		/* Over to a machine of its own, and back. */
		"machine this\nA = pages 1\nmachine 16 frames\nmachine this\nA = pages 0\n",
		"machine this\nA = pages 0\nnonsense\n",
	};
	struct quire_hosted port = { 0 };
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	uint64_t free = rig_free(&rig);
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		enum lab_status status = run(rig.q, &port, scripts[i]);

		CHECK(status == (i == 5 ? LAB_USAGE : LAB_OK));
		CHECK_EQ(rig_free(&rig), free);
		rig_sound(&rig);
		CHECK_EQ(port.live_bytes, 0);
	}
	rig_end(&rig);
}

/* Records of the session and of its machines come from two hosts. */
TEST(hosts_apart)
{
	struct quire_hosted port = { 0 }, machines = { 0 };
	const struct lab_host host = {
		.port = &port,
		.machines = &machines,
		.out = { no_write, NULL },
		.talk = { no_write, NULL },
	};
	static const char script[] = "machine x86-64 ram 64M\nA = pages 0\n";
	struct lab *lab;

	CHECK_EQ(lab_create(&host, &lab), 0);
	uint64_t session = port.live_bytes;
	CHECK(session > 0);
	CHECK_EQ(machines.live_bytes, 0);
	CHECK_EQ(lab_text(lab, "script", script, sizeof(script) - 1), LAB_OK);
	CHECK(machines.live_bytes > MB(64) / 4096 * 16);
	CHECK(port.live_bytes - session < 1024);
	lab_destroy(lab);
	CHECK_EQ(port.live_bytes, 0);
	CHECK_EQ(machines.live_bytes, 0);
}

TEST_MAIN(CASE(none), CASE(goes_on), CASE(hosts_apart))
