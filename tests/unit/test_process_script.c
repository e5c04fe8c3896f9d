/* SPDX-License-Identifier: MIT */
/*
 * test_process_script.c - processes in the script language: what it shows, what it refuses, what it
 * loses
 */
#include "figure.h"
#include "image.h"
#include "script_rig.h"

#include "elf_image.h"

static struct quire_hosted port;
static struct image program, interpreter;

static int read_file(void *ctx, const char *name, char **text, size_t *length, const char **why)
{
	const struct image *image = !strcmp(name, "/bin/prog") ? &program
				    : !strcmp(name, "/lib/ld")	? &interpreter
								: NULL;

	(void)ctx;
	if (!image) {
		*why = "not here";
		return -QUIRE_ENOENT;
	}
	*text = malloc(image->length);
	memcpy(*text, image->bytes, image->length);
	*length = image->length;
	return 0;
}

static struct lab *begin_process(const char *machine)
{
	const struct lab_host host = {
		.port = &port,
		.out = { write_out, &record },
		.talk = { write_talk, &record },
		.read = read_file,
		.done = done,
		.set_cpu = set_cpu,
		.ctx = &record,
	};
	struct lab *lab = NULL;

	port = (struct quire_hosted){ .nr_allocs = 0 };
	memset(&record, 0, sizeof(record));
	file_text = NULL;
	if (lab_create(&host, &lab))
		abort();
	GOOD(machine);
	return lab;
}

/* End the session; nothing remains. */
static void end_process(struct lab *lab)
{
	CHECK(quire_check(lab_quire(lab), NULL));
	lab_destroy(lab);
	quire_hosted_cpu(0);
	quire_hosted_release(&port);
	CHECK_EQ(port.live_bytes, 0);
}

/* A dynamic program and its interpreter. */
static void build(bool wide)
{
	struct part *p;

	image_begin(&interpreter, wide, 3);
	image_finish(&interpreter);
	image_begin(&program, wide, 3);
	p = image_part(&program, PT_INTERP, true);
	p->offset = image_data(&program, "/lib/ld", 8);
	p->filesz = p->memsz = 8;
	image_finish(&program);
}

static const char *shown(struct lab *lab, const char *text)
{
	record.out[0] = 0;
	GOOD(text);
	return record.out;
}

TEST(exec)
{
	struct lab *lab = begin_process("machine x86-64 ram 64M cpus 2");

	build(true);
	GOOD("P = exec /bin/prog one two env HOME=/");
	CHECK_STR(shown(lab, "cat /proc/P/maps"),
		  "555555554000-555555556000 r-xp 00000000 08:01 1                          "
		  "/bin/prog\n"
		  "7ffff7ffd000-7ffff7fff000 r-xp 00000000 08:01 2                          "
		  "/lib/ld\n"
		  "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          "
		  "[stack]\n");
	CHECK_STR(shown(lab, "cat /proc/1/statm"), "37 1 0 2 0 33 0\n");
	/* The same file again is the same pages. */
	GOOD("Q = exec /bin/prog");
	GOOD("touch 0x555555555000 exec");
	GOOD("on P: touch 0x555555555000 exec");
	GOOD("expect mapcount 0x555555555000 = 2");
	GOOD("on cpu 1: on P: touch 0x555555555000");
	GOOD("on P: expect mm file = 2");
	/* A new image in an old process. */
	GOOD("Q = program text 8K compat");
	GOOD("expect area 0x8048000 = 8K r-xp program");
	GOOD("expect area 0x555555555000 = none");
	GOOD("on P: exec /bin/prog");
	BAD(LAB_FILE, "R = exec /bin/none", "not here");
	memset(interpreter.bytes, 'x', 4);
	BAD(LAB_USAGE, "exec", "the program's file");
	GOOD("exit P");
	GOOD("exit Q");
	GOOD("expect vm processes = 0");
	BAD(LAB_USAGE, "touch 0", "there is no process");
	end_process(lab);
	/* The interpreter is damaged: what Linux says. */
	lab = begin_process("machine i386 ram 64M");
	BAD(LAB_FAILED, "P = exec /bin/prog", "ENOEXEC");
	build(false);
	GOOD("machine i386 ram 64M");
	memset(interpreter.bytes, 'x', 4);
	GOOD("expect fail P = exec /bin/prog = ELIBBAD");
	BAD(LAB_USAGE, "on P: touch 0", "say: on cpu N");
	end_process(lab);
}

TEST(wrong_words)
{
	struct lab *lab = begin_process("machine x86-64 ram 64M");

	BAD(LAB_USAGE, "process", "a process has a name");
	BAD(LAB_USAGE, "P = process fast", "fast");
	GOOD("P = process seed 5");
	BAD(LAB_USAGE, "P = process", "is a process still");
	BAD(LAB_USAGE, "kernel = process", "can't be a process's name");
	BAD(LAB_USAGE, "C = fork Q", "Q");
	BAD(LAB_USAGE, "mmap", "the size");
	BAD(LAB_USAGE, "mmap 4K shard", "did you mean 'shared'");
	BAD(LAB_USAGE, "mprotect 0x1000 4K rwq", "rights");
	BAD(LAB_USAGE, "madvise 0x1000 4K dontned", "did you mean 'dontneed'");
	BAD(LAB_USAGE, "mlock 0x1000 4K late", "late");
	BAD(LAB_USAGE, "rlimit stak = 4K", "did you mean 'stack'");
	BAD(LAB_USAGE, "exit Q", "Q");
	BAD(LAB_USAGE, "touch A", "A");
	BAD(LAB_USAGE, "touch 0xfffffffffffff000 8K", "there is no such range");
	BAD(LAB_USAGE, "cat /proc/P/map", "did you mean 'maps'");
	BAD(LAB_USAGE, "cat /proc/Q/maps", "report");
	BAD(LAB_USAGE, "program text 1", "text is 4K");
	BAD(LAB_USAGE, "program txt 4K", "txt");
	BAD(LAB_USAGE, "expect mm rs = 4", "did you mean 'rss'");
	BAD(LAB_USAGE, "draw space Q", "Q");
	BAD(LAB_FAILED, "expect mm rss = 4", "rss: expected 4, is 0");
	BAD(LAB_FAILED, "expect area 0 = 4K rw-p", "is 'none'");
	BAD(LAB_FAILED, "expect mapcount 0x1000 = 1", "nothing is resident there");
	BAD(LAB_FAILED, "mmap 4K at 1 fixed", "EINVAL");
	BAD(LAB_FAILED, "munmap 1 4K", "EINVAL");
	BAD(LAB_FAILED, "touch 0x1000 write", "0x1000: SIGSEGV MAPERR");
	GOOD("exit P");
	BAD(LAB_USAGE, "mmap 4K", "there is no process");
	end_process(lab);
}

/* Each system call once, with what it does. */
TEST(calls)
{
	struct lab *lab = begin_process("machine i386 ram 64M cpus 2");

	GOOD("P = program");
	GOOD("A = mmap 64K at 0x20000000 fixed populate");
	GOOD("expect mm anon = 17");
	GOOD("expect mincore A 64K = 16");
	GOOD("mlock A 8K");
	GOOD("expect mm locked = 2");
	GOOD("expect vm mlocked = 2");
	GOOD("munlock A 8K");
	GOOD("mlockall current future");
	GOOD("munlockall");
	GOOD("expect mm locked = 0");
	GOOD("B = mremap A 64K 32K at 0x30000000");
	GOOD("expect mincore B 32K = 8");
	GOOD("C = mmap 8K shared");
	GOOD("store C+4 = 70000");
	GOOD("expect load C+4 = 70000");
	GOOD("expect mm shmem = 1");
	GOOD("msync C 8K sync");
	GOOD("expect fail mseal C 8K = EPERM");
	GOOD("rlimit as = 1M");
	GOOD("expect fail mmap 2M = ENOMEM");
	GOOD("rlimit as = unlimited");
	GOOD("H = brk +5000");
	GOOD("brk H");
	GOOD("expect area H = none");
	GOOD("sysctl vm.overcommit_memory = 2");
	GOOD("expect fail mmap 64M = ENOMEM");
	GOOD("sysctl vm.mmap_min_addr = 0");
	GOOD("D = mmap 4K at 0 fixed");
	GOOD("store 0 = 5");
	GOOD("sysctl vm.max_map_count = 5");
	GOOD("expect fail mmap 4K rx = ENOMEM");
	GOOD("walk 0 user in P");
	GOOD("expect table P pages = 46");
	BAD(LAB_USAGE, "table P unmap 0-4096", "P");
	GOOD("json on");
	CHECK(strstr(shown(lab, "cat /proc/P/status"), "{\"VmPeak\":"));
	CHECK(strstr(shown(lab, "draw space P"), "{\"view\":\"space\",\"text\":\"Address"));
	CHECK(strstr(shown(lab, "draw walk 0 user in P svg"), "{\"view\":\"walk\",\"svg\":\"<svg"));
	/* Loaded on two processors, and both go on without it. */
	GOOD("on cpu 1: touch B");
	GOOD("touch B");
	GOOD("exit P");
	end_process(lab);
}

TEST(pictures)
{
	struct lab *lab = begin_process("machine x86-64 ram 64M");

	GOOD("P = program text 8K data 4K bss 8K");
	GOOD("A = mmap 32K at 0x20000000 fixed");
	GOOD("touch A 12K write");
	GOOD("touch 0x400000");
	GOOD("C = fork P");
	GOOD("on C: store A = 1");
	CHECK_STR(shown(lab, "draw space P C"),
		  "Address space of P and C\n"
		  "                                        P                   C\n"
		  "7ffffffde000      132 kB rw-p [stack]   ················s   ················s\n"
		  "20000000           32 kB rw-p           ass·····            ass·····\n"
		  "00403000            8 kB rw-p           ··                  ··\n"
		  "00402000            4 kB rw-p program   ·                   ·\n"
		  "00400000            8 kB r-xp program   f·                  ··\n"
		  "\n"
		  "From the top down. A bar's cells are pages, or equal parts of the area.\n"
		  "· not resident   a its own frame   s frame shared since fork   "
		  "f page of a file\n"
		  "P: 5 areas, 46 pages, 5 resident, 32 kB of page tables\n"
		  "C: 5 areas, 46 pages, 4 resident, 28 kB of page tables\n");
	GOOD("on C: mprotect A+4K 4K none");
	record.out[0] = 0;
	GOOD("draw walk 0x20001234 user in C");
	CHECK(strstr(record.out, "PGD 0        PUD 0        PMD 256      PTE 1\n"));
	CHECK(strstr(record.out, "PMD at 0x") && strstr(record.out, "········^·······"));
	CHECK(strstr(record.out, "#PF, error code 4"));
	end_process(lab);
}

TEST_MAIN(CASE(exec), CASE(wrong_words), CASE(calls), CASE(pictures))
