/* SPDX-License-Identifier: MIT */
/*
 * pgtable.c - the tier: the kernel's table, which table a processor uses, memory by address
 */
#include <quire/port.h>

#include "arch/segment.h"
#include "core/assert.h"
#include "core/hash.h"
#include "pgtable/check.h"
#include "pgtable/table.h"

static void pgtable_destroy(struct quire *q, struct tier *tier)
{
	struct pgtable *pg = (struct pgtable *)(void *)tier;

	while (pg->kernel.next) {
		struct quire_table *t = pg->kernel.next;

		relaxed_store(&t->nr_loaded, 0);
		quire_table_destroy(t);
	}
	table_end(&pg->kernel);
	quire_port_free(q->config.host, pg, sizeof(*pg));
}

int quire_pgtable_boot(struct quire *q)
{
	struct pgtable *pg;
	int error;

	if (q->tier[TIER_PGTABLE])
		return -QUIRE_EBUSY;
	error = direct_map(q);
	if (error)
		return error;
	pg = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE), sizeof(*pg));
	if (!pg)
		return -QUIRE_ENOMEM;
	error = table_init(q, &pg->kernel, true);
	if (error) {
		quire_port_free(q->config.host, pg, sizeof(*pg));
		return error;
	}
	pg->tier = (struct tier){ pgtable_destroy, check_tables, check_hash, NULL };
	q->tier[TIER_PGTABLE] = &pg->tier;
	return 0;
}

/* ---- The processor's table -------------------------------------------------- */

int quire_table_load(struct quire_table *table)
{
	struct quire *q = table->q;
	struct pgtable *pg = pgtable_of(q);
	uintptr_t token = quire_port_cpu_enter();
	struct quire_table *old = table;
	int error;

	/* Counted first: from here on flushes reach this processor (tlb.c). */
	atomic_fetch_add_explicit(&table->nr_loaded, 1, memory_order_seq_cst);
	error = quire_port_load_root(q->config.host, (quire_phys_t){ table->root_phys },
				     table->format->nr_levels);
	if (!error)
		old = atomic_exchange_explicit(&pg->loaded[token & 0xffff], table,
					       memory_order_relaxed);
	if (old)
		atomic_fetch_sub_explicit(&old->nr_loaded, 1, memory_order_release);
	quire_port_cpu_leave(token);
	return error;
}

struct quire_table *quire_table_loaded(struct quire *q, unsigned cpu)
{
	return pgtable_of(q) && cpu < q->config.nr_cpus ? relaxed_load(&pgtable_of(q)->loaded[cpu])
							: NULL;
}

/* ---- Memory by address -------------------------------------------------------- */

/* Can the fault be repaired? The kernel has mapped something that this table hasn't seen yet. */
static bool repair(struct quire *q, const struct quire_exception *fault)
{
	uintptr_t token = quire_port_cpu_enter();
	struct quire_table *t = quire_table_loaded(q, token & 0xffff);

	quire_port_cpu_leave(token);
	return t && fault->vector == QUIRE_VECTOR_PF && !(fault->error_code & QUIRE_PF_PRESENT) &&
	       quire_table_sync(t, fault->address);
}

/* An access that has failed once. */
static COLD int again(struct quire *q, quire_virt_t virt, void *buf, size_t n,
		      enum quire_access access, struct quire_exception *fault)
{
	unsigned char *at = buf;
	int error = -QUIRE_EFAULT;

	while (error == -QUIRE_EFAULT && repair(q, fault)) {
		uint64_t done = fault->address.v - virt.v;

		at += (size_t)done;
		n -= (size_t)done;
		virt = fault->address;
		error = quire_port_access(q->config.host, virt, at, n, access, fault);
	}
	return error;
}

static WITHIN int reach(struct quire *q, quire_virt_t virt, void *buf, size_t n,
			enum quire_access access, struct quire_exception *out)
{
	struct quire_exception fault;
	int error;

	if (unlikely(!q->tier[TIER_PGTABLE]))
		return -QUIRE_EOPNOTSUPP;
	error = quire_port_access(q->config.host, virt, buf, n, access, &fault);
	if (unlikely(error == -QUIRE_EFAULT))
		error = again(q, virt, buf, n, access, &fault);
	if (out)
		*out = error == -QUIRE_EFAULT ? fault : (struct quire_exception){ .address = virt };
	return error;
}

int quire_read(struct quire *q, quire_virt_t virt, void *buf, size_t n,
	       struct quire_exception *fault)
{
	return reach(q, virt, buf, n, QUIRE_ACCESS_READ, fault);
}

int quire_write(struct quire *q, quire_virt_t virt, const void *buf, size_t n,
		struct quire_exception *fault)
{
	/* The port only reads it. */
	return reach(q, virt, (void *)(uintptr_t)buf, n, QUIRE_ACCESS_WRITE, fault);
}

/* ---- Segments -------------------------------------------------------------------- */

int quire_segment(const struct quire *q, const struct quire_logical *logical,
		  struct quire_linear *out)
{
	bool wide = format_of(q->config.machine)->sign;

	if (logical->cpl > 3 || !logical->bytes || (unsigned)logical->access > QUIRE_ACCESS_EXEC ||
	    (!wide && logical->offset >> 32))
		return -QUIRE_EINVAL;
	return segment_linear(q->config.machine, logical, out) ? 0 : -QUIRE_EFAULT;
}

const char *quire_segment_name(const struct quire *q, uint16_t selector)
{
	return selector & 4 ? NULL : segment_name(q->config.machine, selector >> 3);
}

uint64_t quire_segment_descriptor(const struct quire *q, uint16_t selector)
{
	return selector & 4 ? 0 : segment_descriptor(q->config.machine, selector >> 3);
}
