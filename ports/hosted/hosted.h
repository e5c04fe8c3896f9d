/* SPDX-License-Identifier: MIT */
/*
 * hosted.h - the library in a process: what the hosted port adds to port.h
 */
#ifndef QUIRE_HOSTED_H
#define QUIRE_HOSTED_H

#include <quire/fault.h>
#include <quire/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct quire_hosted - one host of one machine; zero it and pass it as quire_config.host
 *
 * NULL is a host too: then frames have no contents and nothing is counted.
 */
struct quire_hosted {
	uint64_t nr_allocs;   /* quire_port_alloc calls so far */
	uint64_t fail_at;     /* the call with this number (from 1) fails; 0: none does */
	uint64_t live_bytes;  /* given out and not yet back */
	size_t zeroed;        /* frames that quire_port_zero filled */
	unsigned char *direct; /* contents of the direct map, once it was asked for */
	uint64_t direct_bytes;
	void **ram;           /* of the other frames that were touched, by frame number */
	uint64_t nr_ram;      /* length of ram */
	struct simulated *mmu; /* the processors' paging, with the direct map */
	uint32_t lock;         /* of ram and the counts: other processors may come */
	uint32_t drop_flushes; /* for tests: so many of the next flushes are forgotten */
	bool untouchable;     /* quire_port_zero says -QUIRE_EOPNOTSUPP, quire_port_direct NULL */
};

/**
 * quire_hosted_frame - the contents of a frame
 * @host: the machine's host
 * @pfn:  its number
 *
 * Return: QUIRE_PAGE_SIZE bytes, zero at first; NULL without memory
 */
void *quire_hosted_frame(struct quire_hosted *host, quire_pfn_t pfn);

/**
 * quire_hosted_access - any access by virtual address, as this thread's processor does it
 * @host:   the machine's host
 * @virt:   the address
 * @buf:    filled or written out; of fetches nothing is seen
 * @n:      bytes
 * @access: what for
 * @user:   by user code
 *
 * Return: the exception; its vector is QUIRE_VECTOR_NONE if there was none
 */
struct quire_exception quire_hosted_access(struct quire_hosted *host, quire_virt_t virt, void *buf,
					   size_t n, enum quire_access access, bool user);

/** quire_hosted_walks - accesses so far that a TLB did not answer, of all processors */
uint64_t quire_hosted_walks(const struct quire_hosted *host);

/** quire_hosted_release - free the contents of all frames */
void quire_hosted_release(struct quire_hosted *host);

/** quire_hosted_cpu - from here on this thread is processor @cpu (0 until it says so) */
void quire_hosted_cpu(unsigned cpu);

/**
 * quire_hosted_panic - choose the exit of quire_port_panic
 * @status: exit status of the process after the message; -1: abort()
 */
void quire_hosted_panic(int status);

#ifdef __cplusplus
}
#endif
#endif
