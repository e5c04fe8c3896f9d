/* SPDX-License-Identifier: MIT */
/*
 * input.h - lines of a file, of a gzip file, or of a pipe
 */
#ifndef QUIRE_CLI_INPUT_H
#define QUIRE_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line is damage: no recorder prints one. */
#define INPUT_LINE_MAX (1u << 20)

/* Room for the words of what is wrong. */
#define INPUT_WHY_MAX 160

/** What input_next found. */
enum input_result {
	INPUT_LINE,    /* a line */
	INPUT_END,     /* nothing more */
	INPUT_DAMAGED, /* a line that can't be one, too long or with NUL bytes: passed over */
	INPUT_CUT,     /* gzip data that end early or are damaged: nothing more can be read */
	INPUT_FAILED   /* the system could not read it, or the host has no memory */
};

struct input;

/**
 * input_open - open a file for reading by lines
 * @path: "-" is standard input; gzip is recognized by its first two bytes
 * @out:  the input
 *
 * Return: 0; else the system's errno
 */
int input_open(const char *path, struct input **out);

/**
 * input_next - the next line
 * @in:     the input
 * @line:   its text without the newline; good until the next call
 * @length: of it
 *
 * Return: what was found; but for INPUT_LINE and INPUT_END, input_why says more
 */
enum input_result input_next(struct input *in, const char **line, size_t *length);

/**
 * input_all - read a whole file, plain or gzip
 * @path:   as input_open
 * @text:   all of it, to be freed with free()
 * @length: of it, after inflating
 * @why:    INPUT_WHY_MAX bytes: what is wrong, in a few words
 *
 * Return: whether it was read to its end
 */
bool input_all(const char *path, char **text, size_t *length, char *why);

/** input_line - number of the line that input_next was at last, from 1 */
uint64_t input_line(const struct input *in);

/** input_name - the file's name, "stdin" for standard input */
const char *input_name(const struct input *in);

/** input_why - what is wrong, in a few words */
const char *input_why(const struct input *in);

/** input_bytes - bytes of the file read so far; @total: of so many, 0 if not known */
uint64_t input_bytes(const struct input *in, uint64_t *total);

/** input_close - end of reading; @in may be NULL */
void input_close(struct input *in);

#endif
