/* SPDX-License-Identifier: MIT */
/*
 * touch.h - the contents of frames, wherever they are: in the direct map or behind a window
 *
 * quire_page_read and _write (quire/highmem.h), and what else is done to contents.
 */
#ifndef KMEM_TOUCH_H
#define KMEM_TOUCH_H

#include <quire/highmem.h>

/** touch_zero - fill a part of a frame with zeros. Return: as quire_page_write */
int touch_zero(struct quire *q, struct quire_page *page, unsigned offset, size_t n);

/** touch_copy - copy all of a frame to another one. Return: as quire_page_write */
int touch_copy(struct quire *q, struct quire_page *to, struct quire_page *from);

#endif
