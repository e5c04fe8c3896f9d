/* SPDX-License-Identifier: MIT */
/*
 * lackey.h - one line of valgrind's lackey: what a program did to its memory
 *
 * Reads what valgrind --tool=lackey --trace-mem=yes prints, every instruction fetched and every
 * load and store, and its short form: a letter and a page number, repeated touches of a page
 * left out.
 *
 *   I  0023C790,2    an instruction              I 0401a    a fetch from a page
 *    L 1FFEFFFC8,8   a load                      R 1fff000  a load from it
 *    S 1FFEFFFC8,8   a store                     W 1fff000  a store to it
 *    M 0025747C,1    a load and a store
 */
#ifndef LAB_LACKEY_H
#define LAB_LACKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a line is. */
enum lab_touch_kind {
	LAB_TOUCH_NONE, /* blank, or what valgrind says in between: ==PID== …, --PID-- … */
	LAB_TOUCH_FETCH,
	LAB_TOUCH_LOAD,
	LAB_TOUCH_STORE,
	LAB_TOUCH_MODIFY, /* a load and a store */
	LAB_NR_TOUCHES
};

/* Longest access that lackey prints: the registers of an XSAVE, and more. */
#define LAB_TOUCH_BYTES 4096u

/** struct lab_touch - one access */
struct lab_touch {
	enum lab_touch_kind kind;
	uint32_t bytes;   /* 1 .. LAB_TOUCH_BYTES; of the short form 1 */
	uint64_t address; /* of the short form the page's first byte */
};

/**
 * lab_lackey_line - read one line
 * @line:   without its newline
 * @length: of it
 * @out:    what it says
 * @why:    on an error, what is wrong with it, in a few words
 *
 * Return: 0; -QUIRE_EINVAL for what lackey does not print
 */
int lab_lackey_line(const char *line, size_t length, struct lab_touch *out, const char **why);

/** lab_touch_name - "fetch", "load", "store", "modify"; NULL for a kind that is none */
const char *lab_touch_name(enum lab_touch_kind kind);

#endif
