/* SPDX-License-Identifier: MIT */
/*
 * judge.c - Linux underneath, Quire beside it: the same calls, the same answers?
 *
 *   judge [--seed N] [--calls N] [--all] [--self]   random episodes
 *   judge --run FILE                                a script: what differs, and each answer
 *   judge --explained                               the differences that have a reason
 *
 *              ┌── executor: a process of this host ──┐
 *   episode ───┤                                      ├── compare, call by call
 *              └── machine: a process in Quire ───────┘
 *
 * A worker does the episodes; when it finds a difference, or ends because of a broken
 * rule, the judge takes calls away until the shortest episode is left, and prints it as a script.
 */
#include "compare.h"
#include "explain.h"
#include "generate.h"
#include "linux.h"
#include "machine.h"
#include "reduce.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EPISODE_CALLS 200
#define MOST_TRIALS 1500
#define MOST_DIFFERENCES 1000
#define MOST_CRASHES 20
#define WORK_SECONDS 7200
#define TRIAL_SECONDS 30
#define CRASH_TEXT 40 /* crashes whose texts begin alike are one */

/** struct shared - what a worker tells the judge */
struct shared {
	uint64_t episode;                    /* number of the one being done */
	uint64_t calls;                      /* compared and equal */
	uint64_t good;                       /* of them, those that succeeded */
	uint64_t explained[EXPLAIN_REASONS]; /* episodes that ended with a known difference */
	bool done;                           /* the worker came to its end */
	struct difference difference;
};

struct judge {
	uint64_t seed, nr_calls;
	bool all;  /* go on after a difference */
	bool self; /* Linux against Linux */
	int said;  /* what a worker says to stderr: a panic */
	struct linux_side real, second;
	struct machine machine;
	struct shared *shared;
	struct episode *episode;
	struct trace traces[2];
	/* What is being reduced. */
	enum aspect aspect;
	unsigned op;
	char text[512];
	/* What has been shown. */
	bool shown[NR_ASPECTS][NR_OPS];
	char crashes[MOST_CRASHES][CRASH_TEXT];
	unsigned nr_crashes;
};

/* ---- One episode ------------------------------------------------------------------- */

/* Return: was there a difference? It is in @out. Ends the process if Quire panics. */
static bool do_episode(struct judge *j, const struct episode *episode, struct difference *out)
{
	memset(out, 0, sizeof(*out));
	out->explained = -1;
	if (!linux_run(&j->real, episode, &j->traces[0])) {
		out->aspect = ASPECT_CRASH;
		snprintf(out->text, sizeof(out->text), "on Linux's side");
		return true;
	}
	if (j->self && !linux_run(&j->second, episode, &j->traces[1]))
		return true;
	if (!j->self && !machine_run(&j->machine, episode, &j->real.origin, &j->traces[1])) {
		bool differs = j->traces[1].nr == episode->nr &&
			       compare(episode, &j->traces[0], &j->traces[1], &j->real.origin, out);

		if (!differs || out->explained >= 0) {
			memset(out, 0, sizeof(*out));
			out->explained = -1;
			out->aspect = ASPECT_CRASH;
			out->call = episode->nr - 1;
			snprintf(out->text, sizeof(out->text), "%s", j->machine.broken);
		}
		return true;
	}
	return compare(episode, &j->traces[0], &j->traces[1], &j->real.origin, out);
}

static void make_episode(const struct judge *j, uint64_t n)
{
	generate(j->seed + n, EPISODE_CALLS, j->episode);
	j->episode->setting.detail = 1;
	if (!j->real.origin.privileged)
		j->episode->setting.privileged = 0;
}

static void count(struct judge *j, unsigned nr)
{
	j->shared->calls += nr;
	for (unsigned i = 0; i < nr; i++) {
		const struct result *r = &j->traces[0].outcomes[i].result;

		j->shared->good += r->state == STATE_DONE && r->result >= 0 && !r->signal;
	}
}

static void work(struct judge *j)
{
	struct shared *s = j->shared;

	for (; s->calls < j->nr_calls; s->episode++) {
		make_episode(j, s->episode);
		if (!do_episode(j, j->episode, &s->difference)) {
			count(j, j->episode->nr);
			continue;
		}
		count(j, s->difference.call);
		if (s->difference.explained < 0)
			break;
		s->explained[s->difference.explained]++;
		s->difference.aspect = ASPECT_NONE;
	}
	s->done = true;
}

/* The last words of a worker that ended badly. */
static void last_words(struct judge *j, int status, struct difference *out)
{
	char text[sizeof(out->text)] = { 0 };
	ssize_t n = pread(j->said, text, sizeof(text) - 1, 0);

	memset(out, 0, sizeof(*out));
	out->explained = -1;
	out->aspect = ASPECT_CRASH;
	if (WIFSIGNALED(status))
		snprintf(out->text, 32, "signal %d: ", WTERMSIG(status));
	else
		snprintf(out->text, 32, "exit status %d: ", WEXITSTATUS(status));
	if (n > 0) {
		size_t begun = strlen(out->text);

		text[strcspn(text, "\n")] = 0;
		snprintf(out->text + begun, sizeof(out->text) - begun, "%s", text);
	}
}

/* Do something in a process of its own. Return: did it come to its end? */
static bool apart(struct judge *j, void (*what)(struct judge *), unsigned seconds)
{
	int status;

	if (!linux_ready(&j->real) || (j->self && !linux_ready(&j->second)))
		exit(2);
	fflush(stdout);
	j->shared->done = false;
	j->shared->difference.aspect = ASPECT_NONE;
	if (ftruncate(j->said, 0) || lseek(j->said, 0, SEEK_SET))
		exit(2);
	int pid = fork();

	if (pid < 0)
		exit(2);
	if (pid == 0) {
		dup2(j->said, STDERR_FILENO);
		alarm(seconds);
		what(j);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) == pid && j->shared->done)
		return true;
	last_words(j, status, &j->shared->difference);
	return false;
}

/* ---- Reducing ---------------------------------------------------------------------- */

static void trial(struct judge *j)
{
	do_episode(j, j->episode, &j->shared->difference);
	j->shared->done = true;
}

static bool shows(void *ctx, struct episode *episode)
{
	struct judge *j = ctx;
	struct difference *d = &j->shared->difference;
	struct episode *old = j->episode;

	j->episode = episode;
	apart(j, trial, TRIAL_SECONDS);
	j->episode = old;
	if (d->aspect != j->aspect || d->explained >= 0)
		return false;
	if (d->aspect == ASPECT_CRASH)
		return !strncmp(d->text, j->text, CRASH_TEXT);
	if (episode->calls[d->call].op != j->op)
		return false;
	episode->nr = d->call + 1;
	return true;
}

static void report(struct judge *j)
{
	struct reduction r = { shows, j, 0, MOST_TRIALS };
	struct difference *d = &j->shared->difference;

	make_episode(j, j->shared->episode);
	j->aspect = d->aspect;
	j->op = j->episode->calls[d->call].op;
	memcpy(j->text, d->text, sizeof(j->text));
	printf("# seed %" PRIu64 ": %s of call %u, %s: %s\n", j->seed + j->shared->episode,
	       aspect_name(d->aspect), d->call, call_name(j->op), d->text);
	reduce(&r, j->episode);
	bool again = shows(j, j->episode);

	printf("# after %u trials%s: %s: %s\n", r.trials, again ? "" : ", and now it does not show",
	       aspect_name(d->aspect), d->text);
	episode_print(stdout, j->episode);
	printf("\n");
	fflush(stdout);
}

/* ---- What is asked for ------------------------------------------------------------- */

/* Differences in the same aspect of the same call are shown once; so are crashes of one text. */
static bool is_new(struct judge *j)
{
	const struct difference *d = &j->shared->difference;
	unsigned op = j->episode->calls[d->call].op;

	if (d->aspect != ASPECT_CRASH) {
		bool old = j->shown[d->aspect][op];

		j->shown[d->aspect][op] = true;
		return !old;
	}
	for (unsigned i = 0; i < j->nr_crashes; i++)
		if (!strncmp(j->crashes[i], d->text, CRASH_TEXT))
			return false;
	if (j->nr_crashes == MOST_CRASHES)
		return false;
	memcpy(j->crashes[j->nr_crashes++], d->text, CRASH_TEXT);
	return true;
}

static int run_random(struct judge *j)
{
	struct shared *s = j->shared;
	unsigned differences = 0;

	while (s->calls < j->nr_calls && differences < MOST_DIFFERENCES) {
		apart(j, work, WORK_SECONDS);
		if (s->difference.aspect == ASPECT_NONE)
			break;
		differences++;
		make_episode(j, s->episode);
		if (is_new(j))
			report(j);
		if (!j->all)
			break;
		s->episode++;
	}
	printf("judge: Linux %s, seed %" PRIu64 ": %" PRIu64 " calls answered alike (%" PRIu64
	       " of them done, the rest refused), %" PRIu64 " episodes, %u differences\n",
	       j->real.origin.release_text, j->seed, s->calls, s->good, s->episode, differences);
	for (unsigned n = 0; explain_reason(n); n++)
		if (s->explained[n])
			printf("  %" PRIu64 " episodes ended there: %s\n", s->explained[n],
			       explain_reason(n));
	printf("%d passed, %d failed, 0 skipped\n", !differences, differences != 0);
	return differences != 0;
}

static void show_outcome(const struct judge *j, unsigned i)
{
	const struct result *a = &j->traces[0].outcomes[i].result;
	const struct result *b = &j->traces[1].outcomes[i].result;
	char text[200];

	if (a->signal || b->signal)
		snprintf(text, sizeof(text), "  # signal %u/%u, Linux %u/%u", b->signal, b->code,
			 a->signal, a->code);
	else
		snprintf(text, sizeof(text), "  # %" PRIx64 " %x, Linux %" PRIx64 " %x", b->result,
			 b->value, a->result, a->value);
	call_print(stdout, &j->episode->calls[i], i, text);
}

static void show_areas(const struct trace *t, unsigned call)
{
	const struct outcome *o = &t->outcomes[call];

	for (unsigned i = 0; i < o->nr_areas; i++) {
		const struct area *a = &t->areas[o->first_area + i];

		printf("  %" PRIx64 "-%" PRIx64 " %s %" PRIx64 " %s rss %" PRIu64 " flags",
		       a->start, a->end, a->rights, a->offset, a->name, a->counts[COUNT_RSS]);
		for (unsigned n = 0; n < sizeof(TRACE_FLAGS) / 3; n++)
			if (a->flags >> n & 1)
				printf(" %.2s", &TRACE_FLAGS[3 * n]);
		printf("\n");
	}
}

static int run_script(struct judge *j, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;
	struct difference d;

	if (!file || !episode_read(file, j->episode)) {
		fprintf(stderr, "judge: %s can't be read\n", path);
		return 2;
	}
	j->episode->setting.detail = 1;
	if (j->episode->setting.privileged && !j->real.origin.privileged) {
		printf("not done: it needs CAP_IPC_LOCK and CAP_SYS_RAWIO\n");
		return 0;
	}
	bool differs = do_episode(j, j->episode, &d);

	for (unsigned i = 0; i < j->traces[0].nr && i < j->traces[1].nr; i++)
		show_outcome(j, i);
	if (!differs) {
		printf("no difference; areas:\n");
		show_areas(&j->traces[1], j->episode->nr - 1);
		return 0;
	}
	printf("call %u: %s: %s%s%s\n", d.call, aspect_name(d.aspect), d.text,
	       d.explained >= 0 ? "; explained: " : "",
	       d.explained >= 0 ? explain_reason((unsigned)d.explained) : "");
	printf("Quire's areas:\n");
	show_areas(&j->traces[1], d.call);
	printf("Linux's areas:\n");
	show_areas(&j->traces[0], d.call);
	return d.explained < 0;
}

static bool begin(struct judge *j, const char *program)
{
	static char beside[4096];

	if (!program) {
		/* The executor lies beside this program. */
		ssize_t n = readlink("/proc/self/exe", beside, sizeof(beside) - 16);

		snprintf(beside + (n > 0 ? n : 0), 16, "-executor");
		program = beside;
	}
	j->shared = mmap(NULL, sizeof(*j->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	j->episode = mmap(NULL, sizeof(*j->episode), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	j->said = memfd_create("said", 0);
	if (j->said < 0 || j->shared == MAP_FAILED || j->episode == MAP_FAILED ||
	    !linux_start(&j->real, program))
		return false;
	if (!j->self)
		return machine_start(&j->machine, &j->real.origin);
	if (!linux_start(&j->second, program))
		return false;
	/* Both name it alike. */
	memcpy(j->second.wire->stored, j->real.wire->stored, sizeof(j->real.wire->stored));
	return true;
}

static int usage(void)
{
	fprintf(stderr, "usage: judge [--seed N] [--calls N] [--all] [--self] [--run FILE] "
			"[--explained] [--executor PATH]\n");
	return 2;
}

static int list_reasons(void)
{
	for (unsigned n = 0; explain_reason(n); n++)
		printf("%s\n", explain_reason(n));
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "calls", required_argument, NULL, 'c' },
		{ "all", no_argument, NULL, 'a' },
		{ "self", no_argument, NULL, 'l' },
		{ "run", required_argument, NULL, 'r' },
		{ "explained", no_argument, NULL, 'e' },
		{ "executor", required_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	static struct judge j = { .seed = 1, .nr_calls = 20000 };
	const char *script = NULL, *program = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			j.seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			j.nr_calls = strtoull(optarg, NULL, 0);
			break;
		case 'a':
			j.all = true;
			break;
		case 'l':
			j.self = true;
			break;
		case 'r':
			script = optarg;
			break;
		case 'x':
			program = optarg;
			break;
		case 'e':
			return list_reasons();
		default:
			return usage();
		}
	}
	if (optind < argc)
		return usage();
	int status = 2;

	if (begin(&j, program))
		status = script ? run_script(&j, script) : run_random(&j);
	linux_stop(&j.real);
	if (j.self)
		linux_stop(&j.second);
	else if (j.machine.q)
		machine_stop(&j.machine);
	return status;
}
