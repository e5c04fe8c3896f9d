/* SPDX-License-Identifier: MIT */
/*
 * test_machine_this.c - sessions on a machine that their host runs on
 *
 * The host here is a machine of the test's own. It goes on after the session, with all frames
 * and all objects, areas and windows that the session had, whether with a name or without.
 */
#include "kernel.h"
#include "script.h"

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

/* Run a script on a host whose machine is @q, or that has none. */
static enum lab_status run(struct quire *q, struct quire_hosted *port, const char *script)
{
	const struct lab_host host = {
		.port = port,
		.out = { no_write, NULL },
		.talk = { no_write, NULL },
		.machine = q,
		.set_cpu = set_cpu,
	};
	enum lab_status status = LAB_FILE;
	struct lab *lab;

	if (!lab_create(&host, &lab)) {
		status = lab_text(lab, "script", script, strlen(script));
		if (status != LAB_OK && !port->fail_at)
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

/* Whole kernels: frames without names, objects, caches, areas, windows, tables. */
static const char *const takers[] = {
	"pages 3\npages 0 GFP_HIGHUSER\nfill 10\n",
	"A = pages 2\nsplit A\nfree A[3]\nfree A[0]\nB = exact 20K\nget B[1]\nexpect fail free B\n",
	"B = exact 20K\nfree B[2]\nA = pages 1\nfree A\nA = pages 0\nC = pages 0\n",
	"A = kmalloc 20\nB = kzalloc 5000\nkmalloc 100\nA = kmalloc 30\nkfree A\n"
	"kmalloc 64K\n",
	"A = kmalloc 20\nkrealloc A 3000\nB = kmalloc 20\nkrealloc B 0\n"
	"C = kmalloc 8\nkrealloc C 8\n",
	"cache one 200\ncache two 64 hwalign\nA = objects one 50\nkfree A[7]\nB = objects one 1\n"
	"uncache two\n",
	"A = vmalloc 1M\nvmalloc 16K\nB = vzalloc 4K\nvfree A\nA = vmalloc 8K\n",
	"F = pages 0 GFP_HIGHUSER\nA = vmap F F\nB = ioremap 0xfeb00000 8K\niounmap B\n"
	"B = ioremap 0xfeb00000 4K\n",
	"F = pages 0 GFP_HIGHUSER\nkmap F\nA = kmap F\nkunmap F\nF = kmalloc 8\n",
	"F = pages 0 GFP_HIGHUSER\nA = kmap_local F\nkmap_local F\nB = kmap_local F\n"
	"kunmap_local B\n",
	"F = pages 0 GFP_HIGHUSER\nA = kmap_local F\non cpu 1: B = kmap_local F\n"
	"on cpu 1: kmap_local F\nkunmap_local A\n",
	"table T\ntable T map 0x8048000-0x804a000 = 0x5000 rw\npages 1\n",
};

/* The address of a processor's next short-lived window, which tells how many are open. */
static uint64_t next_window(struct rig *rig, unsigned cpu)
{
	struct quire_page *page = quire_page_alloc(rig->q, QUIRE_GFP_HIGHUSER, 0);
	quire_virt_t virt = { 0 };

	quire_hosted_cpu(cpu);
	CHECK_EQ(quire_kmap_local(rig->q, page, &virt), 0);
	CHECK_EQ(quire_kunmap_local(rig->q, virt), 0);
	quire_hosted_cpu(0);
	CHECK_EQ(quire_page_free(rig->q, page, 0), QUIRE_FREE_OK);
	return virt.v;
}

static void takes(struct rig *rig, const char *script, uint64_t free)
{
	uint64_t first[] = { next_window(rig, 0), next_window(rig, 1) };
	struct quire_hosted port = { 0 };
	char text[400];

	snprintf(text, sizeof(text), "machine this\n%s", script);
	/* First as it should be, then without each allocation of the session's. */
	for (bool all = true; !test_failures; all = false, port.fail_at++) {
		struct quire_kmap_stat windows;
		struct quire_vmalloc_stat areas;
		enum lab_status status = run(rig->q, &port, text);

		CHECK(!all || status == LAB_OK);
		quire_kmap_stat(rig->q, &windows);
		quire_vmalloc_stat(rig->q, &areas);
		CHECK_EQ(windows.open, 0);
		CHECK_EQ(next_window(rig, 0), first[0]);
		CHECK_EQ(next_window(rig, 1), first[1]);
		CHECK_EQ(areas.nr_areas, 0);
		CHECK(!quire_cache_find(rig->q, "one") && !quire_cache_find(rig->q, "two"));
		CHECK_EQ(kernel_idle(rig), free);
		rig_sound(rig);
		CHECK_EQ(port.live_bytes, 0);
		if (port.nr_allocs < port.fail_at)
			break;
		port.nr_allocs = 0;
	}
	if (test_failures)
		printf("allocation %u of: %s", (unsigned)port.fail_at, script);
}

TEST(all_goes_back)
{
	struct rig rig;

	if (!kernel_start(&rig, QUIRE_I386, GB(1)))
		return;
	/* What a kernel sets up once and keeps. */
	struct quire_hosted port = { 0 };

	CHECK_EQ(run(rig.q, &port, "machine this\nkmalloc 20\nvmalloc 4K\nwrite 0xc0000000 = 1\n"),
		 LAB_OK);
	uint64_t free = kernel_idle(&rig);
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]) && !test_failures; i++) {
		takes(&rig, takers[i], free);
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

TEST_MAIN(CASE(none), CASE(goes_on), CASE(all_goes_back), CASE(hosts_apart))
