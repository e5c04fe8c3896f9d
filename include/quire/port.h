/* SPDX-License-Identifier: MIT */
/*
 * port.h - what a host supplies to the library
 *
 * These functions are the library's only undefined symbols; a test compares
 * the two lists. docs/PORTING.md says which tier needs which of them. @host
 * is the pointer that the machine was created with (quire_config.host).
 */
#ifndef QUIRE_PORT_H
#define QUIRE_PORT_H

#include <quire/fault.h>
#include <quire/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** No place in the machine's own memory was set aside: take it elsewhere. */
#define QUIRE_PORT_ANYWHERE UINT64_MAX

/**
 * quire_port_alloc - memory for the library's own records
 * @host:  the machine's host pointer
 * @at:    physical address set aside for it in the machine's memory, page
 *         aligned; QUIRE_PORT_ANYWHERE when nothing was set aside
 * @bytes: size, not 0
 *
 * A kernel returns its own mapping of @at. A host whose machine is simulated
 * ignores @at and takes the memory from its heap.
 *
 * Return:  @bytes bytes of zeros aligned to 64; NULL if there are none
 * Context: boot and reconfiguration only, never from the fast paths
 */
void *quire_port_alloc(void *host, quire_phys_t at, size_t bytes);

/**
 * quire_port_free - take back what quire_port_alloc gave
 * @host:  the machine's host pointer
 * @p:     what quire_port_alloc returned, or NULL
 * @bytes: the same size
 */
void quire_port_free(void *host, void *p, size_t bytes);

/**
 * quire_port_cpu_enter - stay on this processor, undisturbed
 *
 * From here to quire_port_cpu_leave the caller is neither moved to another
 * processor nor interrupted by code that calls the library. A cpu number is
 * only true while that holds, so the two come from one call.
 *
 * Return:  bits 0..15: the processor's number, below the machine's nr_cpus;
 *          the bits above are the port's own (the interrupt state to restore)
 * Context: any; nests
 */
uintptr_t quire_port_cpu_enter(void);

/**
 * quire_port_cpu_leave - end what quire_port_cpu_enter began
 * @token: what it returned
 */
void quire_port_cpu_leave(uintptr_t token);

/**
 * quire_port_zero - fill frames with zeros
 * @host:     the machine's host pointer
 * @start:    first frame
 * @nr_pages: number of frames
 *
 * The only access of the frame tier to the memory it manages, made for
 * QUIRE_GFP_ZERO alone and through the host's window.
 *
 * Return:  0; -QUIRE_EOPNOTSUPP if this processor can't touch that memory;
 *          -QUIRE_ENOMEM if the window can't be had
 */
int quire_port_zero(void *host, quire_pfn_t start, uint64_t nr_pages);

/**
 * quire_port_direct - where directly mapped memory can be touched
 * @host:  the machine's host pointer
 * @bytes: from physical address 0 on: lowmem of a 32-bit machine, all memory of a 64-bit one
 *
 * Asked for once, when the first tier above the frames is set up: its objects and page
 * tables are plain pointers, base + physical address. A kernel returns PAGE_OFFSET, a simulated
 * machine a range of its own of which only what is touched costs memory.
 *
 * Return:  the address of physical address 0's contents, aligned to 64; given back by
 *          quire_port_free(host, address, @bytes). NULL if this processor can't touch that memory.
 */
void *quire_port_direct(void *host, uint64_t bytes);

/**
 * quire_port_load_root - make a page table the one that this processor uses
 * @host:   the machine's host pointer
 * @root:   physical address of its root
 * @levels: 2: i386, 3: PAE, 4 and 5: 64-bit mode
 *
 * A kernel moves it to CR3. A simulated processor turns its paging on at the first call:
 * 4 MB pages, write protection of the kernel, global pages and, from three levels on, no-execute.
 *
 * Return:  0; -QUIRE_ENOMEM if the simulation has no memory; -QUIRE_EOPNOTSUPP without one
 * Context: between quire_port_cpu_enter and _leave
 */
int quire_port_load_root(void *host, quire_phys_t root, unsigned levels);

/** The kernel's half of the addresses changed: whichever root a processor has loaded. */
#define QUIRE_PORT_ANY_ROOT UINT64_MAX

/** struct quire_port_flush - which translations no processor may use any more */
struct quire_port_flush {
	quire_phys_t root;   /* of processors that have this one loaded, or QUIRE_PORT_ANY_ROOT */
	quire_virt_t start;  /* first page */
	uint64_t nr_pages;   /* pages, one by one; 0: all, with any root the global ones too */
	unsigned shift;      /* log2 of the distance from page to page in bytes */
	bool local;          /* on this processor alone: the caller stays on it */
};

/**
 * quire_port_tlb_flush - make all processors forget translations
 * @host: the machine's host pointer
 * @what: which
 *
 * INVLPG for each page or CR3 again on this processor, and a message to the others; returns when
 * all have done it.
 *
 * Context: no locks of the library held; not between quire_port_cpu_enter and _leave, unless
 *          @what is local
 */
void quire_port_tlb_flush(void *host, const struct quire_port_flush *what);

/**
 * quire_port_access - read or write memory by virtual address, as this processor does it
 * @host:   the machine's host pointer
 * @virt:   any address, across pages
 * @buf:    filled or written out
 * @n:      bytes
 * @access: QUIRE_ACCESS_READ or _WRITE, as the kernel; with QUIRE_ACCESS_USER, and then
 *          QUIRE_ACCESS_EXEC too, as user code
 * @fault:  the exception that ends it; its address is that of the first byte not done
 *
 * A kernel copies, with an entry for these instructions in its table of exceptions; a simulated
 * processor walks the tables.
 *
 * Return:  0; -QUIRE_EFAULT: @fault, bytes before its address are done;
 *          -QUIRE_EOPNOTSUPP without a processor that has a root loaded, and where the kernel can't
 *          act as user code
 */
int quire_port_access(void *host, quire_virt_t virt, void *buf, size_t n, enum quire_access access,
		      struct quire_exception *fault);

/**
 * quire_port_wait - sleep until a word changes
 * @host:  the machine's host pointer
 * @word:  what is waited for
 * @value: what it has been; if it is something else by now, returns at once
 *
 * Linux's futex: whoever changes the word calls quire_port_wake. May return for no reason. A host
 * with one thread is never asked: nobody could have taken what this caller waits for.
 *
 * Context: no locks of the library held but those that may be held while sleeping; not between
 *          quire_port_cpu_enter and _leave
 */
void quire_port_wait(void *host, const void *word, uint32_t value);

/** quire_port_wake - wake all who sleep on a word, which may be gone by now. Context: any */
void quire_port_wake(void *host, const void *word);

/**
 * quire_port_panic - an invariant of the library is broken
 * @rule: its name, for example "PHYS-3"
 * @text: the condition that did not hold
 * @file: source file
 * @line: line in it
 *
 * Does not return.
 */
#if defined(__GNUC__) || defined(__clang__)
__attribute__((noreturn))
#endif
void quire_port_panic(const char *rule, const char *text, const char *file, int line);

#ifdef __cplusplus
}
#endif
#endif
