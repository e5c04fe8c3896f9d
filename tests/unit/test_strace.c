/* SPDX-License-Identifier: MIT */
/*
 * test_strace.c - lines of strace: every form, every kind of damage
 */
#include <quire/error.h>
#include <quire/mm.h>

#include "strace.h"

#include "../test.h"

static struct lab_strace reader;
static const char *why;

static int read_line(const char *line, struct lab_call *out)
{
	return lab_strace_line(&reader, line, strlen(line), out, &why);
}

static struct lab_call good(const char *line, enum lab_call_kind kind)
{
	struct lab_call call;

	if (read_line(line, &call)) {
		test_failures++;
		printf("does not read: %s: %s\n", why, line);
	} else if (call.kind != kind) {
		test_failures++;
		printf("is a %d, not a %d: %s\n", call.kind, kind, line);
	}
	return call;
}

static void bad(const char *line, const char *reason)
{
	struct lab_call call;

	if (!read_line(line, &call)) {
		test_failures++;
		printf("reads: %s\n", line);
	} else if (strcmp(why, reason) != 0) {
		test_failures++;
		printf("'%s', not '%s': %s\n", why, reason, line);
	}
}

TEST(mmap)
{
	struct lab_call c = good("31353 1795232643.958834 mmap(0x7f045ffc5000, 339968, PROT_READ, "
				 "MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, 3, 0x17c000) = "
				 "0x7f045ffc5000",
				 LAB_CALL_MMAP);

	CHECK_EQ(c.pid, 31353);
	CHECK_EQ(c.time_ns, 1795232643958834000);
	CHECK_EQ(c.arg[0], 0x7f045ffc5000);
	CHECK_EQ(c.arg[1], 339968);
	CHECK_EQ(c.arg[2], QUIRE_PROT_READ);
	CHECK_EQ(c.arg[3], QUIRE_MAP_PRIVATE | QUIRE_MAP_FIXED | QUIRE_MAP_DENYWRITE);
	CHECK_EQ(c.arg[4], 3);
	CHECK_EQ(c.arg[5], 0x17c000);
	CHECK(c.ended && !c.failed && !c.path);
	CHECK_EQ(c.result, 0x7f045ffc5000);

	c = good("mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|"
		 "21<<MAP_HUGE_SHIFT, -1, 0) = -1 ENOMEM (Cannot allocate memory)",
		 LAB_CALL_MMAP);
	CHECK(c.failed);
	CHECK_EQ(c.error, QUIRE_ENOMEM);
	CHECK_EQ(c.arg[3], QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS | QUIRE_MAP_HUGETLB | 21 << 26);
	CHECK_EQ(c.arg[4], -1);

	c = good("mmap2(NULL, 4096, PROT_READ, MAP_SHARED, 3</lib/a.so>, 0x10) = 0xb7f00000 "
		 "<0.000011>",
		 LAB_CALL_MMAP);
	CHECK_EQ(c.arg[5], 0x10000);
	CHECK(c.path_length == 9 && memcmp(c.path, "/lib/a.so", 9) == 0);
	CHECK_EQ(c.result, 0xb7f00000);
}

TEST(heads)
{
	CHECK_EQ(good("brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 0);
	CHECK_EQ(good("[pid  4711] brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 0);
	CHECK_EQ(good("[pid  4712] brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 4712);
	memset(&reader, 0, sizeof(reader));
	CHECK_EQ(good("[pid  4711] brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 4711);
	CHECK_EQ(good("[pid 11<sh>] brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 11);
	CHECK_EQ(good("12<a b> 12:34:56 brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 12);
	CHECK_EQ(good("4711 brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 4711);
	CHECK_EQ(good("12:34:56 brk(NULL) = 0x1000", LAB_CALL_BRK).time_ns, 45296000000000);
	CHECK_EQ(good("12:34:56.5 brk(0x1) = 0x1", LAB_CALL_BRK).time_ns, 45296500000000);
	CHECK_EQ(good("7  0.000012 brk(0x1) = 0x1", LAB_CALL_BRK).time_ns, 12000);
	CHECK_EQ(good("7  1.000003 brk(0x1) = 0x1", LAB_CALL_BRK).time_ns, 1000015000);
	CHECK_EQ(good("0.5 brk(0x1) = 0x1", LAB_CALL_BRK).time_ns, 1500015000);
	CHECK_EQ(good("7 [00007f0000000010] brk(0x1) = 0x1", LAB_CALL_BRK).pid, 7);
}

TEST(the_other_calls)
{
	struct lab_call c = good("munmap(0x1000, 4096) = 0", LAB_CALL_MUNMAP);
	CHECK_EQ(c.arg[1], 4096);
	c = good("mremap(0x1000, 4096, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, 0x5000) = 0x5000",
		 LAB_CALL_MREMAP);
	CHECK_EQ(c.arg[3], QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED);
	CHECK_EQ(c.arg[4], 0x5000);
	good("mremap(0x1000, 4096, 8192, 0) = -1 EFAULT (Bad address)", LAB_CALL_MREMAP);
	CHECK_EQ(good("madvise(0x1000, 4096, MADV_FREE) = 0", LAB_CALL_MADVISE).arg[2],
		 QUIRE_MADV_FREE);
	CHECK_EQ(good("madvise(0x1000, 4096, 0x63 /* MADV_??? */) = 0", LAB_CALL_MADVISE).arg[2],
		 0x63);
	good("mlock2(0x1000, 4096, MLOCK_ONFAULT) = 0", LAB_CALL_MLOCK);
	good("munlockall() = 0", LAB_CALL_MUNLOCKALL);
	good("mincore(0x1000, 8192, [1, 0]) = 0", LAB_CALL_MINCORE);
	good("msync(0x1000, 8192, MS_SYNC) = 0", LAB_CALL_MSYNC);
	good("openat(AT_FDCWD, \"/a)b\", O_RDONLY) = 3", LAB_CALL_OTHER);
	c = good("exit_group(0)   = ?", LAB_CALL_EXIT);
	CHECK(!c.ended && c.arg[0] == 1);
	good("+++ exited with 0 +++", LAB_CALL_GONE);
	good("7 +++ killed by SIGSEGV (core dumped) +++", LAB_CALL_GONE);
	good("--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---", LAB_CALL_NONE);
	good("strace: Process 7 attached", LAB_CALL_NONE);
	good("", LAB_CALL_NONE);
}

TEST(processes)
{
	struct lab_call c = good("7 execve(\"/usr/bin/a \\\"b\", [\"a\", \"x)y\"...], "
				 "0x7ffd33726728 /* 41 vars */) = 0",
				 LAB_CALL_EXECVE);

	CHECK(c.path_length == 14 && memcmp(c.path, "/usr/bin/a \\\"b", 14) == 0);
	c = good("7 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, "
		 "child_tidptr=0x7f934e6cf310) = 32338",
		 LAB_CALL_FORK);
	CHECK_EQ(c.arg[0], 0);
	CHECK_EQ(c.result, 32338);
	c = good("7 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, stack=0x7f00}, 88) = 9",
		 LAB_CALL_FORK);
	CHECK_EQ(c.arg[0], LAB_CLONE_VM | LAB_CLONE_THREAD);
	CHECK_EQ(good("7 vfork() = 9", LAB_CALL_FORK).arg[0], LAB_CLONE_VM | LAB_CLONE_VFORK);
}

/* What strace says behind a result. */
TEST(rests)
{
	CHECK_EQ(good("7 fork() = 9 /* 5 in strace's PID NS */", LAB_CALL_FORK).result, 9);
	CHECK_EQ(good("7 brk(NULL) = 0x1000 <0.000007>", LAB_CALL_BRK).result, 0x1000);
	CHECK_EQ(good("7 munmap(0x1000, 1) = 0 (INJECTED) <0.000007>", LAB_CALL_MUNMAP).result, 0);
	CHECK(good("7 brk(NULL) = -1 ENOMEM (Cannot allocate memory) <0.1>", LAB_CALL_BRK).failed);
	CHECK(!good("7 brk(NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
		    LAB_CALL_BRK).ended);
	CHECK(!good("7 exit_group(0) = ?", LAB_CALL_EXIT).ended);
	CHECK(!good("7 exit_group(0) = ? <unavailable>", LAB_CALL_EXIT).ended);
}

TEST(two_parts)
{
	good("7 mprotect(0x1000, 4096, <unfinished ...>", LAB_CALL_NONE);
	good("8 brk(NULL) = 0x1000", LAB_CALL_BRK);
	struct lab_call c = good("7 <... mprotect resumed>PROT_READ) = 0", LAB_CALL_MPROTECT);
	CHECK_EQ(c.pid, 7);
	CHECK_EQ(c.arg[0], 0x1000);
	CHECK_EQ(c.arg[2], QUIRE_PROT_READ);

	good("7 execve(\"/bin/as\", [\"as\"], 0x37b91da0 /* 45 vars */ <unfinished ...>",
	     LAB_CALL_NONE);
	CHECK_EQ(good("7 <... execve resumed>) = 0", LAB_CALL_EXECVE).path_length, 7);
	good("7 wait4(9,  <unfinished ...>", LAB_CALL_NONE);
	good("7 <... wait4 resumed>[{WIFEXITED(s)}], 0, NULL) = 9", LAB_CALL_OTHER);
	reader.nr_torn = 0;
	good("7 <... mprotect resumed>PROT_READ) = 0", LAB_CALL_OTHER);
	CHECK_EQ(reader.nr_torn, 1);

	/* Who is killed in a call leaves it. */
	good("7 brk(NULL <unfinished ...>", LAB_CALL_NONE);
	good("7 +++ killed by SIGKILL +++", LAB_CALL_GONE);
	good("7 brk(NULL <unfinished ...>", LAB_CALL_NONE);
	bad("7 brk(NULL <unfinished ...>", "that process is inside of a call already");
	good("7 <... brk resumed>) = 0x1000", LAB_CALL_BRK);
}

/* What strace -f prints on the terminal, its own messages among it. */
TEST(terminal)
{
	struct lab_call c;

	memset(&reader, 0, sizeof(reader));
	CHECK_EQ(good("brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 0);
	good("clone(child_stack=NULL, flags=CLONE_VM|SIGCHLDstrace: Process 81 attached",
	     LAB_CALL_NONE);
	good(" <unfinished ...>", LAB_CALL_NONE);
	CHECK_EQ(good("[pid 81] brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 81);
	c = good("[pid 80] <... clone resumed>, child_tidptr=0x7fb7) = 81", LAB_CALL_FORK);
	CHECK(!c.pid && c.arg[0] == LAB_CLONE_VM && c.result == 81);
	good("[pid 81] fork(strace: Process 82 attached", LAB_CALL_NONE);
	c = good(") = 82", LAB_CALL_FORK);
	CHECK(c.pid == 81 && c.result == 82);
	good("strace: Process 83 attached", LAB_CALL_NONE);
	CHECK_EQ(good("[pid 83] +++ exited with 0 +++", LAB_CALL_GONE).pid, 83);
	CHECK_EQ(good("[pid 80] +++ exited with 0 +++", LAB_CALL_GONE).pid, 0);
	CHECK_EQ(good("[pid 81] +++ exited with 0 +++", LAB_CALL_GONE).pid, 81);
	/* One is left, and has no name any more. */
	CHECK_EQ(good("brk(NULL) = 0x1000", LAB_CALL_BRK).pid, 82);
	CHECK_EQ(good("+++ exited with 0 +++", LAB_CALL_GONE).pid, 82);
	bad("brk(strace: Process attached", "number expected");
	memset(&reader, 0, sizeof(reader));
}

TEST(too_many_are_inside)
{
	char line[64];

	for (unsigned i = 0; i < LAB_STRACE_OPEN; i++) {
		snprintf(line, sizeof(line), "%u brk(NULL <unfinished ...>", 100 + i);
		good(line, LAB_CALL_NONE);
	}
	bad("7 brk(NULL <unfinished ...>", "too many processes inside of calls");
	memset(&reader, 0, sizeof(reader));
}

TEST(damage)
{
	bad("7 mmap(NULL, 8192, PROT_READ", "a comma expected");
	bad("7 mmap(NULL, 8192, PROT_READ) = 0", "fewer arguments than the call has");
	bad("7 munmap(0x1000, 1, 2) = 0", "more arguments than the call has");
	bad("7 munmap(0x1000, 1)", "a result expected");
	bad("7 munmap(0x1000, 1) = ", "number expected");
	bad("7 munmap(0x1000, 1) = -1 ", "an error expected");
	bad("7 munmap(0x1000, 1) = 0munmap(0x1000, 1) = 0",
	    "something follows that does not belong here");
	bad("7 munmap(0x1000, 1) = 08 munmap(0x1000, 1) = 0",
	    "something follows that does not belong here");
	bad("7 munmap(0x1000, 1) = -1 EINVAL8 munmap(0x1000, 1) = 0",
	    "something follows that does not belong here");
	bad("7 munmap(0x1000, 1) = -1 EINVAL (Invalid arg", "words without their end");
	bad("7 exit(0) = ?8 munmap(0x1000, 1) = 0", "something follows that does not belong here");
	bad("7 munmap(0x1000, 1) = 0 <0.00", "words without their end");
	bad("7 fork() = 9 /* 5 in", "a comment without its end");
	bad("7 munmap(0x1000, zwei) = 0", "number expected");
	bad("7 mprotect(0x1000, 1, PROT_FOO) = 0", "a flag that is not known");
	bad("7 mprotect(0x1000, 1, PROT_READ|) = 0", "a flag expected");
	bad("7 execve(\"/bin/as, [", "a string without its end");
	bad("7 clone(child_stack=NULL) = 9", "clone without flags");
	bad("7", "neither a process nor a time");
	bad("[pid x] brk(NULL) = 0", "no process behind [pid");
	bad("hello", "no call");
}

TEST_MAIN(CASE(mmap), CASE(heads), CASE(the_other_calls), CASE(processes), CASE(rests),
	  CASE(two_parts), CASE(terminal), CASE(too_many_are_inside), CASE(damage))
