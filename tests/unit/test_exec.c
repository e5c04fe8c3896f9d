/* SPDX-License-Identifier: MIT */
/*
 * test_exec.c - programs on all machines: regions, stack, limits, seeds; and execve without memory
 */
#include "exec.h"

#include <quire/report.h>

static void text_write(void *ctx, const char *text, size_t n)
{
	strncat(ctx, text, n);
}

/* What maps says, without names' columns. */
static const char *maps_of(struct quire_mm *mm)
{
	static char maps[8192], out[8192];
	const struct quire_sink sink = { text_write, maps };
	size_t used = 0;

	maps[0] = out[0] = 0;
	CHECK_EQ(quire_report_mm(mm, "maps", false, &sink), 0);
	for (const char *line = maps; *line; line = strchr(line, '\n') + 1) {
		unsigned long long start, end;
		char rights[8], path[64] = "";

		sscanf(line, "%llx-%llx %7s %*s %*s %*s%63[^\n]", &start, &end, rights, path);
		const char *name = path + strspn(path, " ");

		used += (size_t)snprintf(out + used, sizeof(out) - used, "%llx-%llx %s%s%s\n",
					 start, end, rights, *name ? " " : "", name);
	}
	return out;
}

static struct image image;
static struct contents contents;

/* The usual program with data and bss, started. NULL after an error, which is in @error. */
static struct quire_mm *start(struct rig *rig, struct quire_exec exec,
			      struct quire_exec_start *begin, int *error)
{
	struct quire_mm *mm = NULL;

	contents = (struct contents){ rig->q, image.bytes, image.length };
	exec.file = exec_file(&contents, "prog");
	if (!exec.file) {
		*error = -QUIRE_ENOMEM;
		return NULL;
	}
	*error = exec_run(rig, exec, &mm, begin);
	quire_file_put(exec.file);
	return mm;
}

static void build(bool wide, unsigned type)
{
	struct part *p;

	image_begin(&image, wide, type);
	p = image_part(&image, PT_LOAD, false);
	p->offset = 0x123;
	p->vaddr = image.part[0].vaddr + 0x3123;
	p->filesz = 0x100;
	p->memsz = 0x2345;
	image_finish(&image);
}

TEST(regions)
{
	static const char *const expected[] = {
		"400000-402000 r-xp prog\n403000-404000 rw-p prog\n404000-406000 rw-p\n"
		"bffdf000-c0000000 rwxp [stack]\n",
		"400000-402000 r-xp prog\n403000-404000 rw-p prog\n404000-406000 rw-p\n"
		"bffdf000-c0000000 rwxp [stack]\n",
		"400000-402000 r-xp prog\n403000-404000 rw-p prog\n404000-406000 rw-p\n"
		"7ffffffde000-7ffffffff000 rw-p [stack]\n",
		"400000-402000 r-xp prog\n403000-404000 rw-p prog\n404000-406000 rw-p\n"
		"7ffffffde000-7ffffffff000 rw-p [stack]\n",
	};

	EACH_MACHINE(m) {
		bool wide = all_machines[m] >= QUIRE_X86_64;
		struct quire_exec_start begin;
		struct quire_mm_layout layout;
		struct quire_mm *mm;
		struct rig rig;
		char byte = 1;
		int error;

		if (!exec_start(&rig, all_machines[m], wide ? MB(64) : MB(1024)))
			return;
		build(wide, 2);
		mm = start(&rig, (struct quire_exec){ 0 }, &begin, &error);
		CHECK_EQ(error, 0);
		CHECK_STR(maps_of(mm), expected[m]);
		CHECK_EQ(begin.entry.v, IMAGE_BASE + IMAGE_CODE);
		CHECK(!begin.compat);
		quire_mm_layout(mm, &layout);
		CHECK_EQ(layout.start_code.v, IMAGE_BASE);
		CHECK_EQ(layout.end_code.v, IMAGE_BASE + IMAGE_CODE + 12);
		CHECK_EQ(layout.start_data.v, IMAGE_BASE + 0x3123);
		CHECK_EQ(layout.end_data.v, IMAGE_BASE + 0x3223);
		CHECK_EQ(layout.start_brk.v, IMAGE_BASE + 0x6000);
		CHECK_EQ(layout.brk.v, IMAGE_BASE + 0x6000);
		CHECK_EQ(layout.start_stack.v, begin.stack.v);
		/* The rest of the data's last page: zeros, though the file goes on. */
		for (uint64_t at = IMAGE_BASE + 0x3223; at < IMAGE_BASE + 0x4010; at += 0x111) {
			CHECK_EQ(quire_copy_from_user(mm, &byte, virt_of(at), 1), 0);
			CHECK_EQ(byte, 0);
		}
		CHECK_EQ(quire_copy_from_user(mm, &byte, virt_of(IMAGE_BASE + 0x3123), 1), 0);
		CHECK_EQ(byte, image.bytes[0x123]);
		CHECK_EQ(quire_brk(mm, virt_of(layout.brk.v + 5000)).v, layout.brk.v + 5000);
		rig_sound(&rig);
		CHECK_EQ(quire_mm_destroy(mm), 0);
		rig_end(&rig);
	}
}

/* A program of 32 bits on a 64-bit machine; not the other way round. */
TEST(compat)
{
	struct quire_exec_start begin;
	struct quire_mm *mm;
	struct rig rig;
	int error;

	if (!exec_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	build(false, 2);
	mm = start(&rig, (struct quire_exec){ 0 }, &begin, &error);
	CHECK_EQ(error, 0);
	CHECK(begin.compat);
	CHECK_STR(maps_of(mm), "400000-402000 r-xp prog\n403000-404000 rw-p prog\n"
			       "404000-406000 rw-p\nfffdd000-ffffe000 rwxp [stack]\n");
	CHECK_EQ(quire_mm_destroy(mm), 0);
	rig_end(&rig);
	if (!exec_start(&rig, QUIRE_I386, MB(64)))
		return;
	build(true, 2);
	start(&rig, (struct quire_exec){ 0 }, &begin, &error);
	CHECK_EQ(error, -QUIRE_ENOEXEC);
	rig_end(&rig);
}

static int run_with(struct rig *rig, const char *const *argv, const char *path)
{
	struct quire_exec_start begin;
	struct quire_mm *mm;
	int error;

	mm = start(rig, (struct quire_exec){ .argv = argv, .path = path }, &begin, &error);
	CHECK_EQ(mm != NULL, error == 0);
	if (mm)
		CHECK_EQ(quire_mm_destroy(mm), 0);
	return error;
}

TEST(arguments)
{
	static char string[131073];
	static const char *many[3000];
	const char *one[] = { string, NULL };
	struct rig rig;

	if (!exec_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	build(true, 2);
	memset(string, 'x', sizeof(string) - 2);
	string[131071] = 0;
	CHECK_EQ(run_with(&rig, one, "p"), 0);
	string[131071] = 'x';
	string[131072] = 0;
	CHECK_EQ(run_with(&rig, one, "p"), -QUIRE_E2BIG);
	CHECK_EQ(run_with(&rig, NULL, ""), -QUIRE_ENOENT);
	/*
	 * A quarter of 8 MB: the strings of 1 kB, their pointers, "p", and the environment of 12
	 * bytes.
	 */
	string[1023] = 0;
	unsigned most = ((2 << 20) - 2 - 11 - 2 * 8) / (1024 + 8);
	for (unsigned i = 0; i < most; i++)
		many[i] = string;
	many[most] = NULL;
	CHECK_EQ(run_with(&rig, many, "p"), 0);
	many[most] = string;
	many[most + 1] = NULL;
	CHECK_EQ(run_with(&rig, many, "p"), -QUIRE_E2BIG);
	/* Who gives no argument at all gives an empty one. */
	const char *none[] = { NULL };
	struct quire_exec_start begin;
	int error;
	struct quire_mm *mm = start(&rig, (struct quire_exec){ .argv = none }, &begin, &error);
	uint64_t argc = 0;

	CHECK_EQ(error, 0);
	CHECK_EQ(quire_copy_from_user(mm, &argc, begin.stack, 8), 0);
	CHECK_EQ(argc, 1);
	CHECK_EQ(quire_mm_destroy(mm), 0);
	rig_end(&rig);
}

/* Layouts by seed: another for each, the same for the same, no region in another's way. */
TEST(seeds)
{
	static const char *const argv[] = { "p", NULL };
	struct rig rig;

	if (!exec_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	for (int wide = 0; wide < 2; wide++) {
		char last[8192] = "";

		for (uint64_t seed = 0; seed < 40; seed++) {
			struct quire_mm_config config;
			struct quire_mm *mm[2] = { NULL, NULL };
			struct quire_exec exec = { .argv = argv, .envp = argv, .path = "p" };
			struct quire_exec_start begin[2];
			char maps[8192];

			build(wide, seed & 1 ? 3 : 2);
			contents = (struct contents){ rig.q, image.bytes, image.length };
			exec.file = exec_file(&contents, "prog");
			quire_mm_config_init(&config);
			config.randomize = true;
			config.seed = seed;
			for (int i = 0; i < 2; i++)
				CHECK_EQ(quire_exec(rig.q, &config, &exec, &mm[i], &begin[i]), 0);
			strcpy(maps, maps_of(mm[0]));
			CHECK_STR(maps_of(mm[1]), maps);
			CHECK_EQ(begin[0].stack.v, begin[1].stack.v);
			CHECK(strcmp(maps, last) != 0);
			CHECK_EQ(begin[0].stack.v & 15, 0);
			strcpy(last, maps);
			for (int i = 0; i < 2; i++)
				CHECK_EQ(quire_mm_destroy(mm[i]), 0);
			quire_file_put(exec.file);
		}
	}
	rig_end(&rig);
}

/* Fewer and fewer free frames: each execve does all, or nothing remains of it. */
TEST(no_memory)
{
	EACH_MACHINE(m) {
		bool wide = all_machines[m] >= QUIRE_X86_64, done = false;
		struct quire_exec_start begin;
		struct rig rig;
		unsigned failed = 0;

		if (!exec_start(&rig, all_machines[m], MB(16)))
			return;
		build(wide, 3);
		for (unsigned left = 0; left < 400 && !done; left++) {
			static struct quire_page *held[8192];
			size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 0,
					     held, 8192);
			int error = 0;

			while (nr && held[nr - 1] && error < (int)left) {
				CHECK_EQ(quire_page_free(rig.q, held[--nr], 0), QUIRE_FREE_OK);
				error++;
			}
			struct quire_mm *mm = start(&rig, (struct quire_exec){ 0 }, &begin, &error);

			CHECK_EQ(mm != NULL, error == 0);
			done = mm != NULL;
			failed += mm == NULL;
			rig_sound(&rig);
			if (mm)
				CHECK_EQ(quire_mm_destroy(mm), 0);
			rig_free_all(&rig, held, nr, 0);
		}
		CHECK(done);
		CHECK(failed > 5);
		rig_end(&rig);
	}
}

TEST_MAIN(CASE(regions), CASE(compat), CASE(arguments), CASE(seeds), CASE(no_memory))
