/* SPDX-License-Identifier: MIT */
/*
 * executor.c - does the judge's calls in real processes
 *
 * Linked by itself, without a C library and without any writable data: its address
 * space is its code, its stack, the memory in common, and what the calls make. So
 * everything else in /proc/self/maps can be compared.
 *
 * The first process waits for an episode, forks process 0 to do it, and waits for
 * its end: an episode begins in an address space as it always was. Calls
 * are done in order, each by the process that it names; the others wait.
 */
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#define PAGE 4096u
#define WIRE ((struct wire *)WIRE_AT)
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FILE (1ull << 61)
#define PAGEMAP_EXCLUSIVE (1ull << 56)

static long syscall6(long nr, const long arg[6])
{
	long result;
	register long r10 __asm__("r10") = arg[3];
	register long r8 __asm__("r8") = arg[4];
	register long r9 __asm__("r9") = arg[5];

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(arg[0]), "S"(arg[1]), "d"(arg[2]), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#define CALL6(nr, a, b, c, d, e, f)                                                          \
	syscall6(nr, (const long[6]){ (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), \
				      (long)(f) })
#define CALL4(nr, a, b, c, d) CALL6(nr, a, b, c, d, 0, 0)
#define CALL3(nr, a, b, c) CALL6(nr, a, b, c, 0, 0, 0)
#define CALL2(nr, a, b) CALL6(nr, a, b, 0, 0, 0, 0)
#define CALL1(nr, a) CALL6(nr, a, 0, 0, 0, 0, 0)

/* The compiler's own calls. */
void *memset(void *p, int value, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *p, int value, size_t n)
{
	void *at = p;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(value) : "memory");
	return p;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
	return to;
}

static void die(void)
{
	for (;;)
		CALL1(__NR_exit_group, 0);
}

/* Something that can't be: the judge reads the line. */
static void broken(int line)
{
	WIRE->broken = line;
	WIRE->event++;
	CALL3(__NR_futex, &WIRE->event, FUTEX_WAKE, 0x7fffffff);
	die();
}

#define NEED(cond)                        \
	do {                              \
		if (!(cond))              \
			broken(__LINE__); \
	} while (0)

static void tell(void)
{
	__atomic_add_fetch(&WIRE->event, 1, __ATOMIC_SEQ_CST);
	CALL3(__NR_futex, &WIRE->event, FUTEX_WAKE, 0x7fffffff);
}

static void await(uint32_t event)
{
	CALL4(__NR_futex, &WIRE->event, FUTEX_WAIT, event, 0);
}

/* ---- Touches ---------------------------------------------------------------------- */

/* The kernel's own structures, as far as they are read here. */
struct action {
	void (*handler)(int, void *, void *);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};
#define SA_SIGINFO 4ul
#define SA_RESTORER 0x04000000ul
#define SA_NODEFER 0x40000000ul
#define SIGTRAP 5
#define SIGBUS 7
#define SIGSEGV 11

struct info {
	int signal, error, code, pad;
	uint64_t address;
};

/* Registers in a ucontext. */
enum { R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP, EFL };
struct context {
	unsigned long flags;
	void *link;
	unsigned long stack[3];
	uint64_t reg[23];
};
#define TRAP_FLAG 0x100u

/* Where the touching instructions are, and where they go on after a signal. */
extern const char touch_read_at[], touch_read_end[];
extern const char touch_write_at[], touch_write_end[];
extern const char touch_fetch_end[];
void restore(void);

__asm__(".text\n"
	".globl restore\n"
	"restore: mov $15, %eax\n" /* rt_sigreturn */
	"syscall\n");

static void on_signal(int signal, void *raw_info, void *raw_context)
{
	const struct info *info = raw_info;
	uint64_t *reg = ((struct context *)raw_context)->reg;
	uint64_t end;

	if (reg[RIP] == (uintptr_t)touch_read_at)
		end = (uintptr_t)touch_read_end;
	else if (reg[RIP] == (uintptr_t)touch_write_at)
		end = (uintptr_t)touch_write_end;
	else if (signal == SIGTRAP && reg[RIP] == reg[R13])
		return; /* the jump was made; next is the instruction there */
	else
		end = (uintptr_t)touch_fetch_end;
	if (end == (uintptr_t)touch_fetch_end && reg[R14] != 0x6665746368u)
		broken(-(int)(reg[RIP] & 0xffffff));
	reg[EFL] &= ~(uint64_t)TRAP_FLAG;
	reg[RIP] = end;
	if (signal != SIGTRAP) {
		reg[R8] = (uint64_t)signal | (uint64_t)(uint32_t)info->code << 8;
		reg[R9] = info->address;
	} else {
		reg[R8] = 0;
	}
}

static void handle(int signal)
{
	const struct action action = { on_signal, SA_SIGINFO | SA_RESTORER | SA_NODEFER, restore,
				       0 };

	NEED(CALL4(__NR_rt_sigaction, signal, &action, NULL, 8) == 0);
}

struct touched {
	uint64_t what; /* 0, or signal and code */
	uint64_t address;
	uint8_t value;
};

static __attribute__((noinline)) struct touched touch_read(uint64_t at)
{
	register uint64_t what __asm__("r8") = 0;
	register uint64_t address __asm__("r9") = 0;
	uint32_t value = 0;

	__asm__ volatile(".globl touch_read_at, touch_read_end\n"
			 "touch_read_at: movzbl (%3), %0\n"
			 "touch_read_end:\n"
			 : "+a"(value), "+r"(what), "+r"(address)
			 : "D"(at)
			 : "memory");
	return (struct touched){ what, address, (uint8_t)value };
}

static __attribute__((noinline)) struct touched touch_write(uint64_t at, uint8_t value)
{
	register uint64_t what __asm__("r8") = 0;
	register uint64_t address __asm__("r9") = 0;

	__asm__ volatile(".globl touch_write_at, touch_write_end\n"
			 "touch_write_at: movb %b3, (%2)\n"
			 "touch_write_end:\n"
			 : "+r"(what), "+r"(address)
			 : "D"(at), "a"((uint32_t)value)
			 : "memory");
	return (struct touched){ what, address, value };
}

/*
 * One instruction at @at, by single steps. Whatever it is of WIRE_OPCODES or 0 0 does no
 * harm: the registers are given up, rax points to memory, there is an address on the stack.
 */
static __attribute__((noinline)) struct touched touch_fetch(uint64_t at)
{
	register uint64_t what __asm__("r8") = 0;
	register uint64_t address __asm__("r9") = 0;
	register uint64_t target __asm__("r13") = at;
	register uint64_t mine __asm__("r14") = 0x6665746368u;

	__asm__ volatile(".globl touch_fetch_end\n"
			 "push %%rbp\n"
			 "push %%rbx\n"
			 "mov %%rsp, %%r12\n"
			 "sub $512, %%rsp\n"
			 "lea -256(%%rsp), %%rax\n"
			 "push %%r12\n"
			 "pushfq\n"
			 "orq $0x100, (%%rsp)\n"
			 "popfq\n"
			 "jmp *%2\n"
			 "touch_fetch_end: cld\n"
			 "mov %%r12, %%rsp\n"
			 "pop %%rbx\n"
			 "pop %%rbp\n"
			 : "+r"(what), "+r"(address), "+r"(target), "+r"(mine)
			 :
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r10", "r11", "r12", "r15", "memory",
			   "cc");
	return (struct touched){ what, address, 0 };
}

static void touched(struct result *out, struct touched t)
{
	out->signal = (uint8_t)(t.what & 0xff);
	out->code = (uint8_t)(t.what >> 8);
	out->fault_at = t.address;
	out->value = t.what ? 0 : t.value;
}

/* ---- Looking --------------------------------------------------------------------- */

/* Append a file of /proc to the text. */
static void take_text(const char *path, uint32_t *at, uint32_t *nr)
{
	long fd = CALL3(__NR_open, path, 0, 0);

	NEED(fd >= 0);
	*at = WIRE->text_used;
	for (;;) {
		uint32_t room = WIRE_TEXT - WIRE->text_used;
		long n = CALL3(__NR_read, fd, WIRE->text + WIRE->text_used, room);

		NEED(n >= 0 && room > 65536);
		if (!n)
			break;
		WIRE->text_used += (uint32_t)n;
	}
	*nr = WIRE->text_used - *at;
	CALL1(__NR_close, fd);
}

static const char *hex(const char *p, uint64_t *out)
{
	*out = 0;
	for (;; p++) {
		if (*p >= '0' && *p <= '9')
			*out = *out * 16 + (uint64_t)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			*out = *out * 16 + (uint64_t)(*p - 'a' + 10);
		else
			return p;
	}
}

/* The executor's own areas are not looked at. */
static bool is_own(uint64_t start)
{
	return (start >= WIRE_CODE_AT && start < WIRE->heap) || start >= WIRE_TOP ||
	       (start >= WIRE_AT && start < WIRE_AT + sizeof(struct wire));
}

static void take_pages_of(long fd, uint64_t start, uint64_t end)
{
	uint64_t nr = (end - start) / PAGE;
	uint64_t entries[64];

	if (nr > WIRE_PAGES)
		nr = WIRE_PAGES;
	for (uint64_t i = 0; i < nr; i += 64) {
		uint64_t n = nr - i < 64 ? nr - i : 64;

		NEED(CALL4(__NR_pread64, fd, entries, n * 8, (start / PAGE + i) * 8) ==
		     (long)n * 8);
		for (uint64_t k = 0; k < n; k++) {
			uint64_t e = entries[k];
			char c = e & PAGEMAP_PRESENT ? PAGE_THERE : 0;

			if (c && e & PAGEMAP_FILE)
				c |= PAGE_FILE;
			if (c && e & PAGEMAP_EXCLUSIVE)
				c |= PAGE_ALONE;
			WIRE->text[WIRE->text_used++] = c;
		}
	}
}

static void take_pages(struct result *out)
{
	const char *p = WIRE->text + out->maps, *end = p + out->nr_maps;
	long fd = CALL3(__NR_open, "/proc/self/pagemap", 0, 0);

	NEED(fd >= 0);
	out->pages = WIRE->text_used;
	while (p < end) {
		uint64_t from, to;

		p = hex(p, &from);
		p = hex(p + 1, &to);
		if (!is_own(from))
			take_pages_of(fd, from, to);
		while (p < end && *p++ != '\n')
			;
	}
	out->nr_pages = WIRE->text_used - out->pages;
	CALL1(__NR_close, fd);
}

/* ---- Calls ----------------------------------------------------------------------- */

static bool resolve(int32_t ref, uint64_t at, uint64_t *out)
{
	*out = at;
	if (ref == REF_HEAP)
		*out += WIRE->heap;
	else if (ref >= 0) {
		const struct result *r = &WIRE->results[ref];

		if (r->state != STATE_DONE || r->result < 0)
			return false;
		*out += (uint64_t)r->result;
	}
	return true;
}

static long do_mincore(const struct call *c, uint64_t at, struct result *out)
{
	uint8_t vec[WIRE_VEC];
	long result = CALL3(__NR_mincore, at, c->bytes, vec);

	if (result == 0) {
		out->nr_vec = (uint32_t)((c->bytes + PAGE - 1) / PAGE);
		for (uint32_t i = 0; i < out->nr_vec; i++)
			out->vec[i] = vec[i] & 1;
	}
	return result;
}

/* The kernel's access to the program's memory, by reading and writing a file of its own. */
static long do_copy(const struct call *c, uint64_t at, struct result *out)
{
	long fd = CALL2(__NR_memfd_create, "scratch", 0);
	char buf[WIRE_BUFFER];
	long result;

	NEED(fd >= 0 && c->bytes <= sizeof(buf));
	memset(buf, WIRE_COPY, sizeof(buf));
	NEED(CALL3(__NR_write, fd, buf, sizeof(buf)) == sizeof(buf));
	if (c->op == OP_COPYOUT) {
		result = CALL4(__NR_pread64, fd, at, c->bytes, 0);
	} else {
		result = CALL4(__NR_pwrite64, fd, at, c->bytes, 0);
		out->nr_vec = result < 0 ? 0 : result < WIRE_VEC ? (uint32_t)result : WIRE_VEC;
		NEED(CALL4(__NR_pread64, fd, out->vec, out->nr_vec, 0) == (long)out->nr_vec);
	}
	CALL1(__NR_close, fd);
	return result;
}

static long do_file(const struct call *c, struct result *out)
{
	long fd = WIRE_FD0 + c->file;
	char buf[WIRE_BUFFER];
	long result;

	NEED(c->bytes <= sizeof(buf) || (c->op != OP_FREAD && c->op != OP_FWRITE));
	switch (c->op) {
	case OP_FREAD:
		result = CALL4(__NR_pread64, fd, buf, c->bytes, c->to);
		out->nr_vec = result < 0 ? 0 : result < WIRE_VEC ? (uint32_t)result : WIRE_VEC;
		memcpy(out->vec, buf, out->nr_vec);
		return result;
	case OP_FWRITE:
		memset(buf, c->value, sizeof(buf));
		return CALL4(__NR_pwrite64, fd, buf, c->bytes, c->to);
	case OP_TRUNCATE:
		return CALL2(__NR_ftruncate, fd, c->bytes);
	case OP_FALLOCATE:
		return CALL4(__NR_fallocate, fd, c->prot, c->to, c->bytes);
	default:
		return CALL3(__NR_fcntl, fd, 1033 /* F_ADD_SEALS */, c->flags);
	}
}

static long do_setrlimit(const struct call *c)
{
	uint64_t limit[2];

	NEED(CALL4(__NR_prlimit64, 0, c->prot, NULL, limit) == 0);
	limit[0] = c->bytes;
	return CALL4(__NR_prlimit64, 0, c->prot, limit, NULL);
}

static void end_children(uint32_t me);

/* End a child, and its children before it. */
static long end_process(uint32_t child)
{
	__atomic_or_fetch(&WIRE->exiting, 1u << child, __ATOMIC_SEQ_CST);
	tell();
	long pid = CALL4(__NR_wait4, WIRE->pid[child], NULL, 0, NULL);

	NEED(pid == WIRE->pid[child]);
	__atomic_and_fetch(&WIRE->exiting, ~(1u << child), __ATOMIC_SEQ_CST);
	__atomic_and_fetch(&WIRE->alive, ~(1u << child), __ATOMIC_SEQ_CST);
	return 0;
}

static void end_children(uint32_t me)
{
	for (uint32_t i = 1; i < WIRE_PROCS; i++)
		if (WIRE->alive & 1u << i && WIRE->parent[i] == me)
			end_process(i);
}

static bool is_alive(uint32_t proc)
{
	return proc < WIRE_PROCS && WIRE->alive & 1u << proc;
}

static long do_call(const struct call *c, uint64_t at, uint64_t to, struct result *out)
{
	switch (c->op) {
	case OP_MMAP:
		return CALL6(__NR_mmap, at, c->bytes, c->prot, c->flags,
			     c->file == FILE_NONE ? -1 : WIRE_FD0 + c->file, c->to);
	case OP_MUNMAP:
		return CALL2(__NR_munmap, at, c->bytes);
	case OP_MPROTECT:
		return CALL3(__NR_mprotect, at, c->bytes, c->prot);
	case OP_MREMAP:
		return CALL6(__NR_mremap, at, c->bytes, c->more, c->flags, to, 0);
	case OP_BRK:
		return CALL1(__NR_brk, at);
	case OP_MADVISE:
		return CALL3(__NR_madvise, at, c->bytes, c->prot);
	case OP_MLOCK:
		return CALL3(__NR_mlock2, at, c->bytes, c->flags);
	case OP_MUNLOCK:
		return CALL2(__NR_munlock, at, c->bytes);
	case OP_MLOCKALL:
		return CALL1(__NR_mlockall, c->flags);
	case OP_MUNLOCKALL:
		return CALL1(__NR_munlockall, 0);
	case OP_MINCORE:
		return do_mincore(c, at, out);
	case OP_MSYNC:
		return CALL3(__NR_msync, at, c->bytes, c->flags);
	case OP_MSEAL:
		return CALL3(462 /* mseal */, at, c->bytes, c->flags);
	case OP_COPYOUT:
	case OP_COPYIN:
		return do_copy(c, at, out);
	case OP_SETRLIMIT:
		return do_setrlimit(c);
	case OP_READ:
		touched(out, touch_read(at));
		return 0;
	case OP_WRITE:
		touched(out, touch_write(at, c->value));
		return 0;
	case OP_FETCH:
		touched(out, touch_fetch(at));
		return 0;
	case OP_LOOK:
		return 0;
	default:
		return do_file(c, out);
	}
}

static void look(const struct call *c, struct result *out)
{
	if (!WIRE->setting.detail)
		return;
	take_text("/proc/self/maps", &out->maps, &out->nr_maps);
	if (c->op != OP_LOOK)
		return;
	take_pages(out);
	take_text("/proc/self/smaps", &out->smaps, &out->nr_smaps);
}

/* Fork. Return: as fork does; the child's number is in *@me there. */
static long do_fork(const struct call *c, uint32_t *me)
{
	uint32_t parent = *me;
	long pid = CALL6(__NR_clone, 17 /* SIGCHLD */, 0, 0, 0, 0, 0);

	if (pid == 0) {
		CALL2(__NR_prctl, 1 /* PR_SET_PDEATHSIG */, 9);
		*me = c->value;
		return 0;
	}
	if (pid > 0) {
		WIRE->pid[c->value] = (int32_t)pid;
		WIRE->parent[c->value] = parent;
		__atomic_or_fetch(&WIRE->alive, 1u << c->value, __ATOMIC_SEQ_CST);
	}
	return pid;
}

/* Do one call. Return: true in a child that was forked: it only waits then. */
static bool step(uint32_t index, uint32_t *me)
{
	const struct call *c = &WIRE->calls[index];
	struct result *out = &WIRE->results[index];
	uint64_t at, to;

	memset(out, 0, sizeof(*out));
	bool can = c->proc == *me && resolve(c->at_ref, c->at, &at) &&
		   resolve(c->to_ref, c->to, &to) && !wire_hits(c, at, to, WIRE->heap);

	if (c->op == OP_FORK)
		can = can && c->value < WIRE_PROCS && !is_alive(c->value);
	if (c->op == OP_EXIT)
		can = can && c->value && is_alive(c->value) && WIRE->parent[c->value] == *me;
	if (!can) {
		out->state = STATE_SKIPPED;
		return false;
	}
	if (c->op == OP_FORK) {
		uint32_t parent = *me;

		out->result = do_fork(c, me);
		if (*me != parent)
			return true;
		out->result = out->result > 0 ? 0 : out->result;
	} else if (c->op == OP_EXIT) {
		out->result = end_process(c->value);
	} else {
		out->result = do_call(c, at, to, out);
	}
	out->state = STATE_DONE;
	look(c, out);
	return false;
}

static void serve(uint32_t me)
{
	for (;;) {
		uint32_t event = __atomic_load_n(&WIRE->event, __ATOMIC_SEQ_CST);
		uint32_t i = __atomic_load_n(&WIRE->next, __ATOMIC_SEQ_CST);

		if (__atomic_load_n(&WIRE->exiting, __ATOMIC_SEQ_CST) & 1u << me) {
			end_children(me);
			die();
		}
		if (i >= WIRE->nr_calls && me == 0)
			break;
		uint32_t proc = i < WIRE->nr_calls ? WIRE->calls[i].proc : WIRE_PROCS;

		if (i < WIRE->nr_calls && (proc == me || (me == 0 && !is_alive(proc)))) {
			if (step(i, &me))
				continue; /* the parent goes on with the next one */
			__atomic_store_n(&WIRE->next, i + 1, __ATOMIC_SEQ_CST);
			if (WIRE->alive != 1)
				tell();
		} else {
			await(event);
		}
	}
	end_children(0);
	die();
}

/* ---- The beginning ---------------------------------------------------------------- */

static void fill(long fd, unsigned file, uint64_t bytes)
{
	char buf[PAGE];

	for (uint64_t at = 0; at < bytes; at += PAGE) {
		uint64_t n = bytes - at < PAGE ? bytes - at : PAGE;

		memset(buf, wire_filling(file, at / PAGE), sizeof(buf));
		NEED(CALL4(__NR_pwrite64, fd, buf, n, at) == (long)n);
	}
}

static long open_file(unsigned n)
{
	const struct file_spec *spec = &WIRE->setting.files[n];
	char name[] = "fileN";
	char of_first[] = "/proc/self/fd/10";
	long fd;

	name[4] = (char)('0' + n);
	switch (spec->kind) {
	case FILE_MEMFD:
		fd = CALL2(__NR_memfd_create, name, spec->sealing ? 2 : 0);
		break;
	case FILE_OF_MEMFD:
		return CALL3(__NR_open, of_first, 0 /* O_RDONLY */, 0);
	case FILE_STORED:
		fd = CALL3(__NR_open, WIRE->stored, 2 | 0100 | 01000 /* O_RDWR O_CREAT O_TRUNC */,
			   0600);
		break;
	default:
		return CALL3(__NR_open, WIRE->stored, spec->kind == FILE_WRITE_ONLY, 0);
	}
	NEED(fd >= 0);
	fill(fd, n, spec->bytes);
	return fd;
}

static void drop_rights(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	NEED(CALL2(__NR_capset, &head, none) == 0);
}

static void episode(void)
{
	uint64_t limit[2];

	for (unsigned n = 0; n < WIRE_FILES; n++) {
		long fd = open_file(n);

		NEED(fd >= 0);
		if (fd != WIRE_FD0 + (long)n) {
			NEED(CALL2(__NR_dup2, fd, WIRE_FD0 + n) >= 0);
			CALL1(__NR_close, fd);
		}
	}
	NEED(CALL4(__NR_prlimit64, 0, 8 /* RLIMIT_MEMLOCK */, NULL, limit) == 0);
	limit[0] = WIRE->setting.memlock;
	NEED(CALL4(__NR_prlimit64, 0, 8, limit, NULL) == 0);
	if (!WIRE->setting.privileged)
		drop_rights();
	take_text("/proc/self/maps", &WIRE->origin, &WIRE->nr_origin);
	WIRE->pid[0] = (int32_t)CALL1(__NR_getpid, 0);
	serve(0);
}

/* The kernel's own areas go, as far as it lets them. */
static void unmap_special(void)
{
	uint32_t at, nr;

	take_text("/proc/self/maps", &at, &nr);
	const char *p = WIRE->text + at, *end = p + nr;

	while (p < end) {
		uint64_t from, to;

		p = hex(p, &from);
		p = hex(p + 1, &to);
		for (; p < end && *p != '\n'; p++)
			if (p[0] == '[' && p[1] == 'v')
				CALL2(__NR_munmap, from, to - from);
		p++;
	}
}

/* The stack is as large as it will ever be before anybody counts it. */
static __attribute__((noinline)) void grow_stack(void)
{
	volatile char room[128 * 1024];

	for (size_t i = 0; i < sizeof(room); i += PAGE)
		room[i] = 1;
}

static void wait_for_episodes(void)
{
	for (;;) {
		uint32_t event = __atomic_load_n(&WIRE->event, __ATOMIC_SEQ_CST);

		if (WIRE->command == COMMAND_END)
			die();
		if (WIRE->command != COMMAND_RUN) {
			await(event);
			continue;
		}
		long pid = CALL6(__NR_clone, 17, 0, 0, 0, 0, 0);

		if (pid == 0) {
			CALL2(__NR_prctl, 1, 9);
			episode();
		}
		NEED(pid > 0);
		CALL4(__NR_wait4, pid, &WIRE->status, 0, NULL);
		WIRE->command = COMMAND_DONE;
		tell();
	}
}

void start(void);

__attribute__((force_align_arg_pointer, used)) void start(void)
{
	long at = CALL6(__NR_mmap, WIRE_AT, sizeof(struct wire), 3,
			0x100001 /* SHARED, NOREPLACE */, WIRE_FD, 0);

	if (at != (long)WIRE_AT)
		die();
	CALL2(__NR_prctl, 1, 9);
	grow_stack();
	unmap_special();
	WIRE->heap = (uint64_t)CALL1(__NR_brk, 0);
	handle(SIGSEGV);
	handle(SIGBUS);
	handle(SIGTRAP);
	wait_for_episodes();
}
