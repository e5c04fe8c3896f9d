/* SPDX-License-Identifier: MIT */
/*
 * input.c - lines of a file, of a gzip file, or of a pipe; or all of it at once
 *
 *   read(2) -> raw -> inflate, if it is gzip -> text -> lines
 *
 * text holds one line of the greatest length and a piece more. A line is
 * looked for where it lies; only the beginning of one that goes on beyond the
 * end of the buffer is moved, to its front. A line that is too long is dropped as it
 * arrives, so it takes no more memory than any other.
 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define RAW_SIZE (128u << 10)
#define TEXT_SIZE (INPUT_LINE_MAX + (256u << 10))

struct input {
	char *name;
	char why[INPUT_WHY_MAX];
	int fd; /* -1: not open */
	uint64_t total; /* size of the file; 0: not known */
	uint64_t bytes; /* of them read */
	uint64_t line;

	bool begun;  /* the first bytes have been read, and gzip or not is known */
	bool gzip;
	bool ended;  /* no more bytes from the system */
	bool member; /* inside of a gzip member */
	bool inflate; /* z is in use */
	bool cut;    /* the gzip data were found damaged; what came before is still to be given */
	z_stream z;
	unsigned char *raw;
	size_t raw_start, raw_end; /* not inflated yet */

	char *text;
	size_t start, end; /* not given out yet */
};

/* Read more bytes behind those in raw; ended is set at the end. */
static bool read_raw(struct input *in)
{
	if (in->raw_start) {
		memmove(in->raw, in->raw + in->raw_start, in->raw_end - in->raw_start);
		in->raw_end -= in->raw_start;
		in->raw_start = 0;
	}
	ssize_t n;
	do
		n = read(in->fd, in->raw + in->raw_end, RAW_SIZE - in->raw_end);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		snprintf(in->why, sizeof(in->why), "%s", strerror(errno));
		return false;
	}
	in->raw_end += (size_t)n;
	in->bytes += (size_t)n;
	in->ended = n == 0;
	return true;
}

/* The first two bytes tell what it is. */
static bool begin(struct input *in)
{
	while (in->raw_end < 2 && !in->ended) {
		if (!read_raw(in))
			return false;
	}
	in->gzip = in->raw_end >= 2 && in->raw[0] == 0x1f && in->raw[1] == 0x8b;
	in->begun = true;
	if (!in->gzip)
		return true;
	in->inflate = inflateInit2(&in->z, 16 + MAX_WBITS) == Z_OK;
	in->member = in->inflate;
	if (!in->inflate)
		snprintf(in->why, sizeof(in->why), "no memory for gzip");
	return in->inflate;
}

static void cut(struct input *in, const char *why)
{
	snprintf(in->why, sizeof(in->why), "%s", why);
	in->cut = true;
}

/* Between two gzip members: does another follow? */
static void next_member(struct input *in)
{
	if (in->raw_end - in->raw_start < 2 && !in->ended)
		return;
	if (in->raw_start == in->raw_end)
		return;
	if (in->raw_end - in->raw_start < 2 || in->raw[in->raw_start] != 0x1f ||
	    in->raw[in->raw_start + 1] != 0x8b) {
		cut(in, "other data after the end of the gzip data");
		return;
	}
	inflateReset(&in->z);
	in->member = true;
}

/* Inflate what is in raw to the end of text, where there is room. */
static void inflate_some(struct input *in)
{
	size_t end = in->end;

	if (!in->member)
		next_member(in);
	if (!in->member || in->cut)
		return;
	in->z.next_in = in->raw + in->raw_start;
	in->z.avail_in = (uInt)(in->raw_end - in->raw_start);
	in->z.next_out = (unsigned char *)in->text + in->end;
	in->z.avail_out = (uInt)(TEXT_SIZE - in->end);
	int status = inflate(&in->z, Z_NO_FLUSH);
	in->raw_start = in->raw_end - in->z.avail_in;
	in->end = TEXT_SIZE - in->z.avail_out;
	if (status == Z_STREAM_END)
		in->member = false;
	else if (status != Z_OK && status != Z_BUF_ERROR)
		cut(in, "the gzip data are damaged");
	else if (in->ended && in->end == end)
		cut(in, "the gzip data end in the middle");
}

static void copy_some(struct input *in)
{
	size_t n = in->raw_end - in->raw_start;

	if (n > TEXT_SIZE - in->end)
		n = TEXT_SIZE - in->end;
	memcpy(in->text + in->end, in->raw + in->raw_start, n);
	in->raw_start += n;
	in->end += n;
}

/* Will no more text come? */
static bool exhausted(const struct input *in)
{
	return in->cut || (in->ended && in->raw_start == in->raw_end && !in->member);
}

/* Put more text behind that in text, which is not full. False: the system failed. */
static bool fill(struct input *in)
{
	size_t end = in->end;

	if (!in->begun && !begin(in))
		return false;
	while (in->end == end && !exhausted(in)) {
		if (in->raw_end - in->raw_start < 2 && !in->ended && !read_raw(in))
			return false;
		if (in->gzip)
			inflate_some(in);
		else
			copy_some(in);
	}
	return true;
}

/* Everything but the file. */
/* Bytes of a character of UTF-8; 0: it is none, or one for control */
static size_t character(const char *text)
{
	static const uint32_t least[] = { 0, 0x20, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)*text;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint32_t code = n == 1 ? c : c & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (code < least[n] || code == 0x7f || code > 0x10ffff || code >> 11 == 0x1b ||
	    (n > 1 && !(c & 0x40)) || c > 0xf4)
		return 0;
	return n;
}

/* Names of files may be anything; what is printed of them is text. */
static void make_text(char *name)
{
	while (*name) {
		size_t n = character(name);

		if (!n)
			*name = '?';
		name += n ? n : 1;
	}
}

static struct input *new_input(const char *name)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->fd = -1;
	in->name = strdup(name);
	if (in->name)
		make_text(in->name);
	in->raw = malloc(RAW_SIZE);
	in->text = malloc(TEXT_SIZE);
	if (in->name && in->raw && in->text)
		return in;
	input_close(in);
	return NULL;
}

int input_open(const char *path, struct input **out)
{
	bool standard = strcmp(path, "-") == 0;
	struct input *in = new_input(standard ? "stdin" : path);
	struct stat st;

	if (!in)
		return ENOMEM;
	in->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0) {
		int error = errno;
		input_close(in);
		return error;
	}
	if (fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode))
		in->total = (uint64_t)st.st_size;
	*out = in;
	return 0;
}

/* Pass over the rest of a line that is too long. False: could not read on. */
static bool drop_line(struct input *in)
{
	for (;;) {
		in->start = in->end = 0;
		if (!fill(in))
			return false;
		if (in->end == 0)
			return true;
		const char *newline = memchr(in->text, '\n', in->end);
		if (newline) {
			in->start = (size_t)(newline - in->text) + 1;
			return true;
		}
	}
}

/* The text has no newline and no more comes. */
static enum input_result last_line(struct input *in, const char **line, size_t *length)
{
	if (in->cut) {
		in->start = in->end;
		return INPUT_CUT;
	}
	if (in->start == in->end) {
		in->line--;
		return INPUT_END;
	}
	*line = in->text + in->start;
	*length = in->end - in->start;
	in->start = in->end;
	return INPUT_LINE;
}

/* Can it be a line of text? */
static enum input_result judge(struct input *in, const char *line, size_t length)
{
	if (length > INPUT_LINE_MAX) {
		snprintf(in->why, sizeof(in->why), "line longer than 1 MB");
		return INPUT_DAMAGED;
	}
	if (memchr(line, 0, length)) {
		snprintf(in->why, sizeof(in->why), "NUL bytes in the line");
		return INPUT_DAMAGED;
	}
	return INPUT_LINE;
}

enum input_result input_next(struct input *in, const char **line, size_t *length)
{
	size_t seen = 0; /* bytes of the line known to be no newline */

	in->line++;
	for (;;) {
		size_t n = in->end - in->start;
		const char *newline = memchr(in->text + in->start + seen, '\n', n - seen);
		if (newline) {
			*line = in->text + in->start;
			*length = (size_t)(newline - *line);
			in->start += *length + 1;
			return judge(in, *line, *length);
		}
		if (n > INPUT_LINE_MAX)
			return drop_line(in) ? judge(in, NULL, n) : INPUT_FAILED;
		seen = n;
		if (in->start) {
			memmove(in->text, in->text + in->start, n);
			in->start = 0;
			in->end = n;
		}
		if (!fill(in))
			return INPUT_FAILED;
		if (in->end == n) {
			enum input_result result = last_line(in, line, length);
			return result == INPUT_LINE ? judge(in, *line, *length) : result;
		}
	}
}

/* Put what is in text behind @length bytes of *@all, which has room for *@room. */
static bool append(struct input *in, char **all, size_t length, size_t *room)
{
	if (*room - length < in->end) {
		size_t more = 2 * *room > length + in->end ? 2 * *room : length + in->end;
		char *larger = realloc(*all, more);

		if (!larger) {
			snprintf(in->why, sizeof(in->why), "%s", strerror(ENOMEM));
			return false;
		}
		*all = larger;
		*room = more;
	}
	memcpy(*all + length, in->text, in->end);
	return true;
}

bool input_all(const char *path, char **text, size_t *length, char *why)
{
	size_t room = 1;
	char *all = malloc(room);
	struct input *in = NULL;
	int error = input_open(path, &in);
	bool good = in && all;

	*length = 0;
	while (good && (good = fill(in)) && in->end) {
		good = append(in, &all, *length, &room);
		*length += in->end;
		in->end = 0;
	}
	good = good && !in->cut;
	if (!in || !all)
		snprintf(why, INPUT_WHY_MAX, "%s", strerror(error ? error : ENOMEM));
	else
		memcpy(why, in->why, INPUT_WHY_MAX);
	if (in)
		input_close(in);
	if (good)
		*text = all;
	else
		free(all);
	return good;
}

uint64_t input_line(const struct input *in)
{
	return in->line;
}

const char *input_name(const struct input *in)
{
	return in->name;
}

const char *input_why(const struct input *in)
{
	return in->why;
}

uint64_t input_bytes(const struct input *in, uint64_t *total)
{
	*total = in->total;
	return in->bytes;
}

void input_close(struct input *in)
{
	if (!in)
		return;
	if (in->inflate)
		inflateEnd(&in->z);
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	free(in->raw);
	free(in->text);
	free(in->name);
	free(in);
}
