/* SPDX-License-Identifier: MIT */
/*
 * linux.c - starts the executor, hands it episodes, reads /proc's texts
 */
#include "linux.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 20

static bool failed(const char *what)
{
	fprintf(stderr, "judge: %s: %s\n", what, strerror(errno));
	return false;
}

/* ---- The executor's process ---------------------------------------------------------- */

static void become_executor(const struct linux_side *side)
{
	struct rlimit stack;

	/* The place of mmap_base follows from the limit of the stack. */
	getrlimit(RLIMIT_STACK, &stack);
	stack.rlim_cur = 8 << 20;
	char *const arguments[] = { (char *)side->program, NULL };
	char *const environment[] = { NULL };

	if (setrlimit(RLIMIT_STACK, &stack) || personality(ADDR_NO_RANDOMIZE) < 0 ||
	    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    (side->fd != WIRE_FD && dup2(side->fd, WIRE_FD) < 0) || setpgid(0, 0))
		_exit(126);
	execve(side->program, arguments, environment);
	_exit(127);
}

static void tell(struct wire *wire)
{
	__atomic_add_fetch(&wire->event, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &wire->event, FUTEX_WAKE, 0x7fffffff, NULL, NULL, 0);
}

static bool spawn(struct linux_side *side)
{
	side->wire->command = COMMAND_IDLE;
	side->wire->broken = 0;
	int pid = fork();

	if (pid < 0)
		return failed("fork");
	if (pid == 0)
		become_executor(side);
	setpgid(pid, pid);
	side->pid = pid;
	return true;
}

bool linux_ready(struct linux_side *side)
{
	if (side->pid && waitpid(side->pid, NULL, WNOHANG) == side->pid)
		side->pid = 0;
	return side->pid || spawn(side);
}

static void kill_executor(struct linux_side *side)
{
	if (!side->pid)
		return;
	kill(-side->pid, SIGKILL);
	waitpid(side->pid, NULL, 0);
	side->pid = 0;
}

/* Return: true when the episode is over; else why not was printed and the executor has ended. */
static bool await_done(struct linux_side *side)
{
	struct wire *wire = side->wire;
	const struct timespec second = { 1, 0 };
	unsigned seconds = 0;
	int status;

	for (;;) {
		uint32_t event = __atomic_load_n(&wire->event, __ATOMIC_SEQ_CST);

		if (__atomic_load_n(&wire->command, __ATOMIC_SEQ_CST) == COMMAND_DONE &&
		    !wire->broken)
			return true;
		if (wire->broken) {
			fprintf(stderr, "judge: executor.c:%d: impossible, in call %u\n",
				wire->broken, wire->next);
			break;
		}
		if (waitpid(side->pid, &status, WNOHANG) == side->pid) {
			fprintf(stderr, "judge: the executor ended, status 0x%x\n", status);
			side->pid = 0;
			break;
		}
		if (syscall(SYS_futex, &wire->event, FUTEX_WAIT, event, &second, NULL, 0) < 0 &&
		    errno == ETIMEDOUT && ++seconds == PATIENCE_S) {
			fprintf(stderr, "judge: the executor hangs in call %u\n", wire->next);
			break;
		}
	}
	kill_executor(side);
	return false;
}

/* ---- /proc's texts ---------------------------------------------------------------------- */

static const char *const COUNT_NAMES[NR_COUNTS] = {
	"Rss:",           "Pss:",           "Shared_Clean:", "Shared_Dirty:",
	"Private_Clean:", "Private_Dirty:", "Anonymous:",    "Locked:",
};

/* A line of maps: 10200000-10203000 rw-p 00000000 00:01 1034   /memfd:file0 (deleted) */
static bool parse_area(const char *line, struct area *out)
{
	char *p;

	out->start = strtoull(line, &p, 16);
	if (*p != '-')
		return false;
	out->end = strtoull(p + 1, &p, 16);
	memcpy(out->rights, p + 1, 4);
	out->offset = strtoull(p + 6, &p, 16);
	p = strchr(p + 1, ' '); /* behind the device */
	strtoull(p, &p, 10);
	p += strspn(p, " ");
	size_t n = strcspn(p, "\n");

	n = n < sizeof(out->name) - 1 ? n : sizeof(out->name) - 1;
	memcpy(out->name, p, n);
	return true;
}

static void parse_maps(const struct linux_side *side, struct outcome *o, struct trace *out)
{
	const char *p = side->wire->text + o->result.maps, *end = p + o->result.nr_maps;

	o->first_area = out->nr_areas;
	while (p < end) {
		struct area *area = trace_area(out);

		if (!parse_area(p, area) || trace_is_own(&side->origin, area->start))
			out->nr_areas--;
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : end;
	}
	o->nr_areas = out->nr_areas - o->first_area;
}

static void parse_smaps_line(const char *p, const char *end, struct area *area)
{
	if (!memcmp(p, "VmFlags:", 8)) {
		for (p += 9; p + 2 < end; p += 3)
			area->flags |= trace_flag(p);
		return;
	}
	for (unsigned c = 0; c < NR_COUNTS; c++)
		if (!memcmp(p, COUNT_NAMES[c], strlen(COUNT_NAMES[c])))
			area->counts[c] = strtoull(p + strlen(COUNT_NAMES[c]), NULL, 10);
}

/* The areas of smaps are those of maps, in the same order. */
static void parse_smaps(const struct linux_side *side, struct outcome *o, struct trace *out)
{
	const char *p = side->wire->text + o->result.smaps, *end = p + o->result.nr_smaps;
	struct area *area = NULL;
	unsigned n = 0;

	while (p < end) {
		const char *next = memchr(p, '\n', (size_t)(end - p));
		struct area head = { 0 };

		next = next ? next + 1 : end;
		if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f')) {
			area = NULL;
			if (parse_area(p, &head) && !trace_is_own(&side->origin, head.start) &&
			    n < o->nr_areas)
				area = &out->areas[o->first_area + n++];
		} else if (area) {
			parse_smaps_line(p, next, area);
		}
		p = next;
	}
	for (unsigned i = 0; i < o->result.nr_pages; i++)
		trace_page(out, (uint8_t)side->wire->text[o->result.pages + i]);
	o->nr_pages = o->result.nr_pages;
	o->looked = true;
}

static void take_origin(struct linux_side *side)
{
	const char *p = side->wire->text + side->wire->origin;
	const char *end = p + side->wire->nr_origin;
	struct origin *origin = &side->origin;

	origin->nr_areas = 0;
	while (p < end && origin->nr_areas < sizeof(origin->areas) / sizeof(origin->areas[0])) {
		struct area *area = &origin->areas[origin->nr_areas++];

		memset(area, 0, sizeof(*area));
		if (!parse_area(p, area))
			origin->nr_areas--;
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : end;
	}
	origin->heap = side->wire->heap;
}

/* ---- Episodes ---------------------------------------------------------------------------- */

bool linux_run(struct linux_side *side, const struct episode *episode, struct trace *out)
{
	struct wire *wire = side->wire;

	if (!side->pid && !spawn(side))
		return false;
	trace_reset(out);
	wire->setting = episode->setting;
	memcpy(wire->calls, episode->calls, episode->nr * sizeof(episode->calls[0]));
	memset(wire->results, 0, episode->nr * sizeof(wire->results[0]));
	wire->nr_calls = episode->nr;
	wire->next = wire->exiting = wire->text_used = 0;
	wire->alive = 1;
	wire->status = 0;
	__atomic_store_n(&wire->command, COMMAND_RUN, __ATOMIC_SEQ_CST);
	tell(wire);
	if (!await_done(side))
		return false;
	if (wire->status) {
		fprintf(stderr, "judge: the first process ended with status 0x%x in call %u\n",
			(unsigned)wire->status, wire->next);
		return false;
	}
	out->nr = episode->nr;
	for (unsigned i = 0; i < out->nr; i++) {
		struct outcome *o = &out->outcomes[i];

		*o = (struct outcome){ .result = wire->results[i], .first_page = out->nr_pages };
		parse_maps(side, o, out);
		if (o->result.nr_smaps)
			parse_smaps(side, o, out);
	}
	return true;
}

static bool share_memory(struct linux_side *side)
{
	side->fd = memfd_create("judge", 0);
	if (side->fd < 0 || ftruncate(side->fd, sizeof(struct wire)))
		return failed("memory in common");
	side->wire = mmap(NULL, sizeof(struct wire), PROT_READ | PROT_WRITE, MAP_SHARED, side->fd,
			  0);
	return side->wire == MAP_FAILED ? failed("memory in common") : true;
}

/* Have we the rights that a privileged episode needs? */
static bool has_rights(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	const uint64_t need = 1 << CAP_IPC_LOCK | 1 << CAP_SYS_RAWIO;
	uint64_t have = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "CapEff: %" SCNx64, &have);
	if (file)
		fclose(file);
	return (have & need) == need;
}

/* Does the device of a folder read as far ahead as usual? */
static bool reads_as_usual(const char *folder)
{
	static const char *const places[] = { "/sys/dev/block/%u:%u/queue/read_ahead_kb",
					      "/sys/dev/block/%u:%u/../queue/read_ahead_kb" };
	unsigned kb = 0;
	struct stat info;

	if (stat(folder, &info))
		return false;
	for (unsigned i = 0; i < 2 && !kb; i++) {
		char path[96];

		snprintf(path, sizeof(path), places[i], major(info.st_dev), minor(info.st_dev));
		FILE *file = fopen(path, "r");

		if (file && fscanf(file, "%u", &kb) != 1)
			kb = 0;
		if (file)
			fclose(file);
	}
	return kb == 128;
}

bool linux_start(struct linux_side *side, const char *program)
{
	static const struct episode empty = { .setting = { .memlock = 65536 } };
	const char *tmp = getenv("TMPDIR");
	struct episode *first = malloc(sizeof(*first));
	struct trace *trace = calloc(1, sizeof(*trace));
	struct utsname name;
	struct statfs disk;

	if (!first || !trace)
		return failed("memory");
	*first = empty;
	first->setting.files[3].kind = FILE_STORED;
	side->program = program;
	snprintf(side->folder, sizeof(side->folder), "%.150s/judge-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(side->folder))
		return failed(side->folder);
	if (!share_memory(side))
		return false;
	snprintf(side->wire->stored, sizeof(side->wire->stored), "%s/stored", side->folder);
	strcpy(side->origin.stored, side->wire->stored);
	/* Linux has two limits; this is the one of hints and stacks. */
	void *low = mmap((void *)4096, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	side->origin.least = low == MAP_FAILED ? 65536 : (uintptr_t)low;
	munmap(low, 4096);
	side->origin.privileged = has_rights();
	uname(&name);
	snprintf(side->origin.release_text, sizeof(name.release), "%s", name.release);
	unsigned version = 0, part = 0;

	sscanf(name.release, "%u.%u", &version, &part);
	side->origin.release = version * 1000 + part;
	side->origin.usual = reads_as_usual(side->folder);
	side->origin.known = side->origin.release >= 6018 && !statfs(side->folder, &disk) &&
			     disk.f_type == EXT4_SUPER_MAGIC;
	bool good = linux_run(side, first, trace);

	if (good)
		take_origin(side);
	trace_free(trace);
	free(trace);
	free(first);
	return good;
}

void linux_stop(struct linux_side *side)
{
	kill_executor(side);
	if (side->wire) {
		unlink(side->wire->stored);
		munmap(side->wire, sizeof(struct wire));
		close(side->fd);
	}
	if (side->folder[0])
		rmdir(side->folder);
	memset(side, 0, sizeof(*side));
}
