/* SPDX-License-Identifier: MIT */
/*
 * strace.c - one line of strace
 *
 *   [PID | [pid PID]] [TIME] [[ADDRESS]] NAME(ARGUMENTS) = RESULT [ERROR (words)] [<SECONDS>]
 *   … NAME(ARGUMENTS <unfinished ...>          the first part; the process is inside of the call
 *   … <... NAME resumed>ARGUMENTS) = RESULT    the rest
 *   … --- SIGNAL … ---       +++ exited with N +++       +++ killed by SIGNAL +++
 *   strace: Process PID attached               on the terminal, in the middle of a call's line, too
 *
 * An argument is a number, names joined by |, a string, or for a call that is not read
 * anything at all. Each call that is read must be whole: a line that was cut short, or that two
 * lines ran together in, does not pass.
 *
 * Source: strace(1)
 */
#include "strace.h"

#include <quire/error.h>

#include "scan.h"
#include "strace_names.h"

/* What an argument may be. */
enum argument {
	ARG_NONE,
	ARG_NUMBER,
	ARG_FLAGS, /* names, numbers, joined by | */
	ARG_FD,    /* with -y <PATH> behind it */
	ARG_PATH,  /* a string; what follows it isn't read */
	ARG_CLONE, /* anything that has flags=… in it */
	ARG_ANY,   /* anything */
};

static const struct call {
	const char *name;
	enum lab_call_kind kind;
	uint8_t args[LAB_CALL_ARGS];
	uint8_t least; /* of them must be there */
} calls[] = {
	{ "mmap",
	  LAB_CALL_MMAP,
	  { ARG_NUMBER, ARG_NUMBER, ARG_FLAGS, ARG_FLAGS, ARG_FD, ARG_NUMBER },
	  6 },
	{ "mmap2",
	  LAB_CALL_MMAP,
	  { ARG_NUMBER, ARG_NUMBER, ARG_FLAGS, ARG_FLAGS, ARG_FD, ARG_NUMBER },
	  6 },
	{ "munmap", LAB_CALL_MUNMAP, { ARG_NUMBER, ARG_NUMBER }, 2 },
	{ "mprotect", LAB_CALL_MPROTECT, { ARG_NUMBER, ARG_NUMBER, ARG_FLAGS }, 3 },
	{ "mremap",
	  LAB_CALL_MREMAP,
	  { ARG_NUMBER, ARG_NUMBER, ARG_NUMBER, ARG_FLAGS, ARG_NUMBER },
	  4 },
	{ "brk", LAB_CALL_BRK, { ARG_NUMBER }, 1 },
	{ "madvise", LAB_CALL_MADVISE, { ARG_NUMBER, ARG_NUMBER, ARG_FLAGS }, 3 },
	{ "mlock", LAB_CALL_MLOCK, { ARG_NUMBER, ARG_NUMBER }, 2 },
	{ "mlock2", LAB_CALL_MLOCK, { ARG_NUMBER, ARG_NUMBER, ARG_FLAGS }, 3 },
	{ "munlock", LAB_CALL_MUNLOCK, { ARG_NUMBER, ARG_NUMBER }, 2 },
	{ "mlockall", LAB_CALL_MLOCKALL, { ARG_FLAGS }, 1 },
	{ "munlockall", LAB_CALL_MUNLOCKALL, { ARG_NONE }, 0 },
	{ "msync", LAB_CALL_MSYNC, { ARG_NUMBER, ARG_NUMBER, ARG_FLAGS }, 3 },
	{ "mincore", LAB_CALL_MINCORE, { ARG_NUMBER, ARG_NUMBER, ARG_ANY }, 2 },
	{ "execve", LAB_CALL_EXECVE, { ARG_PATH }, 1 },
	{ "execveat", LAB_CALL_EXECVE, { ARG_FD, ARG_PATH }, 2 },
	{ "fork", LAB_CALL_FORK, { ARG_NONE }, 0 },
	{ "vfork", LAB_CALL_FORK, { ARG_NONE }, 0 },
	{ "clone", LAB_CALL_FORK, { ARG_CLONE }, 1 },
	{ "clone3", LAB_CALL_FORK, { ARG_CLONE }, 1 },
	{ "exit", LAB_CALL_EXIT, { ARG_ANY }, 0 },
	{ "exit_group", LAB_CALL_EXIT, { ARG_ANY }, 0 },
};

#define NR_CALLS (sizeof(calls) / sizeof(calls[0]))

const char *lab_call_name(enum lab_call_kind kind)
{
	for (size_t i = 0; i < NR_CALLS; i++) {
		if (calls[i].kind == kind)
			return calls[i].name;
	}
	return NULL;
}

static size_t left(const struct scan *s)
{
	return (size_t)(s->end - s->at);
}

static bool next_is(const struct scan *s, char c)
{
	return s->at < s->end && *s->at == c;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || scan_is_digit(c) || c == '_';
}

/* Names and numbers of C. */
static struct scan take_word(struct scan *s)
{
	struct scan word = *s;

	while (s->at < s->end && is_word(*s->at))
		s->at++;
	word.end = s->at;
	return word;
}

static bool word_is(const struct scan *word, const char *text)
{
	struct scan at = *word;

	return scan_take(&at, text) && at.at == at.end;
}

/* Go behind @close, if what comes next is @open. Return: false if there is no such end */
static bool take_between(struct scan *s, const char *open, const char *close)
{
	bool inside = scan_take(s, open);

	while (inside && s->at < s->end) {
		inside = !scan_take(s, close);
		s->at += inside;
	}
	return !inside;
}

/* ---- Processes -------------------------------------------------------------------- */

static void come(struct lab_strace *reader, uint64_t pid)
{
	for (size_t i = 0; i < reader->nr_live; i++) {
		if (reader->live[i] == pid)
			return;
	}
	if (reader->nr_live < LAB_STRACE_OPEN)
		reader->live[reader->nr_live++] = pid;
}

static void go(struct lab_strace *reader, uint64_t pid)
{
	reader->first_gone |= !pid;
	for (size_t i = 0; i < reader->nr_live; i++) {
		if (reader->live[i] == pid)
			reader->live[i] = reader->live[--reader->nr_live];
	}
}

/* Whose line it is. @pid: as strace printed it, 0: not at all; @named: as [pid N] */
static uint64_t whose(struct lab_strace *reader, uint64_t pid, bool named)
{
	if (!pid) {
		reader->bare = true;
		return reader->first_gone && reader->nr_live == 1 ? reader->live[0] : 0;
	}
	if (!named)
		return pid;
	for (size_t i = 0; i < reader->nr_live; i++) {
		if (reader->live[i] == pid)
			return pid;
	}
	/* One that was never attached: that whose lines had no name so far. */
	if (reader->bare && !reader->first)
		reader->first = pid;
	if (reader->first == pid)
		return 0;
	come(reader, pid);
	return pid;
}

/* strace's own message at the end of the line is cut off. Return: whether there was one */
static bool cut_message(struct lab_strace *reader, struct scan *s)
{
	struct scan tail = { s->end - 9, s->end, NULL };
	uint64_t pid;

	if (s->end - s->at < 9 || !scan_take(&tail, " attached"))
		return false;
	for (struct scan at = *s; at.at < at.end; at.at++) {
		struct scan here = at;

		if (!scan_take(&here, "strace: Process ") || !scan_number(&here, 10, &pid) ||
		    !scan_take(&here, " attached") || here.at != here.end)
			continue;
		come(reader, pid);
		s->end = at.at;
		return true;
	}
	return false;
}

/* ---- What stands before a call ---------------------------------------------------- */

/* struct head - what stands before a call, apart from its process and time */
struct head {
	bool named; /* the process, as [pid N] */
	bool since; /* the time is that since the line before (-r) */
};

/* Below as many seconds it is no time since 1970. */
#define SINCE_MAX 100000000u

/* Seconds with a fraction, or hours, minutes and seconds. */
static bool take_time(struct scan *s, uint64_t *ns, struct head *head)
{
	struct scan at = *s;
	uint64_t whole = 0, part, scale = 1000000000;

	head->since = true;
	for (unsigned fields = 0;; fields++) {
		if (fields > 2 || !scan_number(&at, 10, &part) || (fields && part > 59) ||
		    part > UINT64_MAX / scale / 2 || whole > UINT32_MAX)
			return false;
		whole = whole * 60 + part;
		if (!scan_take(&at, ":"))
			break;
		head->since = false;
	}
	head->since &= whole < SINCE_MAX;
	if (!next_is(&at, '.') && at.at - s->at < 8) /* HH:MM:SS has that many */
		return false;
	*ns = whole * scale;
	if (scan_take(&at, ".")) {
		for (; at.at < at.end && scan_is_digit(*at.at); at.at++) {
			scale /= 10;
			*ns += (uint64_t)(*at.at - '0') * scale;
		}
	}
	if (!next_is(&at, ' '))
		return false;
	*s = at;
	return true;
}

/* Process, time and instruction pointer, as far as they are there. */
static bool take_head(struct scan *s, struct lab_call *out, struct head *head)
{
	struct scan at;

	scan_blanks(s);
	at = *s;
	if (scan_take(&at, "[pid")) {
		scan_blanks(&at);
		if (!scan_number(&at, 10, &out->pid) || !take_between(&at, "<", ">") ||
		    !scan_take(&at, "]"))
			return scan_fail(s, "no process behind [pid");
		head->named = true;
		*s = at;
	} else if (s->at < s->end && scan_is_digit(*s->at) &&
		   !take_time(&at, &out->time_ns, head)) {
		at = *s;
		if (!scan_number(&at, 10, &out->pid) || !take_between(&at, "<", ">") ||
		    !next_is(&at, ' '))
			return scan_fail(s, "neither a process nor a time");
		*s = at;
	}
	scan_blanks(s);
	take_time(s, &out->time_ns, head);
	scan_blanks(s);
	at = *s;
	if (scan_take(&at, "[")) {
		while (at.at < at.end && *at.at != ']')
			at.at++;
		if (!scan_take(&at, "]"))
			return scan_fail(s, "an instruction pointer without its ]");
		*s = at;
		scan_blanks(s);
	}
	return true;
}

/* ---- Arguments -------------------------------------------------------------------- */

/* A number of C: 0x…, decimal, negative; NULL; with << as in 21<<MAP_HUGE_SHIFT. */
static bool take_number(struct scan *s, uint64_t *out)
{
	bool minus = scan_take(s, "-");

	if (scan_take(s, "NULL"))
		*out = 0;
	else if (!(scan_take(s, "0x") ? scan_number(s, 16, out) : scan_number(s, 10, out)))
		return false;
	if (minus)
		*out = 0 - *out;
	if (scan_take(s, "<<")) {
		uint64_t by = 26;

		if (!scan_take(s, "MAP_HUGE_SHIFT") && !scan_number(s, 10, &by))
			return false;
		if (by > 63)
			return scan_fail(s, "number too large");
		*out <<= by;
	}
	return true;
}

/* What strace says about a number that it does not know. */
static bool take_comment(struct scan *s)
{
	scan_blanks(s);
	return take_between(s, "/*", "*/") || scan_fail(s, "a comment without its end");
}

static bool take_flags(struct scan *s, bool strict, uint64_t *out)
{
	*out = 0;
	do {
		uint64_t bits = 0;

		if (s->at < s->end && (scan_is_digit(*s->at) || *s->at == '-')) {
			if (!take_number(s, &bits))
				return false;
		} else {
			struct scan word = take_word(s);

			if (word.at == word.end)
				return scan_fail(s, "a flag expected");
			if (!strace_flag(word.at, left(&word), &bits) && strict)
				return scan_fail(s, "a flag that is not known");
		}
		*out |= bits;
	} while (scan_take(s, "|"));
	return take_comment(s);
}

/* A string in quotes; cut ones have dots behind them. */
static bool take_string(struct scan *s, const char **text, size_t *length)
{
	if (!scan_take(s, "\""))
		return scan_fail(s, "a string expected");
	*text = s->at;
	while (s->at < s->end && *s->at != '"')
		s->at += *s->at == '\\' && s->end - s->at > 1 ? 2 : 1;
	*length = (size_t)(s->at - *text);
	if (!scan_take(s, "\""))
		return scan_fail(s, "a string without its end");
	scan_take(s, "...");
	return true;
}

static bool take_fd(struct scan *s, struct lab_call *out, uint64_t *fd)
{
	if (scan_take(s, "AT_FDCWD"))
		*fd = 0 - (uint64_t)100;
	else if (!take_number(s, fd))
		return false;
	if (!scan_take(s, "<"))
		return true;
	out->path = s->at;
	while (s->at < s->end && *s->at != '>')
		s->at++;
	out->path_length = (size_t)(s->at - out->path);
	return scan_take(s, ">") || scan_fail(s, "a path without its >");
}

/*
 * Go to the end of an argument, or with @all of all arguments, over strings and brackets. Return:
 * false if the line ends before.
 */
static bool pass(struct scan *s, bool all)
{
	const char *text;
	size_t length;
	unsigned depth = 0;

	while (s->at < s->end) {
		char c = *s->at;

		if (c == '"') {
			if (!take_string(s, &text, &length))
				return false;
			continue;
		}
		if (!depth && (c == ')' || (c == ',' && !all)))
			return true;
		if (c == '(' || c == '[' || c == '{')
			depth++;
		else if (depth && (c == ')' || c == ']' || c == '}'))
			depth--;
		s->at++;
	}
	return scan_fail(s, "arguments without their end");
}

/* clone: flags stand somewhere among the arguments. */
static bool take_clone(struct scan *s, uint64_t *flags)
{
	struct scan at = *s, end = *s;

	if (!pass(&end, true))
		return scan_fail(s, end.why);
	at.end = end.at;
	while (at.at < at.end && !scan_take(&at, "flags="))
		at.at++;
	if (at.at == at.end)
		return scan_fail(s, "clone without flags");
	if (!take_flags(&at, false, flags))
		return scan_fail(s, at.why);
	s->at = end.at;
	return true;
}

static bool take_argument(struct scan *s, enum argument kind, struct lab_call *out, uint64_t *value)
{
	switch (kind) {
	case ARG_NUMBER:
		return take_number(s, value);
	case ARG_FLAGS:
		return take_flags(s, true, value);
	case ARG_FD:
		return take_fd(s, out, value);
	case ARG_PATH:
		return take_string(s, &out->path, &out->path_length) && pass(s, true);
	case ARG_CLONE:
		return take_clone(s, value);
	case ARG_ANY:
		return pass(s, false);
	default:
		return scan_fail(s, "more arguments than the call has");
	}
}

static bool take_arguments(struct scan *s, const struct call *call, struct lab_call *out)
{
	unsigned n = 0;

	scan_blanks(s);
	while (!next_is(s, ')')) {
		if (n && !scan_take(s, ","))
			return scan_fail(s, "a comma expected");
		scan_blanks(s);
		if (!take_argument(s, n < LAB_CALL_ARGS ? (enum argument)call->args[n] : ARG_NONE,
				   out, &out->arg[n < LAB_CALL_ARGS ? n : 0]))
			return false;
		scan_blanks(s);
		n++;
	}
	return n >= call->least || scan_fail(s, "fewer arguments than the call has");
}

/* ---- Results ------------------------------------------------------------------------ */

/* What strace may say behind a result: a path, words, a comment, the time that the call took. */
static bool take_rest(struct scan *s)
{
	const char *was;

	do {
		was = s->at;
		scan_blanks(s);
		if (!take_between(s, "<", ">") || !take_between(s, "(", ")"))
			return scan_fail(s, "words without their end");
		if (!take_comment(s))
			return false;
	} while (s->at != was);
	return s->at == s->end || scan_fail(s, "something follows that does not belong here");
}

static bool take_result(struct scan *s, struct lab_call *out)
{
	if (!scan_take(s, ")"))
		return scan_fail(s, "arguments without their end");
	scan_blanks(s);
	if (!scan_take(s, "="))
		return scan_fail(s, "a result expected");
	scan_blanks(s);
	if (scan_take(s, "?")) {
		scan_blanks(s);
		(void)take_word(s); /* ERESTARTSYS and its like */
		return take_rest(s);
	}
	out->ended = true;
	if (scan_take(s, "-1 ")) {
		struct scan name = take_word(s);

		out->failed = true;
		out->error = strace_errno(name.at, left(&name));
		return name.at < name.end ? take_rest(s) : scan_fail(s, "an error expected");
	}
	return take_number(s, &out->result) && take_rest(s);
}

/* ---- A line ---------------------------------------------------------------------------- */

static const struct call *call_find(const struct scan *name)
{
	for (size_t i = 0; i < NR_CALLS; i++) {
		if (word_is(name, calls[i].name))
			return &calls[i];
	}
	return NULL;
}

/* A whole call, from its name on. */
static bool read_call(struct scan *s, struct lab_call *out)
{
	struct scan name = take_word(s);
	const struct call *call = call_find(&name);

	if (name.at == name.end || !scan_take(s, "("))
		return scan_fail(s, "no call");
	out->name = name.at;
	out->name_length = left(&name);
	out->kind = call ? call->kind : LAB_CALL_OTHER;
	if (!call)
		return true;
	if (!take_arguments(s, call, out) || !take_result(s, out))
		return false;
	if (call->kind == LAB_CALL_FORK && word_is(&name, "vfork"))
		out->arg[0] = LAB_CLONE_VM | LAB_CLONE_VFORK;
	if (word_is(&name, "mmap2"))
		out->arg[5] <<= 12;
	if (call->kind == LAB_CALL_EXIT)
		out->arg[0] = word_is(&name, "exit_group");
	return true;
}

/* Keep the first part of a call. */
static bool begin(struct lab_strace *reader, struct scan *s, const struct lab_call *call)
{
	size_t free = LAB_STRACE_OPEN, length = left(s);

	for (size_t i = LAB_STRACE_OPEN; i--;) {
		if (!reader->open[i].length)
			free = i;
		else if (reader->open[i].pid == call->pid)
			return scan_fail(s, "that process is inside of a call already");
	}
	if (free == LAB_STRACE_OPEN)
		return scan_fail(s, "too many processes inside of calls");
	if (length > LAB_STRACE_TEXT)
		length = LAB_STRACE_TEXT;
	reader->open[free].pid = call->pid;
	reader->open[free].time_ns = call->time_ns;
	reader->open[free].length = length;
	for (size_t i = 0; i < length; i++)
		reader->open[free].text[i] = s->at[i];
	return true;
}

/* The beginning of the call that a process is in, and no longer is. Return: its length */
static size_t resume(struct lab_strace *reader, uint64_t pid)
{
	for (size_t i = 0; i < LAB_STRACE_OPEN; i++) {
		size_t length = reader->open[i].length;

		if (!length || reader->open[i].pid != pid)
			continue;
		for (size_t n = 0; n < length; n++)
			reader->joined[n] = reader->open[i].text[n];
		reader->open[i].length = 0;
		return length;
	}
	return 0;
}

/* A call of whose first part @length bytes are in reader->joined. */
static bool read_joined(struct lab_strace *reader, size_t length, struct scan *rest,
			struct lab_call *out)
{
	struct scan joined;

	for (size_t i = 0; i < left(rest) && length < sizeof(reader->joined); i++)
		reader->joined[length++] = rest->at[i];
	joined = (struct scan){ reader->joined, reader->joined + length, NULL };
	return read_call(&joined, out) || scan_fail(rest, joined.why);
}

/* The line after one that strace's own message has cut: it goes on, or is <unfinished ...>. */
static bool read_torn(struct lab_strace *reader, struct scan *s, struct lab_call *out)
{
	struct scan at = *s;
	size_t length;

	scan_blanks(&at);
	if (scan_take(&at, "<unfinished ...>"))
		return true;
	out->pid = reader->torn_pid;
	length = resume(reader, out->pid);
	return read_joined(reader, length, s, out);
}

/* A call whose first part was kept, an execve's not whole: put them together. */
static bool read_rest(struct lab_strace *reader, struct scan *s, struct lab_call *out)
{
	struct scan rest = *s, name = take_word(&rest);
	const struct call *call = call_find(&name);
	size_t length;

	if (!scan_take(&rest, " resumed>"))
		return scan_fail(s, "a call that is resumed expected");
	length = resume(reader, out->pid);
	out->name = name.at;
	out->name_length = left(&name);
	out->kind = LAB_CALL_OTHER;
	if (!length)
		reader->nr_torn++;
	if (!length || !call)
		return true;
	return read_joined(reader, length, &rest, out) || scan_fail(s, rest.why);
}

/* Cut the line before @word. Return: false if it is not there */
static bool cut_at(struct scan *s, const char *word)
{
	for (struct scan at = *s; at.at < at.end; at.at++) {
		struct scan here = at;

		if (scan_take(&here, word)) {
			s->end = at.at;
			return true;
		}
	}
	return false;
}

static bool read_line(struct lab_strace *reader, struct scan *s, struct lab_call *out)
{
	bool torn = cut_message(reader, s);
	struct head head = { .named = false };

	if (reader->torn) {
		struct scan at = *s;

		reader->torn = false;
		if (!scan_take(&at, "[pid"))
			return read_torn(reader, s, out);
	}
	if (!take_head(s, out, &head))
		return false;
	if (head.since && out->time_ns)
		out->time_ns = reader->since_ns += out->time_ns;
	if (s->at == s->end)
		return true;
	if (scan_take(s, "---") || scan_take(s, "strace:") || scan_take(s, "> ") ||
	    scan_take(s, "Process "))
		return true;
	out->pid = whose(reader, out->pid, head.named);
	if (scan_take(s, "+++")) {
		resume(reader, out->pid);
		go(reader, out->pid);
		out->kind = LAB_CALL_GONE;
		return true;
	}
	if (scan_take(s, "<... "))
		return read_rest(reader, s, out);
	if (!torn)
		return cut_at(s, "<unfinished ...>") ? begin(reader, s, out) : read_call(s, out);
	reader->torn = true;
	reader->torn_pid = out->pid;
	return begin(reader, s, out);
}

int lab_strace_line(struct lab_strace *reader, const char *line, size_t length,
		    struct lab_call *out, const char **why)
{
	struct scan s = { line, line + length, NULL };

	*out = (struct lab_call){ 0 };
	while (s.at < s.end && s.end[-1] == '\r')
		s.end--;
	if (read_line(reader, &s, out))
		return 0;
	*why = s.why;
	return -QUIRE_EINVAL;
}
