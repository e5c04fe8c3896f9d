/* SPDX-License-Identifier: MIT */
/*
 * driver.h - a driver as one is written for Linux, with nothing but quire/linux.h
 *
 * A ring of packets: descriptors from coherent-looking frames, buffers from a cache, a
 * table that is too large for the heap. It knows nothing of Quire; the tests run it.
 */
#ifndef TEST_DRIVER_H
#define TEST_DRIVER_H

#include <quire/linux.h>

#define RING 64
#define PACKET 1536
#define TABLE_BYTES (300 * 1024)

struct packet {
	uint32_t length;
	uint32_t sum;
	uint8_t data[PACKET];
};

struct descriptor {
	uint64_t bus; /* where the device would find the packet */
	uint32_t length;
	uint32_t flags;
};

struct driver {
	struct kmem_cache *packets;
	struct descriptor *ring; /* physically contiguous */
	struct packet *in_flight[RING];
	char *name;
	void *table; /* virtually contiguous */
	struct page *scratch;
};

static inline void driver_remove(struct driver *d)
{
	if (!d)
		return;
	for (int i = 0; i < RING && d->packets; i++) {
		if (d->in_flight[i])
			kmem_cache_free(d->packets, d->in_flight[i]);
	}
	if (d->scratch)
		__free_page(d->scratch);
	vfree(d->table);
	kfree(d->name);
	free_pages((unsigned long)(uintptr_t)d->ring, 0);
	kmem_cache_destroy(d->packets);
	kfree(d);
}

/** All of it or nothing. Return: NULL if memory ran out anywhere */
static inline struct driver *driver_probe(void)
{
	static const char name[] = "quirenet0";
	struct driver *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	d->packets = KMEM_CACHE(packet, SLAB_HWCACHE_ALIGN);
	if (!d->packets)
		goto fail;
	d->ring = (struct descriptor *)(uintptr_t)get_zeroed_page(GFP_KERNEL);
	d->name = kmalloc(sizeof(name), GFP_KERNEL);
	d->table = vzalloc(TABLE_BYTES);
	d->scratch = alloc_page(GFP_HIGHUSER);
	if (!d->ring || !d->name || !d->table || !d->scratch)
		goto fail;
	memcpy(d->name, name, sizeof(name));
	for (int i = 0; i < RING; i++) {
		struct packet *p = kmem_cache_zalloc(d->packets, GFP_KERNEL);

		if (!p)
			goto fail;
		d->in_flight[i] = p;
		d->ring[i].bus = virt_to_phys(p->data);
		d->ring[i].length = PACKET;
	}
	return d;
fail:
	driver_remove(d);
	return NULL;
}

/** What the device writes lands in the packets that the descriptors name. */
static inline bool driver_works(struct driver *d)
{
	for (int i = 0; i < RING; i++)
		memset(phys_to_virt(d->ring[i].bus), i + 1, d->ring[i].length);
	for (int i = 0; i < RING; i++) {
		const struct packet *p = d->in_flight[i];

		if (p->length || p->sum || p->data[0] != i + 1 || p->data[PACKET - 1] != i + 1)
			return false;
		if (virt_to_page(p) != pfn_to_page((unsigned long)(virt_to_phys(p) >> PAGE_SHIFT)))
			return false;
	}
	return vmalloc_to_page(d->table) && page_count(d->scratch) == 1;
}

#endif
