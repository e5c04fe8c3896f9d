/* SPDX-License-Identifier: MIT */
/*
 * error.h - where a text is wrong, and how
 */
#ifndef LAB_ERROR_H
#define LAB_ERROR_H

/** struct lab_error - what a reader of text complains about */
struct lab_error {
	unsigned long line; /* from 1; 0: the text as a whole */
	char text[160];     /* one line without its end */
};

#endif
