/* SPDX-License-Identifier: MIT */
/*
 * mmu.c - port.h's paging functions: the processor's own for the machine this, a simulated
 * one's for others
 *
 * Source: Intel SDM vol. 3, 4.10.4 (invalidation), 11.12 (page attribute table)
 */
#include <quire/error.h>
#include <quire/port.h>

#include "copy.h"
#include "cpu.h"
#include "trap.h"
#include "x86.h"

/* Linux's page attribute table: WB, WC, UC-, UC, WB, WP, UC-, WT. */
#define MSR_PAT 0x277u
#define PAT_LINUX 0x0407050600070106u

#define MSR_EFER 0xc0000080u
#define EFER_NXE 0x800u

#define CPUID_PAT (1u << 16)

#ifdef __x86_64__
#define LEVELS 4
#elif defined(PAE)
#define LEVELS 3
#else
#define LEVELS 2
#endif

static int load(quire_phys_t root, unsigned levels)
{
	if (levels != LEVELS || root.v > UINTPTR_MAX)
		return -QUIRE_EOPNOTSUPP;
#if LEVELS > 2
	if (!(cpu_msr(MSR_EFER) & EFER_NXE))
		return -QUIRE_EOPNOTSUPP; /* to this processor, NX in an entry is a reserved bit */
#endif
	if (cpu_features() & CPUID_PAT)
		cpu_set_msr(MSR_PAT, PAT_LINUX);
	trap_root((uintptr_t)root.v);
	cpu_set_cr3((uintptr_t)root.v);
	return 0;
}

int quire_port_load_root(void *host, quire_phys_t root, unsigned levels)
{
	struct x86_host *h = host;

	if (!h || h->memory == X86_HEAP)
		return -QUIRE_EOPNOTSUPP;
	return h->memory == X86_REAL ? load(root, levels)
				     : simulated_load_root(&h->mmu, x86_this_cpu(), root, levels);
}

static void flush(const struct quire_port_flush *what)
{
	if (what->root.v != QUIRE_PORT_ANY_ROOT && what->root.v != cpu_cr3())
		return;
	for (uint64_t i = 0; i < what->nr_pages; i++)
		cpu_invlpg((uintptr_t)(what->start.v + (i << what->shift)));
	if (what->nr_pages)
		return;
	if (what->root.v == QUIRE_PORT_ANY_ROOT) { /* global translations, too */
		cpu_set_cr4(cpu_cr4() & ~(uintptr_t)CR4_PGE);
		cpu_set_cr4(cpu_cr4() | CR4_PGE);
	} else {
		cpu_set_cr3(cpu_cr3());
	}
}

void quire_port_tlb_flush(void *host, const struct quire_port_flush *what)
{
	struct x86_host *h = host;

	if (h && h->memory == X86_REAL)
		flush(what);
	else if (h)
		simulated_flush(&h->mmu, what);
}

static int copy(quire_virt_t virt, void *buf, size_t n, enum quire_access access,
		struct quire_exception *fault)
{
	void *at = (void *)(uintptr_t)virt.v;
	size_t left;

	if (virt.v > UINTPTR_MAX) {
		*fault = (struct quire_exception){ QUIRE_VECTOR_GP, 0, virt };
		return -QUIRE_EFAULT;
	}
	left = access == QUIRE_ACCESS_WRITE ? copy_caught(at, buf, n) : copy_caught(buf, at, n);
	if (!left)
		return 0;
	*fault = trap_caught();
	fault->address.v = virt.v + (n - left);
	return -QUIRE_EFAULT;
}

int quire_port_access(void *host, quire_virt_t virt, void *buf, size_t n, enum quire_access access,
		      struct quire_exception *fault)
{
	struct x86_host *h = host;
	unsigned cpu = x86_this_cpu();

	/* The kernel's own copy would not heed the rights of user code. */
	if (h && h->memory == X86_REAL)
		return (unsigned)access & QUIRE_ACCESS_USER ? -QUIRE_EOPNOTSUPP
							    : copy(virt, buf, n, access, fault);
	return simulated_access(h ? h->mmu.cpu[cpu] : NULL, virt, buf, n, (unsigned)access, fault);
}
