/* SPDX-License-Identifier: MIT */
/*
 * test_script.c - the script language: words, every command, every wrong use
 */
#include "script_rig.h"

#include "args.h"
#include "command.h"
#include "gfp.h"
#include "text.h"

TEST(words)
{
	static struct lab_words w;
	const char *text = "A=pages \t1  \"a \\\"b\\\\ =\" on: c:d # rest";

	CHECK(!words_cut(&w, text, strlen(text)));
	CHECK_EQ(w.nr, 8);
	CHECK_STR(w.word[0], "A");
	CHECK_STR(w.word[1], "=");
	CHECK_STR(w.word[2], "pages");
	CHECK_STR(w.word[4], "a \"b\\ =");
	CHECK(w.quoted[4] && !w.quoted[3]);
	CHECK_STR(w.word[5], "on");
	CHECK_STR(w.word[6], ":");
	CHECK_STR(w.word[7], "c:d");
	CHECK(words_cut(&w, "\"open", 5));
	CHECK(words_cut(&w, "\"a\\n\"", 5));
	CHECK(words_cut(&w, "\"a\"b", 4));
	CHECK(words_cut(&w, "a\0b", 3));
	CHECK(words_cut(&w, "a\033b", 3));
	char many[LAB_LINE_MAX];
	memset(many, '=', sizeof(many));
	CHECK(words_cut(&w, many, LAB_WORDS_MAX + 1));
	CHECK(!words_cut(&w, many, LAB_WORDS_MAX));
	CHECK_EQ(w.nr, LAB_WORDS_MAX);
	memset(many, 'a', sizeof(many));
	CHECK(!words_cut(&w, many, LAB_LINE_MAX - 1));
	CHECK(words_cut(&w, many, LAB_LINE_MAX));
	CHECK(!words_cut(&w, "say x\r", 6));
	CHECK_EQ(w.nr, 2);
}

TEST(text)
{
	uint64_t n = 0;

	CHECK(text_number("0", &n) && n == 0);
	CHECK(text_number("18446744073709551615", &n) && n == UINT64_MAX);
	CHECK(!text_number("18446744073709551616", &n));
	CHECK(text_number("0xffffffffffffffff", &n) && n == UINT64_MAX);
	CHECK(!text_number("0x10000000000000000", &n));
	CHECK(!text_number("", &n) && !text_number("0x", &n) && !text_number("-1", &n));
	CHECK(!text_number("12a", &n));
	CHECK_EQ(text_distance("pages", "pages"), 0);
	CHECK_EQ(text_distance("pgaes", "pages"), 1);
	CHECK_EQ(text_distance("", "abc"), 3);
	CHECK_EQ(text_distance("kitten", "sitting"), 3);
	CHECK_EQ(text_distance("a", "0123456789012345678901234567890123"), UINT32_MAX);
}

TEST(gfp)
{
	quire_gfp_t gfp = 0;

	for (size_t i = 0; lab_gfp_list(i); i++) {
		const struct lab_gfp_name *n = lab_gfp_list(i);
		CHECK(lab_gfp_find(n->name, strlen(n->name), &gfp) && gfp == n->gfp);
		CHECK_EQ(n->gfp & ~QUIRE_GFP_BITS, 0);
	}
	CHECK(!lab_gfp_find("GFP_KERNE", 9, &gfp) && !lab_gfp_find("GFP_KERNELX", 11, &gfp));
	CHECK(lab_gfp_find("GFP_KERNELX", 10, &gfp) && gfp == QUIRE_GFP_KERNEL);
}

TEST(blocks)
{
	struct lab *lab = begin();

	GOOD("machine 64 frames");
	GOOD("A = pages 2 GFP_KERNEL|__GFP_ZERO | __GFP_COMP");
	GOOD("expect order A 2");
	GOOD("expect count A = 1");
	GOOD("expect zone A = dma");
	BAD(LAB_FAILED, "expect zone A = Normal", "expected 'Normal', is 'DMA'");
	BAD(LAB_USAGE, "A = pages 0", "still holds");
	BAD(LAB_USAGE, "pfn = pages 0", "can't be a name");
	BAD(LAB_USAGE, "1A = pages 0", "can't be a name");
	BAD(LAB_USAGE, "A2345678901234567890123456789012 = pages 0", "can't be a name");
	BAD(LAB_USAGE, "B = free A", "makes no block");
	BAD(LAB_USAGE, "B = pages", "missing");
	BAD(LAB_USAGE, "B = pages x", "not a number");
	BAD(LAB_USAGE, "B = pages 0 GFP_KERNLE", "did you mean 'GFP_KERNEL'");
	BAD(LAB_USAGE, "B = ", "missing");
	BAD(LAB_USAGE, "free B", "unknown block");
	BAD(LAB_USAGE, "free AA", "unknown block");
	BAD(LAB_USAGE, "free A B", "one word too many");
	BAD(LAB_USAGE, "free A[4]", "only 4 parts");
	BAD(LAB_USAGE, "free A[x]", "NAME[NUMBER]");
	BAD(LAB_USAGE, "free A[1", "NAME[NUMBER]");
	BAD(LAB_USAGE, "free pfn", "missing");
	BAD(LAB_FAILED, "free A[1]", "free A[1]: ");
	BAD(LAB_FAILED, "free A order 1", "wrong order");
	BAD(LAB_FAILED, "free pfn 1000", "free pfn 1000: ");
	BAD(LAB_FAILED, "get pfn 1000", "pfn 1000: ");
	GOOD("get A");
	GOOD("expect count A 2");
	BAD(LAB_FAILED, "split A", "EBUSY");
	GOOD("put A");
	GOOD("split A");
	BAD(LAB_USAGE, "get A", "say A[i]");
	GOOD("get A[3]");
	GOOD("free A[1]");
	BAD(LAB_FAILED, "free A[1]", "double free");
	GOOD("free A");
	GOOD("expect count A[3] 1");
	GOOD("put A[3]");
	BAD(LAB_FAILED, "free A", "double free");
	GOOD("expect free 6 = 0");
	lab_destroy(lab);
}

TEST(many)
{
	struct lab *lab = begin();

	GOOD("machine 64 frames");
	GOOD("A = exact 9000");
	GOOD("expect nr_free DMA = 61");
	GOOD("free A");
	BAD(LAB_FAILED, "free A", "free A: ");
	BAD(LAB_USAGE, "exact 9000", "give it a name");
	BAD(LAB_USAGE, "C = exact 0", "no such size");
	BAD(LAB_FAILED, "C = exact 5M", "EINVAL");
	GOOD("A = bulk 10");
	GOOD("expect nr_free DMA = 54");
	GOOD("free A");
	BAD(LAB_FAILED, "A = bulk 65", "below watermark");
	GOOD("expect free 6 = 0");
	BAD(LAB_USAGE, "A = bulk 0", "at least one");
	BAD(LAB_USAGE, "bulk 2", "give it a name");
	GOOD("A = fill 1");
	GOOD("expect nr_free DMA = 0");
	BAD(LAB_FAILED, "fill 0", "below watermark");
	GOOD("show");
	CHECK(strstr(record.out, "A "));
	GOOD("free A");
	GOOD("expect free 6 = 0");
	GOOD("repeat 3: pages 0");
	GOOD("expect nr_free DMA = 61");
	GOOD("repeat 0: pages 0");
	GOOD("expect nr_free DMA = 61");
	BAD(LAB_USAGE, "repeat 9999999: pages 0", "too large");
	BAD(LAB_USAGE, "repeat 2 pages 0", "a : is missing");
	BAD(LAB_USAGE, "repeat 2: repeat 2: pages 0", "unknown command");
	BAD(LAB_FAILED, "repeat 100: pages 0", "below watermark");
	GOOD("expect nr_free DMA = 0");
	lab_destroy(lab);
}

TEST(expectations)
{
	struct lab *lab = begin();

	GOOD("machine 16 frames");
	BAD(LAB_USAGE, "expect", "missing");
	BAD(LAB_USAGE, "expect pnf A 1", "did you mean 'pfn'");
	GOOD("A = pages 1");
	BAD(LAB_FAILED, "expect pfn A 1", "expected 1, is 0");
	BAD(LAB_USAGE, "expect pfn A", "missing");
	BAD(LAB_USAGE, "expect pfn A = 1 2", "one word too many");
	BAD(LAB_FAILED, "expect pfn pfn 99 = 99", "no such frame");
	GOOD("expect type A = Movable");
	GOOD("expect frame 0 used");
	GOOD("expect frame 1 inside");
	GOOD("expect frame 2 free");
	GOOD("expect frame 16 hole");
	GOOD("expect free 1 = 2");
	GOOD("expect free DMA 2 = 4");
	GOOD("expect free Normal 2 = none");
	BAD(LAB_FAILED, "expect free 2 = none", "are 4");
	BAD(LAB_FAILED, "expect free 2 = 4 5", "are 4");
	BAD(LAB_FAILED, "expect free 3 = 9", "are 8");
	BAD(LAB_FAILED, "expect free 0 = 1", "are none");
	BAD(LAB_USAGE, "expect free 11 = none", "up to 10");
	BAD(LAB_USAGE, "expect free 2 =", "missing");
	GOOD("expect bitmap 1 = 1 0 0 0");
	GOOD("expect bitmap 1 = 1");
	BAD(LAB_FAILED, "expect bitmap 1 = 0", "is 1 0 0 0");
	BAD(LAB_FAILED, "expect bitmap 2 = 0 0", "bit 0 of order 2");
	BAD(LAB_FAILED, "expect bitmap 0 = 0 0 0 0 0 1", "bit 5");
	BAD(LAB_USAGE, "expect bitmap 10 = 0", "no buddies");
	BAD(LAB_USAGE, "expect bitmap 1 = 2", "too large");
	GOOD("expect nr_free DMA 14");
	GOOD("expect nr_free DMA = 14");
	GOOD("expect nr_free DMA 2 = 1");
	GOOD("expect nr_free DMA 2 1");
	BAD(LAB_FAILED, "expect nr_free DMA 13", "is 14");
	GOOD("expect stat DMA managed 16");
	BAD(LAB_USAGE, "expect stat DMA mananged 16", "unknown number");
	BAD(LAB_USAGE, "expect stat DMAA managed 16", "did you mean 'DMA'");
	GOOD("expect reserve DMA Normal = 0");
	GOOD("expect pcp DMA 0 = 0");
	GOOD("expect pageblocks DMA Unmovable = 0");
	GOOD("expect extfrag DMA 0 = -1000");
	GOOD("expect unusable DMA 0 = 0");
	GOOD("expect refusal DMA 4 = \"below watermark\"");
	GOOD("expect refusal DMA 0 = none");
	BAD(LAB_FAILED, "expect refusal DMA 0 = \"below watermark\"", "is 'none'");
	GOOD("expect fail pages 4");
	GOOD("expect fail pages 4 = \"below watermark\"");
	GOOD("expect fail free A order 0 = \"wrong order\"");
	BAD(LAB_FAILED, "expect fail pages 4 = \"double free\"", "expected 'double free', but");
	BAD(LAB_USAGE, "expect fail pgaes 4", "did you mean 'pages'");
	BAD(LAB_USAGE, "expect fail", "missing");
	BAD(LAB_USAGE, "expect fail pages 4 = a b", "one reason");
	BAD(LAB_FAILED, "expect fail free A", "did not");
	BAD(LAB_FAILED, "expect hash = 1", "expected 1");
	GOOD("repeat 2: expect fail pages 5 = \"below watermark\"");
	lab_destroy(lab);
}

/* What is there beyond the list of an expectation is seen. */
TEST(more_than_expected)
{
	struct lab *lab = begin();

	GOOD("machine 16 frames");
	GOOD("A = bulk 16");
	GOOD("free pfn 3");
	GOOD("free pfn 9");
	GOOD("expect free 0 = 3 9");
	BAD(LAB_FAILED, "expect free 0 = 3", "are 3 9");
	BAD(LAB_FAILED, "expect free 0 = none", "are 3 9");
	GOOD("expect bitmap 0 = 0 1 0 0 1");
	BAD(LAB_FAILED, "expect bitmap 0 = 0 1", "bit 4");
	/* A name is taken as long as a part of it has a reference. */
	GOOD("get A[0]");
	BAD(LAB_FAILED, "free A", "free A[3]: double free");
	BAD(LAB_USAGE, "A = pages 0", "still holds");
	GOOD("machine 16 frames");
	GOOD("A = bulk 2");
	GOOD("get A[0]");
	GOOD("free A");
	BAD(LAB_USAGE, "A = pages 0", "still holds");
	GOOD("free A");
	GOOD("A = pages 0");
	GOOD("machine 4096 frames");
	GOOD("pages 0");
	GOOD("expect pcp DMA 0 = 0");
	GOOD("expect nr_free DMA = 4095");
	lab_destroy(lab);
}

static uint64_t seen_gfp(void *ctx, quire_gfp_t gfp, unsigned order)
{
	(void)order;
	*(quire_gfp_t *)ctx = gfp;
	return 0;
}

/* Without flags a request has those of GFP_KERNEL; with some, those alone. */
TEST(flags)
{
	quire_gfp_t seen = 0;
	const struct quire_pressure hook = { .reclaim = seen_gfp, .ctx = &seen };
	struct lab *lab = begin();

	GOOD("machine 16 frames");
	GOOD("boot");
	quire_set_pressure(lab_quire(lab), &hook);
	BAD(LAB_FAILED, "pages 9", "below watermark");
	CHECK_EQ(seen, QUIRE_GFP_KERNEL);
	BAD(LAB_FAILED, "pages 9 GFP_NOFS | __GFP_ZERO __GFP_NORETRY", "below watermark");
	CHECK_EQ(seen, QUIRE_GFP_NOFS | QUIRE_GFP_ZERO | QUIRE_GFP_BIT_NORETRY);
	lab_destroy(lab);
}

/* A command for which the host has no memory leaves machine and names as they were. */
TEST(no_memory)
{
	static const char *const commands[] = { "B = fill 0", "B = bulk 20", "B = pages 0",
						"B = exact 9000", "split A" };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct quire_hosted port = { .nr_allocs = 0 };
		const struct lab_host host = { .port = &port,
					       .out = { write_out, &record },
					       .talk = { write_talk, &record } };
		enum lab_status status = LAB_FILE;
		struct lab *lab;

		CHECK_EQ(lab_create(&host, &lab), 0);
		GOOD("machine 1024 frames");
		GOOD("A = pages 4");
		for (uint64_t n = 1; status == LAB_FILE; n++) {
			port.fail_at = port.nr_allocs + n;
			status = line(lab, commands[i]);
			port.fail_at = 0;
			CHECK(status == LAB_OK || status == LAB_FILE);
			if (status == LAB_FILE) {
				GOOD("expect nr_free DMA = 1008");
				GOOD("expect order A = 4");
				BAD(LAB_USAGE, "free B", "unknown block");
			} else {
				CHECK(n > 1);
			}
		}
		CHECK_EQ(status, LAB_OK);
		lab_destroy(lab);
		CHECK_EQ(port.live_bytes, 0);
	}
}

TEST(shows)
{
	struct lab *lab = begin();

	GOOD("say \"two  words\" and more");
	CHECK_STR(record.talk, "two  words and more\n");
	GOOD("# nothing");
	GOOD("");
	GOOD("machine 16 frames");
	CHECK_STR(record.out, "");
	GOOD("cat /proc/buddyinfo");
	CHECK(strstr(record.out, "Node 0, zone"));
	BAD(LAB_USAGE, "cat buddyinof", "did you mean 'buddyinfo'");
	BAD(LAB_USAGE, "cat", "missing");
	BAD(LAB_USAGE, "cat buddyinfo twice", "one word too many");
	GOOD("draw free");
	GOOD("draw free svg");
	BAD(LAB_USAGE, "draw fere", "did you mean 'free'");
	BAD(LAB_USAGE, "draw", "missing");
	GOOD("explain pages 0 GFP_KERNEL");
	GOOD("explain 4");
	BAD(LAB_FAILED, "explain 11", "EINVAL");
	record.out[0] = 0;
	GOOD("check");
	CHECK_STR(record.out, "check: every rule holds\n");
	record.out[0] = 0;
	GOOD("json on");
	GOOD("check");
	GOOD("hash");
	GOOD("explain pages 0");
	CHECK(strstr(record.out, "{\"check\":true}\n{\"hash\":\"0x"));
	CHECK(strstr(record.out, "{\"zones\":[{\"zone\":"));
	record.out[0] = 0;
	GOOD("draw free");
	CHECK(strstr(record.out, "{\"view\":\"free\",\"text\":\"Free lists: blocks of 2^order "
				 "frames\\n\\nDMA"));
	CHECK(strchr(record.out, '\n') == record.out + strlen(record.out) - 1);
	record.out[0] = 0;
	GOOD("draw zones svg");
	CHECK(strstr(record.out, "{\"view\":\"zones\",\"svg\":\"<svg xmlns=\\\"http"));
	record.out[0] = 0;
	BAD(LAB_USAGE, "draw fere", "did you mean");
	BAD(LAB_USAGE, "help pagse", "did you mean");
	CHECK_STR(record.out, "");
	GOOD("A = pages 1");
	GOOD("B = fill 0");
	GOOD("show");
	CHECK_STR(record.out, "{\"blocks\":[{\"name\":\"B\",\"held\":14,\"blocks\":14,\"order\":0},"
			      "{\"name\":\"A\",\"held\":1,\"frames\":2,\"first\":0,"
			      "\"zone\":\"DMA\",\"references\":1}]}\n");
	record.out[0] = 0;
	GOOD("help drain");
	CHECK_STR(record.out,
		  "{\"help\":\"drain\",\"text\":\"drain\\n    empty the per-cpu lists\\n\"}\n");
	GOOD("json off");
	BAD(LAB_USAGE, "json maybe", "on, off");
	BAD(LAB_USAGE, "json on now", "one word too many");
	record.out[0] = 0;
	GOOD("hash");
	CHECK(strstr(record.out, "hash 0x") == record.out);
	BAD(LAB_USAGE, "help pagse", "did you mean 'pages'");
	lab_destroy(lab);
}

/* Every command and every form has its help, and no line is wider than a terminal. */
TEST(help)
{
	struct lab *lab = begin();
	char text[64];

	for (size_t i = 0; command_list(i); i++) {
		const struct lab_command *c = command_list(i);
		record.out[0] = 0;
		snprintf(text, sizeof(text), "help %s", c->name);
		GOOD(text);
		CHECK(strstr(record.out, c->about));
		for (const struct lab_form *f = c->forms; f && f->name; f++)
			CHECK(strstr(record.out, f->about));
		for (char *at = strtok(record.out, "\n"); at; at = strtok(NULL, "\n")) {
			size_t columns = 0;
			for (const char *p = at; *p; p++)
				columns += (*p & 0xc0) != 0x80;
			if (columns > 80)
				printf("%s\n", at);
			CHECK(columns <= 80);
		}
		record.out[0] = 0;
		GOOD("help");
		CHECK(strstr(record.out, c->about));
	}
	CHECK_EQ(lab_help(&(struct quire_sink){ write_out, &record }, "nothing"), -QUIRE_ENOENT);
	lab_destroy(lab);
}

static bool completes(struct lab *lab, const char *typed, const char *word)
{
	const char *found;

	for (size_t i = 0; (found = lab_complete(lab, typed, i)); i++) {
		if (strcmp(found, word) == 0)
			return true;
	}
	return false;
}

TEST(completion)
{
	struct lab *lab = begin();

	CHECK(completes(lab, "", "machine"));
	CHECK(completes(lab, "exp", "expect") && completes(lab, "exp", "explain"));
	CHECK(!completes(lab, "exp", "pages"));
	CHECK(completes(lab, "expect ", "bitmap"));
	CHECK(completes(lab, "expect bit", "bitmap"));
	CHECK(completes(lab, "cat ", "buddyinfo"));
	CHECK(completes(lab, "cat /proc/bu", "/proc/buddyinfo"));
	CHECK(completes(lab, "cat /", "/sys/kernel/debug/extfrag/extfrag_index"));
	CHECK(!completes(lab, "cat /proc/bu", "/proc/meminfo"));
	CHECK(completes(lab, "cat bu", "buddyinfo") && !completes(lab, "cat ", "/proc/buddyinfo"));
	CHECK(completes(lab, "qu", "quit"));
	CHECK(completes(lab, "draw f", "free"));
	CHECK(completes(lab, "machine i386 r", "ram"));
	CHECK(completes(lab, "A = pages 0 GFP_H", "GFP_HIGHUSER"));
	CHECK(completes(lab, "on cpu 1: pa", "pages"));
	CHECK(completes(lab, "help sp", "split"));
	GOOD("machine 16 frames");
	GOOD("Block = pages 0");
	CHECK(completes(lab, "free ", "Block") && completes(lab, "free B", "Block"));
	CHECK(!lab_complete(lab, "\"open", 0));
	CHECK(!lab_complete(lab, "nothing ", 0));
	lab_destroy(lab);
}

TEST(scripts)
{
	struct lab *lab = begin();
	const char *good = "machine 16 frames\r\n\n  # remark\nA = pages 0\nexpect pfn A 0";
	const char *wrong = "machine 16 frames\nA = pages 0\nexpect pfn A 3\nbad words";

	CHECK_EQ(lab_text(lab, "good", good, strlen(good)), LAB_OK);
	CHECK_STR(lab_message(lab), "");
	CHECK_EQ(lab_text(lab, "quits", "say x\nquit # here\nbad", 21), LAB_OK);
	CHECK(!lab_ended(lab));
	GOOD(" quit \t");
	CHECK(lab_ended(lab));
	BAD(LAB_USAGE, "quit now", "one word too many");
	CHECK(!lab_ended(lab));
	GOOD("exit");
	CHECK(lab_ended(lab));
	CHECK_EQ(lab_text(lab, "wrong", wrong, strlen(wrong)), LAB_FAILED);
	CHECK_STR(lab_message(lab), "wrong:3: A: expected 3, is 0");
	CHECK_EQ(lab_text(lab, "nul", "say\0x\n", 6), LAB_USAGE);
	CHECK(strstr(lab_message(lab), "nul:1:"));
	lab_destroy(lab);
}

/* A host without files and with one processor says so. */
TEST(poor_host)
{
	const struct lab_host host = { .out = { write_out, &record },
				       .talk = { write_talk, &record } };
	struct lab *lab;

	CHECK_EQ(lab_create(&host, &lab), 0);
	BAD(LAB_FILE, "map x", "no files");
	GOOD("machine x86-64 ram 64M cpus 2");
	BAD(LAB_USAGE, "on cpu 1: pages 0", "only cpu 0");
	GOOD("on cpu 0: pages 0");
	lab_destroy(lab);
	lab_destroy(NULL);
}

/* Two sessions do not know of each other, and all memory comes back. */
TEST(two_sessions)
{
	struct quire_hosted port = { .nr_allocs = 0 };
	const struct lab_host host = { .port = &port,
				       .out = { write_out, &record },
				       .talk = { write_talk, &record } };
	struct lab *a, *b, *lab;

	CHECK_EQ(lab_create(&host, &a), 0);
	CHECK_EQ(lab_create(&host, &b), 0);
	lab = a;
	GOOD("machine 16 frames");
	GOOD("A = bulk 5");
	GOOD("free A");
	GOOD("A = pages 0");
	lab = b;
	GOOD("machine i386 ram 64M");
	BAD(LAB_USAGE, "free A", "unknown block");
	GOOD("A = fill 10");
	lab_destroy(a);
	GOOD("check");
	lab_destroy(b);
	CHECK_EQ(port.live_bytes, 0);
}

TEST_MAIN(CASE(words), CASE(text), CASE(gfp), CASE(blocks), CASE(many), CASE(expectations),
	  CASE(more_than_expected), CASE(flags), CASE(no_memory), CASE(shows), CASE(help),
	  CASE(completion), CASE(scripts), CASE(poor_host), CASE(two_sessions))
