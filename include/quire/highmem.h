/* SPDX-License-Identifier: MIT */
/*
 * highmem.h - windows to frames that have no address of their own
 *
 * High memory is borrowed: find a free address, set the entry, use it, give it back. Frames
 * of the direct map, and so all of a 64-bit machine, have an address already, and both calls
 * return that.
 *
 *   quire_kmap         a window that may stay open; 1024 of them, 512 with PAE
 *   quire_kmap_local   a short-lived one of this processor alone
 *   quire_page_read    copy from a frame, _write to it, through one if need be
 *
 * The windows want quire_kernel_boot (layout.h) before them, else -QUIRE_ENODEV.
 */
#ifndef QUIRE_HIGHMEM_H
#define QUIRE_HIGHMEM_H

#include <quire/page.h>
#include <quire/quire.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * quire_page_address - the address that a frame has now
 * @q:    the machine, also before quire_kernel_boot
 * @page: a frame
 *
 * Return: in the direct map, or of its quire_kmap window; 0 if it has none
 */
quire_virt_t quire_page_address(struct quire *q, const struct quire_page *page);

/**
 * quire_kmap - open a window to a frame, or count one more user of it
 * @q:    the machine
 * @page: any frame
 * @out:  its address
 *
 * A window that was closed keeps its entry until they have all been used once: then one flush
 * of the TLBs is enough for all.
 *
 * Return: 0; -QUIRE_EAGAIN if all windows are open (Linux would wait); -QUIRE_EINVAL for what is
 *         no frame; -QUIRE_EOVERFLOW beyond 2^31 users; -QUIRE_ENODEV
 * Locks:  takes kmap->lock
 */
int quire_kmap(struct quire *q, struct quire_page *page, quire_virt_t *out);

/** quire_kunmap - one user less. Return: 0; -QUIRE_EINVAL if no window is open; -QUIRE_ENODEV */
int quire_kunmap(struct quire *q, struct quire_page *page);

/**
 * quire_kmap_local - open a short-lived window of this processor
 * @q:    the machine
 * @page: any frame
 * @out:  its address
 *
 * For a frame of high memory the caller stays on this processor from here to
 * quire_kunmap_local, as from quire_port_cpu_enter to _leave. Windows nest, and are closed in
 * reverse order.
 *
 * Return:  0; -QUIRE_EAGAIN if QUIRE_KMAP_DEPTH are open here; -QUIRE_EINVAL; -QUIRE_ENODEV
 * Context: until it is closed the caller does not sleep. What would flush other processors' TLBs
 *          is put off (vfree) or refused (quire_kmap, a vmalloc that finds no addresses); nobody
 *          else may do it: quire_table_unmap and _protect, the fixmap
 */
int quire_kmap_local(struct quire *q, struct quire_page *page, quire_virt_t *out);

/** What became of closing a window. Anything but QUIRE_KUNMAP_OK changed nothing. */
enum quire_kunmap {
	QUIRE_KUNMAP_OK,
	QUIRE_KUNMAP_FOREIGN, /* no address of a window */
	QUIRE_KUNMAP_CLOSED,  /* that window is not open */
	QUIRE_KUNMAP_ORDER,   /* it isn't the newest: those opened later are closed first */
	QUIRE_KUNMAP_CPU,     /* another processor's */
};

/** quire_kunmap_name - the outcome in words: "not the newest window" … */
const char *quire_kunmap_name(enum quire_kunmap outcome);

/**
 * quire_kunmap_local - close this processor's newest window
 * @q:    the machine
 * @virt: an address in it
 *
 * Return: QUIRE_KUNMAP_OK, also for an address of the direct map; or what was wrong
 */
enum quire_kunmap quire_kunmap_local(struct quire *q, quire_virt_t virt);

/** struct quire_kmap_stat - the windows in numbers */
struct quire_kmap_stat {
	unsigned total;      /* 1024, 512; 0 on 64-bit machines */
	unsigned open;
	unsigned stale;      /* closed, the TLBs not flushed yet */
	uint64_t nr_flushes; /* times they ran round */
};

/** quire_kmap_stat - count. Return: 0; -QUIRE_ENODEV */
int quire_kmap_stat(struct quire *q, struct quire_kmap_stat *out);

/**
 * quire_page_read - copy from a frame, through a window if it has no address
 * @q:      a machine with a heap
 * @page:   the frame
 * @offset: of the first byte in it
 * @buf:    filled
 * @n:      bytes, up to the frame's end
 *
 * Return:  0; -QUIRE_EINVAL; for a frame of high memory also what quire_kmap_local says, and
 *          -QUIRE_EOPNOTSUPP if this processor has no root loaded
 * Context: as quire_kmap_local
 */
int quire_page_read(struct quire *q, struct quire_page *page, unsigned offset, void *buf, size_t n);

/** quire_page_write - copy to a frame. Return: likewise */
int quire_page_write(struct quire *q, struct quire_page *page, unsigned offset, const void *buf,
		     size_t n);

#ifdef __cplusplus
}
#endif
#endif
