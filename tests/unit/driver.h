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

/* ---- Another one: a disk's blocks, cached until memory is wanted for something else ------- */

#define BLOCKS 200

struct block {
	struct block *next;
	unsigned long number;
	struct page *page;
};

struct disk {
	struct shrinker shrinker;
	struct kmem_cache *blocks;
	struct block *cached; /* the newest first */
	unsigned long nr_cached, nr_shrunk;
	char *name, *model;
	uint32_t *checksums; /* of all blocks that there are: a large array */
	size_t nr_blocks;
	unsigned long *queue;
	size_t queued;
};

static inline void disk_drop(struct disk *d, struct block *block)
{
	__free_page(block->page);
	kmem_cache_free(d->blocks, block);
	d->nr_cached--;
}

static inline unsigned long disk_count(struct shrinker *s, struct shrink_control *sc)
{
	const struct disk *d = (struct disk *)s;

	(void)sc;
	return d->nr_cached ? d->nr_cached : SHRINK_EMPTY;
}

static inline unsigned long disk_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct disk *d = (struct disk *)s;
	unsigned long nr = 0;

	for (; nr < sc->nr_to_scan && d->cached; nr++) {
		struct block *block = d->cached;

		d->cached = block->next;
		disk_drop(d, block);
	}
	d->nr_shrunk += nr;
	return nr ? nr : SHRINK_STOP;
}

static inline void disk_remove(struct disk *d)
{
	if (!d)
		return;
	unregister_shrinker(&d->shrinker);
	while (d->cached) {
		struct block *block = d->cached;

		d->cached = block->next;
		disk_drop(d, block);
	}
	kmem_cache_destroy(d->blocks);
	kvfree(d->checksums);
	kfree(d->queue);
	kfree_sensitive(d->model);
	kfree(d->name);
	kfree(d);
}

/** All of it or nothing. @identity: as the device tells it, padded, not ended */
static inline struct disk *disk_probe(const char *identity, size_t length, size_t nr_blocks)
{
	struct disk *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	d->nr_blocks = nr_blocks;
	d->name = kstrdup("qda", GFP_KERNEL);
	d->model = kstrndup(identity, length, GFP_KERNEL);
	d->checksums = kvcalloc(nr_blocks, sizeof(*d->checksums), GFP_KERNEL);
	d->queue = kmalloc_array(4, sizeof(*d->queue), GFP_KERNEL);
	d->blocks = KMEM_CACHE(block, 0);
	if (!d->name || !d->model || !d->checksums || !d->queue || !d->blocks)
		goto fail;
	d->shrinker.count_objects = disk_count;
	d->shrinker.scan_objects = disk_scan;
	d->shrinker.seeks = DEFAULT_SEEKS;
	if (register_shrinker(&d->shrinker, "quire-disk:%s", d->name))
		goto fail;
	return d;
fail:
	disk_remove(d);
	return NULL;
}

/** Read a block: from the device, and then it is in the cache. Return: false without memory */
static inline bool disk_read(struct disk *d, unsigned long number)
{
	struct block *block = kmem_cache_alloc(d->blocks, GFP_KERNEL);
	struct page *page = alloc_page(GFP_HIGHUSER | __GFP_NORETRY);
	void *window = page ? kmap_atomic(page) : NULL;

	if (!block || !window) {
		if (page)
			__free_page(page);
		kmem_cache_free(d->blocks, block);
		return false;
	}
	if (!PageHighMem(page))
		memset(window, (int)number, PAGE_SIZE);
	kunmap_atomic(window);
	block->number = number;
	block->page = page;
	block->next = d->cached;
	d->cached = block;
	d->nr_cached++;
	return true;
}

/** One more request in the queue, which grows. Return: false without memory */
static inline bool disk_queue(struct disk *d, unsigned long number)
{
	unsigned long *queue = krealloc_array(d->queue, d->queued + 4, sizeof(*queue), GFP_KERNEL);

	if (!queue)
		return false;
	d->queue = queue;
	d->queue[d->queued++] = number;
	return true;
}

#endif
