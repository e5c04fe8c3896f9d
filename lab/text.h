/* SPDX-License-Identifier: MIT */
/*
 * text.h - the few string functions that the lab needs
 */
#ifndef QUIRE_LAB_TEXT_H
#define QUIRE_LAB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** text_equal - are two strings the same? */
bool text_equal(const char *a, const char *b);

/** text_is - are the @length bytes of @text the word @word? */
bool text_is(const char *text, size_t length, const char *word);

/** text_equal_nocase - are they the same but for capitals? */
bool text_equal_nocase(const char *a, const char *b);

/** text_begins - does @text begin with @start? */
bool text_begins(const char *text, const char *start);

/** text_length - bytes before the 0 */
size_t text_length(const char *text);

/**
 * text_copy - copy as much as fits, always with a 0
 * @to:   room
 * @size: of it, not 0
 * @from: text
 */
void text_copy(char *to, size_t size, const char *from);

/**
 * text_number - read a whole word as a number, decimal or 0x…
 * @text: the word
 * @out:  its value
 *
 * Return: false if it is none or does not fit
 */
bool text_number(const char *text, uint64_t *out);

/**
 * text_distance - how many typing slips lie between two words
 * @a: one
 * @b: the other
 *
 * Insertion, loss, exchange of a letter, two letters swapped: each counts 1.
 *
 * Return: the number; UINT32_MAX if a word is longer than 31 bytes
 */
unsigned text_distance(const char *a, const char *b);

#endif
