/* SPDX-License-Identifier: MIT */
/*
 * exec.h - program images: ELF files into the five regions of a process
 *
 *   text, data   the PT_LOAD segments, mapped privately from the file
 *   bss          what is longer in memory than in the file: zeros
 *   heap         behind it, grown by quire_brk
 *   mmap area    the interpreter of a dynamic program, and what it maps
 *   stack        argument strings, environment, auxiliary vector, argc
 *
 * Source: System V ABI (gABI ch. 4 and 5; i386 and x86-64 supplements), elf(5), getauxval(3)
 */
#ifndef QUIRE_EXEC_H
#define QUIRE_EXEC_H

#include <quire/mm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct quire_exec - the arguments of execve, and what the kernel adds */
struct quire_exec {
	struct quire_file *file;  /* the program, opened for reading */
	const char *path;         /* as it was called: AT_EXECFN */
	const char *const *argv;  /* NULL-terminated */
	const char *const *envp;  /* likewise */
	/*
	 * Open a dynamic program's interpreter, by the path in its PT_INTERP. 0 or a negative error
	 */
	int (*open)(void *ctx, const char *path, struct quire_file **out);
	void *ctx;
	unsigned char random[16]; /* AT_RANDOM */
	uint32_t uid, euid, gid, egid;
	bool secure;              /* AT_SECURE */
	uint64_t hwcap, hwcap2;
	const char *platform;     /* AT_PLATFORM; NULL: "x86_64" or "i686" */
};

/** struct quire_exec_start - where the program begins */
struct quire_exec_start {
	quire_virt_t entry; /* of the interpreter if there is one */
	quire_virt_t stack; /* argc is there, aligned to 16 */
	bool compat;        /* a 32-bit program on a 64-bit machine */
};

/**
 * quire_exec - execve(2)
 * @q:      after quire_vm_boot
 * @config: of the address space; what the file says about 32 bits is filled in
 * @exec:   the program
 * @out:    a new address space; the caller's old one is its own to destroy
 * @start:  registers
 *
 * Return: 0; -QUIRE_ENOEXEC for what is no program of this machine; -QUIRE_E2BIG for arguments
 *         longer than a quarter of the stack's limit; -QUIRE_ELIBBAD for a damaged interpreter;
 *         -QUIRE_EACCES, EIO, EINVAL, ENOMEM; what @exec->open says
 */
int quire_exec(struct quire *q, const struct quire_mm_config *config, const struct quire_exec *exec,
	       struct quire_mm **out, struct quire_exec_start *start);

#ifdef __cplusplus
}
#endif
#endif
