/* SPDX-License-Identifier: MIT */
/*
 * test_lessons.c - every lesson holds, leaks nothing, and survives a host without memory
 *
 * The sweep runs each lesson with the 1st, 2nd, 3rd … allocation of the host's failing, until
 * it gets through: it must stop with a message, and all memory must be back.
 */
#include <quire/quire.h>

#include <glob.h>

#include "hosted.h"
#include "script.h"
#include "test.h"

/* From here on the sweep strides, and by more and more: long lessons ask thousands of times. */
#define SWEEP_ALL test_times(TEST_SANITIZED ? 100 : 400)

static void no_write(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	(void)text;
	(void)length;
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	quire_hosted_cpu(cpu);
}

static char *read_text(const char *name, size_t *length)
{
	FILE *file = fopen(name, "rb");
	char *text = malloc(1 << 16);

	if (!file || !text) {
		printf("%s: can't be read\n", name);
		exit(1);
	}
	*length = fread(text, 1, 1 << 16, file);
	fclose(file);
	return text;
}

/* Run a lesson; its last machine's hash, when it is asked for. */
static enum lab_status run(const char *name, struct quire_hosted *port, uint64_t *hash)
{
	const struct lab_host host = {
		.port = port,
		.out = { no_write, NULL },
		.talk = { no_write, NULL },
		.set_cpu = set_cpu,
	};
	enum lab_status status = LAB_FILE;
	size_t length;
	char *text = read_text(name, &length);
	struct lab *lab;

	if (!lab_create(&host, &lab)) {
		status = lab_text(lab, name, text, length);
		if (status != LAB_OK && !port->fail_at)
			printf("%s\n", lab_message(lab));
		CHECK(status == LAB_OK || lab_message(lab)[0]);
		/* A call that the host has no memory for ends like one without frames. */
		if (status == LAB_FAILED && strstr(lab_message(lab), ": ENOMEM"))
			status = LAB_FILE;
		if (status != LAB_OK && status != LAB_FILE && port->fail_at)
			printf("allocation %" PRIu64 ": %s\n", port->fail_at, lab_message(lab));
		if (hash && lab_quire(lab))
			*hash = quire_hash(lab_quire(lab));
		if (lab_quire(lab))
			CHECK(quire_check(lab_quire(lab), NULL));
		lab_destroy(lab);
	}
	free(text);
	return status;
}

TEST(hold)
{
	glob_t found;

	CHECK_EQ(glob("examples/lessons/*.quire", 0, NULL, &found), 0);
	CHECK(found.gl_pathc >= 14);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct quire_hosted port = { .nr_allocs = 0 };
		uint64_t hash = 0, again = 0;

		CHECK_EQ(run(found.gl_pathv[i], &port, &hash), LAB_OK);
		CHECK_EQ(port.live_bytes, 0);
		CHECK_EQ(run(found.gl_pathv[i], &port, &again), LAB_OK);
		quire_hosted_release(&port);
		CHECK(hash != 0);
		CHECK_EQ(hash, again);
		printf("%s %016" PRIx64 "\n", strrchr(found.gl_pathv[i], '/') + 1, hash);
	}
	globfree(&found);
}

TEST(sweep)
{
	glob_t found;

	CHECK_EQ(glob("examples/lessons/*.quire", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		enum lab_status status = LAB_FILE;
		uint64_t n = 1;

		for (; status != LAB_OK && n < 1000000; n += n < SWEEP_ALL ? 1 : n / 50) {
			struct quire_hosted port = { .fail_at = n };

			status = run(found.gl_pathv[i], &port, NULL);
			/* No memory is not a word of script nor an expectation gone wrong. */
			CHECK(status == LAB_OK || status == LAB_FILE);
			CHECK_EQ(port.live_bytes, 0);
			quire_hosted_release(&port);
		}
		CHECK(n > 3);
		CHECK_EQ(status, LAB_OK);
	}
	globfree(&found);
}

TEST_MAIN(CASE(hold), CASE(sweep))
