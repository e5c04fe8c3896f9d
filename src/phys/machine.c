/* SPDX-License-Identifier: MIT */
/*
 * machine.c - create and destroy a machine; names
 */
#include "phys/machine.h"

#include <quire/boot.h>
#include <quire/port.h>

#include "phys/boot.h"
#include "phys/tier.h"
#include "phys/use.h"

static const unsigned default_ratio[QUIRE_NR_ZONES] = {
	[QUIRE_ZONE_DMA] = 256,
	[QUIRE_ZONE_DMA32] = 256,
	[QUIRE_ZONE_NORMAL] = 32,
};

#define DEFAULT_WATERMARK_SCALE 10

void quire_config_init(struct quire_config *config, enum quire_machine machine)
{
	*config = (struct quire_config){
		.machine = machine,
		.nr_cpus = 1,
		.firmware = true,
	};
}

int quire_create(const struct quire_config *config, struct quire **out)
{
	if ((unsigned)config->machine >= QUIRE_NR_MACHINES ||
	    (unsigned)config->split >= QUIRE_NR_SPLITS || config->nr_cpus < 1 ||
	    config->nr_cpus > QUIRE_CPUS_MAX || config->min_free_kbytes > UINT32_MAX ||
	    (config->lowmem_bytes & (QUIRE_PAGE_SIZE - 1)) ||
	    (config->split != QUIRE_SPLIT_3G_1G && !zone_lowmem_end(config)))
		return -QUIRE_EINVAL;
	if (config->lowmem_bytes &&
	    (!zone_lowmem_end(config) || config->lowmem_bytes > zone_lowmem_end(config)))
		return -QUIRE_EINVAL;

	struct quire *q = quire_port_alloc(config->host, quire_phys(QUIRE_PORT_ANYWHERE),
					   sizeof(*q));
	if (!q)
		return -QUIRE_ENOMEM;
	q->config = *config;
	heap_absent(q);
	if (!q->config.lowmem_bytes)
		q->config.lowmem_bytes = zone_lowmem_end(config);
	q->watermark_scale = DEFAULT_WATERMARK_SCALE;
	q->min_free_kbytes = config->min_free_kbytes;
	q->min_free_set = config->min_free_kbytes != 0;
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		q->reserve_ratio[z] = default_ratio[z];
		q->zones[z].id = z;
	}
	zone_routes(q); /* to nowhere yet */
	*out = q;
	return 0;
}

void quire_destroy(struct quire *q)
{
	if (!q)
		return;
	void *host = q->config.host;
	tiers_destroy(q);
	use_end(q);
	boot_destroy(q);
	memblock_destroy(&q->memblock, host);
	memmap_destroy(&q->map, host);
	quire_port_free(host, q, sizeof(*q));
}

const struct quire_config *quire_config(const struct quire *q)
{
	return &q->config;
}

unsigned quire_pageblock_order(const struct quire *q)
{
	return q->config.machine == QUIRE_I386 ? 10 : 9;
}

const char *quire_machine_name(enum quire_machine machine)
{
	static const char *const names[] = { "i386", "i386-pae", "x86-64", "x86-64-la57" };

	return (unsigned)machine < QUIRE_NR_MACHINES ? names[machine] : "?";
}

const char *quire_zone_name(enum quire_zone zone)
{
	static const char *const names[] = { "DMA",	"DMA32",   "Normal",
					     "HighMem", "Movable", "Device" };

	return (unsigned)zone < QUIRE_NR_ZONES ? names[zone] : "?";
}

const char *quire_migrate_name(enum quire_migrate type)
{
	static const char *const names[] = { "Unmovable", "Movable", "Reclaimable", "CMA",
					     "Isolate" };

	return (unsigned)type < QUIRE_NR_MIGRATE ? names[type] : "?";
}

const char *quire_free_name(enum quire_free outcome)
{
	static const char *const names[] = {
		[QUIRE_FREE_OK] = "ok",
		[QUIRE_FREE_DOUBLE] = "double free",
		[QUIRE_FREE_ORDER] = "wrong order",
		[QUIRE_FREE_INSIDE] = "inside a block",
		[QUIRE_FREE_RESERVED] = "reserved frame",
		[QUIRE_FREE_FOREIGN] = "no frame of this machine",
		[QUIRE_FREE_RANGE] = "order out of range",
		[QUIRE_FREE_REFERENCED] = "others hold references",
		[QUIRE_FREE_OWNED] = "held by a tier of the library",
	};

	return (unsigned)outcome <= QUIRE_FREE_OWNED ? names[outcome] : "?";
}

const char *quire_owner_name(enum quire_owner owner)
{
	static const char *const names[] = {
		[QUIRE_OWNER_NONE] = "none",
		[QUIRE_OWNER_SLAB] = "slab",
		[QUIRE_OWNER_LARGE] = "large kmalloc",
		[QUIRE_OWNER_TABLE] = "page table",
		[QUIRE_OWNER_VMALLOC] = "vmalloc",
		[QUIRE_OWNER_ANON] = "anonymous",
		[QUIRE_OWNER_CACHE] = "page cache",
		[QUIRE_OWNER_HUGETLB] = "huge page",
	};

	return (unsigned)owner < QUIRE_NR_OWNERS ? names[owner] : "?";
}

const char *quire_refusal_name(enum quire_refusal refusal)
{
	static const char *const names[] = {
		[QUIRE_REFUSAL_NONE] = "would give it",
		[QUIRE_REFUSAL_EMPTY] = "no memory in the zone",
		[QUIRE_REFUSAL_WATERMARK] = "below watermark",
		[QUIRE_REFUSAL_ORDER] = "no block that large",
		[QUIRE_REFUSAL_TYPE] = "only in CMA or isolated pageblocks",
	};

	return (unsigned)refusal <= QUIRE_REFUSAL_TYPE ? names[refusal] : "?";
}
