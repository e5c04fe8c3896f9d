/* SPDX-License-Identifier: MIT */
/*
 * strace.h - one line of strace: the calls that change an address space
 *
 * Reads what strace -f prints, with -t, -tt, -ttt, -r, -T, -y, -Y and -i or without, to a file
 * or to the terminal. A call that strace printed in two parts, because another process came
 * between, is one call, at the line that ends it.
 */
#ifndef LAB_STRACE_H
#define LAB_STRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a line is. */
enum lab_call_kind {
	LAB_CALL_NONE,   /* blank, a signal, the first part of a call */
	LAB_CALL_OTHER,  /* a call that changes no address space */
	LAB_CALL_MMAP,   /* address, bytes, prot, flags, fd, offset (mmap2: in pages, here bytes) */
	LAB_CALL_MUNMAP, /* address, bytes */
	LAB_CALL_MPROTECT, /* address, bytes, prot */
	LAB_CALL_MREMAP,   /* address, old bytes, new bytes, flags, new address */
	LAB_CALL_BRK,      /* address */
	LAB_CALL_MADVISE,  /* address, bytes, advice */
	LAB_CALL_MLOCK,    /* address, bytes, flags */
	LAB_CALL_MUNLOCK,  /* address, bytes */
	LAB_CALL_MLOCKALL, /* flags */
	LAB_CALL_MUNLOCKALL,
	LAB_CALL_MSYNC,   /* address, bytes, flags */
	LAB_CALL_MINCORE, /* address, bytes */
	LAB_CALL_EXECVE,  /* path */
	LAB_CALL_FORK,    /* flags: CLONE_…; the result is the child */
	LAB_CALL_EXIT,    /* of one thread, or with flags 1 of the process */
	LAB_CALL_GONE,    /* strace says that the process is gone: exited, or killed */
	LAB_NR_CALLS
};

#define LAB_CLONE_VM 0x100u
#define LAB_CLONE_VFORK 0x4000u
#define LAB_CLONE_THREAD 0x10000u

#define LAB_CALL_ARGS 6

/** struct lab_call - one call, with what it returned */
struct lab_call {
	enum lab_call_kind kind;
	uint64_t pid;     /* 0: strace did not say: one process */
	uint64_t time_ns; /* of -t, -tt, -ttt, -r: since midnight, 1970, the begin; 0 without */
	const char *name; /* into the line, or the reader's copy */
	size_t name_length;
	uint64_t arg[LAB_CALL_ARGS]; /* flags as numbers, in Linux's bits for x86 */
	bool ended;                  /* it returned; false: "= ?" */
	bool failed;
	int error;          /* positive, of a failed call; 0 if its name is not known */
	uint64_t result;    /* of one that did not fail */
	const char *path;   /* of execve and, with -y, of mmap's descriptor; NULL: none */
	size_t path_length; /* as printed, escapes and all */
};

/* Processes that may be inside of a call at the same time. */
#define LAB_STRACE_OPEN 64
/* So much is kept of a call's first part: all, but for an execve's, whose rest is not needed. */
#define LAB_STRACE_TEXT 512

/**
 * struct lab_strace - a reader; zeroed it knows nothing
 *
 * On the terminal strace names processes only while there are several, so the first one has no
 * number until then: it is process 0 here, and stays it. When only one of its children is left,
 * that one has no name any more.
 */
struct lab_strace {
	uint64_t first;    /* what strace calls process 0; 0: not known yet */
	bool bare;         /* a line without a process has been read */
	bool first_gone;   /* the first one's +++ has been read */
	bool torn;         /* strace's own message came in the middle of a call's line */
	uint64_t torn_pid; /* whose call */
	uint64_t live[LAB_STRACE_OPEN]; /* others that were attached and are not gone */
	size_t nr_live;
	uint64_t since_ns; /* of -r, added up */
	struct {
		uint64_t pid;
		uint64_t time_ns;
		size_t length; /* 0: free */
		char text[LAB_STRACE_TEXT];
	} open[LAB_STRACE_OPEN];
	char joined[2 * LAB_STRACE_TEXT]; /* the call that was put together last */
	uint64_t nr_torn;                 /* ends of calls whose beginning was not seen */
};

/**
 * lab_strace_line - read one line
 * @reader: what came before
 * @line:   without its newline
 * @length: of it
 * @out:    the call; its texts are good until the next line
 * @why:    on an error what is wrong, in a few words
 *
 * Return: 0; -QUIRE_EINVAL for a line that strace does not print, and a call that is
 *         damaged; -QUIRE_ENOSPC if too many processes are inside of a call
 */
int lab_strace_line(struct lab_strace *reader, const char *line, size_t length,
		    struct lab_call *out, const char **why);

/** lab_call_name - "mmap" …; NULL for a kind that is no call */
const char *lab_call_name(enum lab_call_kind kind);

#endif
