/* SPDX-License-Identifier: MIT */
/*
 * mm.h - a process's address space
 *
 * An address space is a set of areas (VMAs), a page table, and counts. The calls are Linux's system
 * calls, with their arguments, their flags and their errors; a kernel's system call table calls
 * them as they are. Memory comes at the first touch, by quire_mm_fault.
 *
 *   quire_vm_boot        set processes up                       needs the page cache (file.h)
 *   quire_mm_create      an empty address space
 *   quire_mm_fork        a copy of one: areas copied, frames shared until they are written
 *   quire_mm_destroy     the process ends: everything goes back
 *   quire_mmap …         the system calls
 *   quire_mm_fault       what the processor's page fault handler calls
 *   quire_user_read …    memory of a process, with its faults
 *
 * A call on one mm may run beside any other on any cpu. They may sleep, so no spinlock is held and
 * the caller is not between quire_port_cpu_enter and _leave.
 */
#ifndef QUIRE_MM_H
#define QUIRE_MM_H

#include <quire/fault.h>
#include <quire/file.h>
#include <quire/pgtable.h>

#ifdef __cplusplus
extern "C" {
#endif

struct quire_mm;

/* ---- The machine -------------------------------------------------------------- */

/** How much memory may be promised: /proc/sys/vm/overcommit_memory. */
enum quire_overcommit {
	QUIRE_OVERCOMMIT_GUESS,  /* 0: what can't ever be met is refused */
	QUIRE_OVERCOMMIT_ALWAYS, /* 1 */
	QUIRE_OVERCOMMIT_NEVER,  /* 2: no more than CommitLimit */
};

/** Which anonymous memory gets huge pages: /sys/kernel/mm/transparent_hugepage/enabled. */
enum quire_thp {
	QUIRE_THP_NEVER,
	QUIRE_THP_MADVISE, /* those that MADV_HUGEPAGE named */
	QUIRE_THP_ALWAYS,  /* all but those that MADV_NOHUGEPAGE named */
};

/** quire_thp_name - "never", "madvise", "always" */
const char *quire_thp_name(enum quire_thp enabled);

/** struct quire_vm_sysctl - what /proc/sys/vm and /sys/kernel/mm/transparent_hugepage set */
struct quire_vm_sysctl {
	enum quire_overcommit overcommit_memory;
	unsigned overcommit_ratio;     /* percent of memory, in mode 2 */
	uint64_t overcommit_kbytes;    /* 0: by ratio */
	uint64_t user_reserve_kbytes;  /* left in mode 2 */
	uint64_t admin_reserve_kbytes;
	uint64_t max_map_count;        /* areas of one address space */
	uint64_t mmap_min_addr;        /* lowest address to be mapped */
	uint64_t stack_guard_pages;    /* kept free below a stack: stack_guard_gap */
	enum quire_thp transparent_huge; /* enabled */
	bool use_zero_page;            /* reads of fresh memory get a huge page of zeros */
	unsigned pages_to_scan;        /* khugepaged/…: pages that one call looks at */
	unsigned max_ptes_none;        /* of a huge page to be made: pages that nothing is in yet */
	unsigned max_ptes_shared;      /* and those that others have, too */
	/*
	 * Huge pages for MAP_HUGETLB. When it is set the pool grows as far as blocks can be had,
	 * and shrinks as far as they are not in use or promised: what is read is what it has.
	 */
	uint64_t nr_hugepages;
	uint64_t nr_overcommit_hugepages; /* as many more may come when they are asked for */
};

/**
 * quire_vm_boot - set processes up
 * @q: a machine with a page cache
 *
 * Return: 0; -QUIRE_ENODEV before quire_cache_boot; -QUIRE_EBUSY when called twice; -QUIRE_ENOMEM
 */
int quire_vm_boot(struct quire *q);

/** quire_vm_sysctl - as they are. Return: 0; -QUIRE_ENODEV before quire_vm_boot */
int quire_vm_sysctl(struct quire *q, struct quire_vm_sysctl *out);

/**
 * quire_vm_set_sysctl - change them all, or none
 *
 * That the pool of huge pages could not become as large as nr_hugepages is no error.
 *
 * Return: 0; -QUIRE_EINVAL; -QUIRE_ENODEV
 */
int quire_vm_set_sysctl(struct quire *q, const struct quire_vm_sysctl *sysctl);

/** What happened to transparent huge pages: /proc/vmstat's thp_…. */
enum quire_thp_event {
	QUIRE_THP_FAULT_ALLOC,           /* made by a fault */
	QUIRE_THP_FAULT_FALLBACK,        /* there was no block: a small page instead */
	QUIRE_THP_COLLAPSE_ALLOC,        /* a block was had to collapse small pages into */
	QUIRE_THP_COLLAPSE_ALLOC_FAILED, /* or not */
	QUIRE_THP_SPLIT_PMD,             /* an entry became a page table */
	QUIRE_THP_SCAN_EXCEED_NONE_PTE,  /* khugepaged left it, for max_ptes_none */
	QUIRE_THP_SCAN_EXCEED_SHARE_PTE, /* and max_ptes_shared */
	QUIRE_THP_ZERO_PAGE_ALLOC,       /* the huge page of zeros was made */
	QUIRE_NR_THP_EVENTS
};

/** quire_thp_event_name - "thp_fault_alloc" … */
const char *quire_thp_event_name(enum quire_thp_event event);

/** struct quire_vm_stat - processes in numbers, as /proc/meminfo and /proc/vmstat tell them */
struct quire_vm_stat {
	uint64_t nr_mms;
	uint64_t committed;      /* pages: Committed_AS */
	uint64_t commit_limit;   /* pages */
	uint64_t nr_anon;        /* pages: AnonPages */
	uint64_t nr_mapped;      /* pages of files, mapped: Mapped */
	uint64_t nr_mlocked;
	uint64_t nr_anon_huge;   /* transparent huge pages that processes map whole */
	uint64_t thp[QUIRE_NR_THP_EVENTS];
	uint64_t nr_hugepages, nr_hugepages_free, nr_hugepages_reserved, nr_hugepages_surplus;
	uint64_t pgfault, pgmajfault;
	uint64_t nr_table_pages; /* PageTables */
};

/**
 * quire_vm_stat - count
 *
 * Return:  0; -QUIRE_ENODEV
 * Context: with memory that is locked, or huge pages, nobody else may use the machine meanwhile;
 *          may sleep
 */
int quire_vm_stat(struct quire *q, struct quire_vm_stat *out);

/* ---- Address spaces ------------------------------------------------------------- */

/** Limits of a process, Linux's numbers. */
enum quire_rlimit {
	QUIRE_RLIMIT_DATA = 2,
	QUIRE_RLIMIT_STACK = 3,
	QUIRE_RLIMIT_MEMLOCK = 8,
	QUIRE_RLIMIT_AS = 9,
};
#define QUIRE_RLIM_INFINITY UINT64_MAX
#define QUIRE_NR_RLIMITS 16

/** struct quire_mm_config - what a process is; zeroed and by quire_mm_config_init */
struct quire_mm_config {
	bool compat;                       /* a 32-bit process on a 64-bit machine */
	bool bottom_up;                    /* mmap searches upwards: Linux's legacy layout */
	bool privileged;                   /* CAP_IPC_LOCK, CAP_SYS_RAWIO, CAP_SYS_ADMIN */
	bool randomize;                    /* the layout, from @seed */
	uint64_t seed;
	uint64_t rlimit[QUIRE_NR_RLIMITS]; /* bytes */
};

/** quire_mm_config_init - a fixed layout, top-down, Linux's default limits */
void quire_mm_config_init(struct quire_mm_config *config);

/**
 * quire_mm_create - an empty address space
 * @q:      after quire_vm_boot
 * @config: copied; NULL: as quire_mm_config_init
 * @out:    no areas; the heap and the stack come with exec (exec.h) or quire_mm_set_brk
 *
 * Return: 0; -QUIRE_ENODEV; -QUIRE_EINVAL; -QUIRE_ENOMEM
 */
int quire_mm_create(struct quire *q, const struct quire_mm_config *config, struct quire_mm **out);

/**
 * quire_mm_fork - a child's address space
 * @mm:  the parent's
 * @out: the child's: areas copied, frames shared and write-protected in both
 *
 * MADV_DONTFORK's areas are left out, MADV_WIPEONFORK's are empty, locks are not inherited.
 *
 * Return: 0; -QUIRE_ENOMEM, also for what may be promised: then the parent is as it was
 */
int quire_mm_fork(struct quire_mm *mm, struct quire_mm **out);

/**
 * quire_mm_destroy - give an address space back
 * @mm: loaded on no processor, in no call; or NULL
 *
 * Return: 0; -QUIRE_EBUSY while it is loaded
 */
int quire_mm_destroy(struct quire_mm *mm);

/** quire_mm_load - make it the one that this processor uses. Return: as quire_table_load */
int quire_mm_load(struct quire_mm *mm);

/** quire_mm_table - its page table */
struct quire_table *quire_mm_table(struct quire_mm *mm);

/** quire_mm_set_rlimit - change a limit. Return: 0; -QUIRE_EINVAL */
int quire_mm_set_rlimit(struct quire_mm *mm, enum quire_rlimit limit, uint64_t bytes);

/** struct quire_mm_layout - where a process's regions begin; Linux's names */
struct quire_mm_layout {
	quire_virt_t start_code, end_code, start_data, end_data;
	quire_virt_t start_brk, brk;
	quire_virt_t mmap_base;  /* top-down: below it; bottom-up: from it on */
	quire_virt_t start_stack;
	quire_virt_t arg_start, arg_end, env_start, env_end;
	quire_virt_t task_size;  /* end of user addresses */
};

/** quire_mm_layout - as it is */
void quire_mm_layout(struct quire_mm *mm, struct quire_mm_layout *out);

/** What a fault that was answered came to. */
enum quire_fault_kind {
	QUIRE_FAULT_KIND_ZERO,     /* fresh memory was read: the page of zeros */
	QUIRE_FAULT_KIND_FRESH,    /* fresh memory was written: a frame of zeros */
	QUIRE_FAULT_KIND_FILE,     /* a page of a file was mapped, with others around it */
	QUIRE_FAULT_KIND_COPY,     /* a private page was written that was shared, a file's, zeros */
	QUIRE_FAULT_KIND_LAST,     /* it was written by the last one who has it: no copy */
	QUIRE_FAULT_KIND_DIRTY,    /* a page of a file, mapped before, was written */
	QUIRE_FAULT_KIND_SPURIOUS, /* another processor had put it right */
	QUIRE_NR_FAULT_KINDS
};

/** quire_fault_kind_name - "page of zeros", "copy-on-write" … */
const char *quire_fault_kind_name(enum quire_fault_kind kind);

/** struct quire_mm_stat - a process in numbers; pages unless said otherwise */
struct quire_mm_stat {
	uint64_t total_vm, data_vm, stack_vm, exec_vm, locked_vm;
	uint64_t rss_anon, rss_file, rss_shmem, hiwater_rss, hiwater_vm;
	uint64_t nr_vmas;
	uint64_t table_bytes;
	uint64_t min_faults, maj_faults;
	uint64_t faults[QUIRE_NR_FAULT_KINDS]; /* the sum of both, by kind */
};

/** quire_mm_stat - count */
void quire_mm_stat(struct quire_mm *mm, struct quire_mm_stat *out);

/* ---- Areas ------------------------------------------------------------------------ */

/* What an area is: Linux's VM_…, with its values. */
#define QUIRE_VM_READ 0x1u
#define QUIRE_VM_WRITE 0x2u
#define QUIRE_VM_EXEC 0x4u
#define QUIRE_VM_SHARED 0x8u
#define QUIRE_VM_MAYREAD 0x10u
#define QUIRE_VM_MAYWRITE 0x20u
#define QUIRE_VM_MAYEXEC 0x40u
#define QUIRE_VM_MAYSHARE 0x80u
#define QUIRE_VM_GROWSDOWN 0x100u
#define QUIRE_VM_LOCKED 0x2000u
#define QUIRE_VM_SEQ_READ 0x8000u
#define QUIRE_VM_RAND_READ 0x10000u
#define QUIRE_VM_DONTCOPY 0x20000u
#define QUIRE_VM_DONTEXPAND 0x40000u
#define QUIRE_VM_LOCKONFAULT 0x80000u
#define QUIRE_VM_ACCOUNT 0x100000u
#define QUIRE_VM_NORESERVE 0x200000u
#define QUIRE_VM_HUGETLB 0x400000u
#define QUIRE_VM_WIPEONFORK 0x2000000u
#define QUIRE_VM_DONTDUMP 0x4000000u
#define QUIRE_VM_SEALED 0x8000000u /* Linux's bit is beyond 32 */
#define QUIRE_VM_HUGEPAGE 0x20000000u
#define QUIRE_VM_NOHUGEPAGE 0x40000000u

/** What an area is for, as /proc/PID/maps names it. */
enum quire_vma_kind { QUIRE_VMA_PLAIN, QUIRE_VMA_HEAP, QUIRE_VMA_STACK, QUIRE_VMA_VDSO };

/** struct quire_vma_info - one area */
struct quire_vma_info {
	quire_virt_t start, end;  /* [start, end) */
	uint32_t flags;           /* QUIRE_VM_… */
	uint64_t pgoff;           /* page of the file at start */
	struct quire_file *file;  /* NULL: anonymous. Not referenced for the caller */
	enum quire_vma_kind kind;
};

/**
 * quire_mm_next_vma - the first area that ends above an address
 * @mm:   the address space
 * @from: any
 * @out:  the area
 *
 * Return: true if there is one
 */
bool quire_mm_next_vma(struct quire_mm *mm, quire_virt_t from, struct quire_vma_info *out);

/** struct quire_vma_pages - the pages of an area, as /proc/PID/smaps counts them, in bytes */
struct quire_vma_pages {
	uint64_t rss;
	/* In 1/4096 bytes, each page by its mapcount. */
	uint64_t pss, pss_dirty, pss_anon, pss_file, pss_shmem;
	uint64_t shared_clean, shared_dirty, private_clean, private_dirty;
	uint64_t referenced, anonymous, lazy_free, anon_huge;
	uint64_t shared_hugetlb, private_hugetlb;
};

/** quire_vma_pages - count the pages that are resident in [start, end). Return: 0 */
int quire_vma_pages(struct quire_mm *mm, quire_virt_t start, quire_virt_t end,
		    struct quire_vma_pages *out);

/* ---- System calls ------------------------------------------------------------------ */

#define QUIRE_PROT_NONE 0u
#define QUIRE_PROT_READ 1u
#define QUIRE_PROT_WRITE 2u
#define QUIRE_PROT_EXEC 4u
#define QUIRE_PROT_GROWSDOWN 0x01000000u

#define QUIRE_MAP_SHARED 0x01u
#define QUIRE_MAP_PRIVATE 0x02u
#define QUIRE_MAP_SHARED_VALIDATE 0x03u
#define QUIRE_MAP_TYPE 0x0fu
#define QUIRE_MAP_FIXED 0x10u
#define QUIRE_MAP_ANONYMOUS 0x20u
#define QUIRE_MAP_32BIT 0x40u
#define QUIRE_MAP_GROWSDOWN 0x100u
#define QUIRE_MAP_DENYWRITE 0x800u
#define QUIRE_MAP_EXECUTABLE 0x1000u
#define QUIRE_MAP_LOCKED 0x2000u
#define QUIRE_MAP_NORESERVE 0x4000u
#define QUIRE_MAP_POPULATE 0x8000u
#define QUIRE_MAP_NONBLOCK 0x10000u
#define QUIRE_MAP_STACK 0x20000u
#define QUIRE_MAP_HUGETLB 0x40000u
#define QUIRE_MAP_SYNC 0x80000u
#define QUIRE_MAP_FIXED_NOREPLACE 0x100000u

/** struct quire_mmap - the arguments of mmap */
struct quire_mmap {
	quire_virt_t address; /* a hint, or with FIXED the place */
	uint64_t bytes;
	unsigned prot;           /* QUIRE_PROT_… */
	unsigned flags;          /* QUIRE_MAP_… */
	struct quire_file *file; /* NULL with MAP_ANONYMOUS; else EBADF */
	uint64_t offset;         /* bytes, page aligned */
};

/**
 * quire_mmap - mmap(2)
 * @mm:   the address space
 * @args: what is wanted
 * @out:  where it is
 *
 * Return: 0; Linux's errors: -QUIRE_EINVAL, ENOMEM, EEXIST, EACCES, EBADF, EPERM, EAGAIN,
 *         EOVERFLOW, EOPNOTSUPP, ENODEV
 */
int quire_mmap(struct quire_mm *mm, const struct quire_mmap *args, quire_virt_t *out);

/** quire_munmap - munmap(2). Return: 0; -QUIRE_EINVAL; -QUIRE_ENOMEM; -QUIRE_EPERM if sealed */
int quire_munmap(struct quire_mm *mm, quire_virt_t address, uint64_t bytes);

/** quire_mprotect - mprotect(2). Return: 0; -QUIRE_EINVAL, ENOMEM, EACCES, EPERM */
int quire_mprotect(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned prot);

#define QUIRE_MREMAP_MAYMOVE 1u
#define QUIRE_MREMAP_FIXED 2u
#define QUIRE_MREMAP_DONTUNMAP 4u

/** struct quire_mremap - the arguments of mremap */
struct quire_mremap {
	quire_virt_t address;
	uint64_t old_bytes, new_bytes;
	unsigned flags;           /* QUIRE_MREMAP_… */
	quire_virt_t new_address; /* with FIXED; with DONTUNMAP a hint */
};

/** quire_mremap - mremap(2). Return: 0; -QUIRE_EINVAL, EFAULT, ENOMEM, EAGAIN, EPERM */
int quire_mremap(struct quire_mm *mm, const struct quire_mremap *args, quire_virt_t *out);

/** quire_brk - brk(2). Return: the end of the heap: @address, or as it was if that can't be */
quire_virt_t quire_brk(struct quire_mm *mm, quire_virt_t address);

/** quire_mm_set_brk - the heap begins there, empty: what exec does. Return: 0; -QUIRE_EINVAL */
int quire_mm_set_brk(struct quire_mm *mm, quire_virt_t start);

/** What madvise is told: Linux's MADV_…, with its values. */
enum quire_advice {
	QUIRE_MADV_NORMAL = 0,
	QUIRE_MADV_RANDOM = 1,
	QUIRE_MADV_SEQUENTIAL = 2,
	QUIRE_MADV_WILLNEED = 3,
	QUIRE_MADV_DONTNEED = 4,
	QUIRE_MADV_FREE = 8,
	QUIRE_MADV_REMOVE = 9,
	QUIRE_MADV_DONTFORK = 10,
	QUIRE_MADV_DOFORK = 11,
	QUIRE_MADV_HUGEPAGE = 14,
	QUIRE_MADV_NOHUGEPAGE = 15,
	QUIRE_MADV_DONTDUMP = 16,
	QUIRE_MADV_DODUMP = 17,
	QUIRE_MADV_WIPEONFORK = 18,
	QUIRE_MADV_KEEPONFORK = 19,
	QUIRE_MADV_COLD = 20,
	QUIRE_MADV_PAGEOUT = 21,
	QUIRE_MADV_POPULATE_READ = 22,
	QUIRE_MADV_POPULATE_WRITE = 23,
	QUIRE_MADV_COLLAPSE = 25,
};

/**
 * quire_madvise - madvise(2).
 *
 * Return: 0; -QUIRE_EINVAL, ENOMEM, EACCES, EAGAIN, EBADF, EFAULT, EIO, EPERM
 */
int quire_madvise(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, int advice);

/** struct quire_khugepaged - what khugepaged did */
struct quire_khugepaged {
	uint64_t nr_scanned;      /* pages, by this call */
	uint64_t nr_collapsed;    /* huge pages, likewise */
	uint64_t pages_collapsed; /* huge pages so far */
	uint64_t full_scans;      /* passes over all address spaces so far */
};

/**
 * quire_khugepaged - make huge pages of small ones where areas are to have them
 * @q:   the machine
 * @out: what was done; NULL: nobody asks
 *
 * Looks at pages_to_scan pages from where the last call ended, to the end of the last address space
 * at most. Linux has a thread that does this every 10 seconds; here it is the caller's to call.
 *
 * Return:  0; -QUIRE_ENODEV
 * Context: may sleep; beside any other call, but of another processor's that destroys the machine
 */
int quire_khugepaged(struct quire *q, struct quire_khugepaged *out);

#define QUIRE_MLOCK_ONFAULT 1u
#define QUIRE_MCL_CURRENT 1u
#define QUIRE_MCL_FUTURE 2u
#define QUIRE_MCL_ONFAULT 4u

/** quire_mlock - mlock2(2). Return: 0; -QUIRE_EINVAL, ENOMEM, EAGAIN, EPERM */
int quire_mlock(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned flags);

/** quire_munlock - munlock(2). Return: 0; -QUIRE_EINVAL, ENOMEM */
int quire_munlock(struct quire_mm *mm, quire_virt_t address, uint64_t bytes);

/** quire_mlockall - mlockall(2). Return: 0; -QUIRE_EINVAL, ENOMEM, EPERM */
int quire_mlockall(struct quire_mm *mm, unsigned flags);

/** quire_munlockall - munlockall(2). Return: 0 */
int quire_munlockall(struct quire_mm *mm);

/**
 * quire_mincore - mincore(2). @vec: a byte for each page, bit 0: in memory.
 *
 * Return: 0; EINVAL, ENOMEM
 */
int quire_mincore(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned char *vec);

#define QUIRE_MS_ASYNC 1u
#define QUIRE_MS_INVALIDATE 2u
#define QUIRE_MS_SYNC 4u

/** quire_msync - msync(2). Return: 0; -QUIRE_EINVAL, EBUSY, ENOMEM, EIO */
int quire_msync(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned flags);

/** quire_mseal - mseal(2). Return: 0; -QUIRE_EINVAL, ENOMEM, EPERM on 32-bit machines */
int quire_mseal(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned flags);

/* ---- Faults and accesses ----------------------------------------------------------- */

/** What becomes of a fault. */
enum quire_fault {
	QUIRE_FAULT_DONE,    /* try the access again */
	QUIRE_FAULT_SIGSEGV, /* the program gets that signal */
	QUIRE_FAULT_SIGBUS,
	QUIRE_FAULT_OOM,     /* no memory: somebody has to go */
};

/* si_code of the signal. */
#define QUIRE_SEGV_MAPERR 1 /* nothing is mapped there */
#define QUIRE_SEGV_ACCERR 2 /* not for this kind of access */
#define QUIRE_SI_KERNEL 0x80 /* with SIGSEGV: an address that can't be; si_addr is 0 */
#define QUIRE_BUS_ADRERR 2  /* beyond the end of the file, or it can't be read */

/** struct quire_signal - what a program is told */
struct quire_signal {
	int code;             /* QUIRE_SEGV_…, QUIRE_BUS_…; 0: none */
	quire_virt_t address; /* si_addr */
	bool major;           /* the store was read */
};

/** quire_fault_name - "done", "SIGSEGV" … */
const char *quire_fault_name(enum quire_fault fault);

/**
 * quire_mm_fault - answer a page fault
 * @mm:         of the process that touched the address
 * @address:    CR2
 * @error_code: QUIRE_PF_… as the processor gives it
 * @out:        for a signal; may be NULL
 *
 * Return:  what is to be done
 * Context: may sleep; not for the kernel's half (quire_table_sync)
 */
enum quire_fault quire_mm_fault(struct quire_mm *mm, quire_virt_t address, uint32_t error_code,
				struct quire_signal *out);

/**
 * quire_user_access - memory of the process that this processor has loaded, as its code does it
 * @mm:     loaded here
 * @virt:   any address, across pages
 * @buf:    filled or written out; of a fetch filled
 * @n:      bytes
 * @access: of the program: rights of user code apply
 * @out:    the signal; may be NULL
 *
 * Walks the processor's TLB and tables, and answers page faults until the access is done. Where
 * the port can't act as user code, or no processor has the process loaded, the tables alone are
 * walked.
 *
 * Return: QUIRE_FAULT_DONE, or how it ended: bytes before out->address are done
 */
enum quire_fault quire_user_access(struct quire_mm *mm, quire_virt_t virt, void *buf, size_t n,
				   enum quire_access access, struct quire_signal *out);

/**
 * quire_copy_to_user - the kernel writes to a process's memory
 * @mm: any, loaded or not
 *
 * Return: bytes that were not copied: 0 if all were
 */
size_t quire_copy_to_user(struct quire_mm *mm, quire_virt_t to, const void *from, size_t n);

/** quire_copy_from_user - the kernel reads it. Return: likewise */
size_t quire_copy_from_user(struct quire_mm *mm, void *to, quire_virt_t from, size_t n);

/** quire_clear_user - the kernel zeroes it. Return: likewise */
size_t quire_clear_user(struct quire_mm *mm, quire_virt_t to, size_t n);

/** struct quire_frame_use - what user memory does with a frame: kpagecount, kpageflags, pagemap */
struct quire_frame_use {
	uint32_t mapcount;  /* entries that map it */
	bool anon, cache;   /* whose it is */
	bool dirty, uptodate, locked, writeback, referenced, mlocked, huge, zero;
	bool hugetlb; /* of the pool of huge pages; anon or cache while it is in use */
	struct quire_inode *inode; /* of the cache */
	uint64_t index;            /* page of the file */
};

/**
 * quire_frame_use - look at a frame
 *
 * Return:  0; -QUIRE_ENXIO outside of memory; -QUIRE_ENODEV
 * Context: nobody else may use the machine meanwhile
 */
int quire_frame_use(struct quire *q, quire_pfn_t pfn, struct quire_frame_use *out);

/**
 * quire_frame_mappings - every entry that maps a frame, through the reverse maps
 * @visit: called for each; must not call back into the machine
 *
 * Return:  how many
 * Context: nobody else may use the machine meanwhile
 */
uint64_t quire_frame_mappings(struct quire *q, quire_pfn_t pfn,
			      void (*visit)(void *ctx, struct quire_mm *mm, quire_virt_t virt),
			      void *ctx);

#ifdef __cplusplus
}
#endif
#endif
