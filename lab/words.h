/* SPDX-License-Identifier: MIT */
/*
 * words.h - a line of a script cut into words
 */
#ifndef QUIRE_LAB_WORDS_H
#define QUIRE_LAB_WORDS_H

#include <quire/types.h>

#include "script.h"

/* Words of one line at most. */
#define LAB_WORDS_MAX 160

/** struct lab_words - a line, cut; a cursor over it */
struct lab_words {
	unsigned nr;
	unsigned at; /* the word that is next */
	const char *word[LAB_WORDS_MAX];
	bool quoted[LAB_WORDS_MAX]; /* a string: never a sign or a keyword */
	char text[2 * LAB_LINE_MAX]; /* where the words lie, each with its 0 */
};

/**
 * words_cut - cut a line
 * @words:  filled in; the cursor is at the first word
 * @line:   the text
 * @length: in bytes
 *
 * Words are separated by blanks. "=" is a word of its own, and so is a ":" at
 * the end of a word. A string in double quotes is one word; \" and \\ stand for
 * themselves in it. A word that begins with # ends the line.
 *
 * Return: NULL, or what is wrong
 */
const char *words_cut(struct lab_words *words, const char *line, size_t length);

/** words_next - take the next word. Return: NULL at the end */
const char *words_next(struct lab_words *words);

/** words_peek - look at the next word. Return: NULL at the end */
const char *words_peek(const struct lab_words *words);

/** words_take - take the next word if it is @word and not a string. Return: whether it was */
bool words_take(struct lab_words *words, const char *word);

/** words_end - are there no more? */
bool words_end(const struct lab_words *words);

#endif
