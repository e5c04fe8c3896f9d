/* SPDX-License-Identifier: MIT */
/*
 * touch.c - the contents of frames
 *
 * A frame of the direct map is a plain pointer. One of high memory gets a window of kmap_local for
 * as long as it takes, and the processor itself copies.
 */
#include "kmem/touch.h"

#include <quire/port.h>

#include "core/assert.h"
#include "core/string.h"
#include "phys/machine.h"

/* Contents of a frame of the direct map. NULL: it has no pointer */
static inline unsigned char *pointer(const struct quire *q, const struct quire_page *page)
{
	uint64_t phys = frames_pfn(&q->frames, frames_index(&q->frames, page)) << QUIRE_PAGE_SHIFT;

	return phys < q->direct_bytes ? q->direct + phys : NULL;
}

/* Through a window. @buf is written only for QUIRE_ACCESS_READ. */
static COLD int through_window(struct quire *q, struct quire_page *page, unsigned offset, void *buf,
			       size_t n, enum quire_access access)
{
	struct quire_exception fault;
	uintptr_t token = quire_port_cpu_enter();
	quire_virt_t virt;
	int error = quire_kmap_local(q, page, &virt);

	if (!error) {
		virt.v += offset;
		error = quire_port_access(q->config.host, virt, buf, n, access, &fault);
		ASSERT("KMAP-1", error != -QUIRE_EFAULT);
		quire_kunmap_local(q, virt);
	}
	quire_port_cpu_leave(token);
	return error;
}

static bool wrong(const struct quire *q, const struct quire_page *page, unsigned offset, size_t n)
{
	return !frames_owns(&q->frames, page) || offset > QUIRE_PAGE_SIZE ||
	       n > QUIRE_PAGE_SIZE - offset;
}

int quire_page_read(struct quire *q, struct quire_page *page, unsigned offset, void *buf, size_t n)
{
	if (unlikely(wrong(q, page, offset, n)))
		return -QUIRE_EINVAL;
	const unsigned char *p = pointer(q, page);

	if (unlikely(!p))
		return through_window(q, page, offset, buf, n, QUIRE_ACCESS_READ);
	memcpy(buf, p + offset, n);
	return 0;
}

int quire_page_write(struct quire *q, struct quire_page *page, unsigned offset, const void *buf,
		     size_t n)
{
	if (unlikely(wrong(q, page, offset, n)))
		return -QUIRE_EINVAL;
	unsigned char *p = pointer(q, page);

	if (unlikely(!p))
		return through_window(q, page, offset, (void *)(uintptr_t)buf, n,
				      QUIRE_ACCESS_WRITE);
	memcpy(p + offset, buf, n);
	return 0;
}

int touch_zero(struct quire *q, struct quire_page *page, unsigned offset, size_t n)
{
	static const unsigned char zeros[512];
	unsigned char *p = pointer(q, page);
	int error = 0;

	if (likely(p)) {
		memset(p + offset, 0, n);
		return 0;
	}
	while (n && !error) {
		size_t part = n < sizeof(zeros) ? n : sizeof(zeros);

		error = quire_page_write(q, page, offset, zeros, part);
		offset += (unsigned)part;
		n -= part;
	}
	return error;
}

/* One of the two has no pointer, or neither. */
static COLD int copy_through_window(struct quire *q, struct quire_page *to, struct quire_page *from)
{
	const unsigned char *source = pointer(q, from);
	unsigned char *target = pointer(q, to), part[512];
	int error = 0;

	if (source)
		return quire_page_write(q, to, 0, source, QUIRE_PAGE_SIZE);
	if (target)
		return quire_page_read(q, from, 0, target, QUIRE_PAGE_SIZE);
	for (unsigned at = 0; at < QUIRE_PAGE_SIZE && !error; at += sizeof(part)) {
		error = quire_page_read(q, from, at, part, sizeof(part));
		if (!error)
			error = quire_page_write(q, to, at, part, sizeof(part));
	}
	return error;
}

int touch_copy(struct quire *q, struct quire_page *to, struct quire_page *from)
{
	const unsigned char *source = pointer(q, from);
	unsigned char *target = pointer(q, to);

	if (unlikely(!source) || unlikely(!target))
		return copy_through_window(q, to, from);
	memcpy(target, source, QUIRE_PAGE_SIZE);
	return 0;
}
