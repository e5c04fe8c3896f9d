/* SPDX-License-Identifier: MIT */
/*
 * test_linux.c - quire/linux.h: a driver written for Linux runs, fails cleanly, leaves nothing
 */
#include "kernel.h"

#include "driver.h"

struct quire *quire_linux_machine;

/* Its addresses are pointers: of a 64-bit machine only where pointers have 64 bits. */
#define KINDS (sizeof(void *) == 8 ? QUIRE_NR_MACHINES : QUIRE_X86_64)
#define KIND (sizeof(void *) == 8 ? QUIRE_X86_64 : QUIRE_I386)

/* The machine with its kernel, as the one of linux.h. */
static bool start(struct rig *rig, enum quire_machine machine, uint64_t bytes)
{
	if (!kernel_start(rig, machine, bytes))
		return false;
	quire_linux_machine = rig->q;
	return true;
}

TEST(driver)
{
	for (int m = 0; m < (int)KINDS; m++) {
		struct rig rig;

		if (!start(&rig, all_machines[m], m < QUIRE_X86_64 ? MB(1100) : MB(64)))
			return;
		uint64_t before = kernel_idle(&rig);

		for (int round = 0; round < 3; round++) {
			struct driver *d = driver_probe();

			CHECK(d && driver_works(d));
			rig_sound(&rig);
			driver_remove(d);
		}
		/* The region's tables stay; nothing else does. */
		CHECK(before - kernel_idle(&rig) <= 3);
		rig_end(&rig);
	}
}

/* With less and less memory left it comes to the point where nothing of it can be had. */
TEST(driver_without_memory)
{
	struct rig rig;
	static struct quire_page *all[20480];

	if (!start(&rig, KIND, MB(64)))
		return;
	driver_remove(driver_probe()); /* the tables that stay */
	kernel_idle(&rig);
	size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 0, all, 20480);
	unsigned failed = 0;
	struct driver *d = NULL;

	while (nr && !(d = driver_probe())) {
		failed++;
		rig_sound(&rig);
		CHECK_EQ(quire_page_free(rig.q, all[--nr], 0), QUIRE_FREE_OK);
	}
	CHECK(d && driver_works(d));
	CHECK(failed > 100);
	driver_remove(d);
	rig_free_all(&rig, all, nr, 0);
	rig_end(&rig);
}

/* A disk's cache takes what memory there is, and gives it back when somebody else wants it. */
TEST(disk)
{
	static const char identity[] = { 'Q', 'D', ' ', '1', ' ', ' ', 0, 'x' };
	static struct quire_page *all[20480];
	struct rig rig;

	for (int m = 0; m < (int)KINDS; m++) {
		if (!start(&rig, all_machines[m], m < QUIRE_X86_64 ? MB(1000) : MB(64)))
			return;
		struct disk *d = disk_probe(identity, sizeof(identity), 300000);

		CHECK(d != NULL);
		if (!d)
			return;
		CHECK_STR(d->name, "qda");
		CHECK_STR(d->model, "QD 1  ");
		CHECK(is_vmalloc_addr(d->checksums) != virt_addr_valid(d->checksums));
		for (unsigned long i = 0; i < BLOCKS; i++)
			CHECK(disk_read(d, i) && disk_queue(d, i));
		CHECK(d->queue[0] == 0 && d->queue[BLOCKS - 1] == BLOCKS - 1);
		rig_sound(&rig);
		/* Where it is alone with the heap, somebody else's requests shrink it. */
		if (m >= QUIRE_X86_64) {
			size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL, 0, all, 20480);

			CHECK_EQ(d->nr_shrunk, BLOCKS);
			CHECK_EQ(d->nr_cached, 0);
			rig_free_all(&rig, all, nr, 0);
			CHECK(disk_read(d, 1));
		}
		disk_remove(d);
		kernel_idle(&rig);
		/* The shrinker is gone: nobody is asked. */
		size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL, 0, all, 20480);

		rig_free_all(&rig, all, nr, 0);
		rig_end(&rig);
	}
}

/* The every-nth sweep: with a frame more each time, until all of it can be had. */
TEST(disk_without_memory)
{
	static struct quire_page *all[20480];
	struct rig rig;
	struct disk *d = NULL;
	unsigned failed = 0;

	if (!start(&rig, KIND, MB(64)))
		return;
	disk_remove(disk_probe("m", 1, 300000)); /* the tables that stay */
	kernel_idle(&rig);
	size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 0, all, 20480);

	while (nr && !(d = disk_probe("m", 1, 300000))) {
		failed++;
		rig_sound(&rig);
		CHECK_EQ(quire_page_free(rig.q, all[--nr], 0), QUIRE_FREE_OK);
	}
	CHECK(d && failed > 100);
	disk_remove(d);
	rig_free_all(&rig, all, nr, 0);
	rig_end(&rig);
}

/* Copies, arrays, strings. */
TEST(copies)
{
	struct rig rig;

	if (!start(&rig, QUIRE_I386, MB(64)))
		return;
	static const char text[] = "a string";
	char *p = kmemdup(text, sizeof(text), GFP_KERNEL);
	CHECK(p && p != text);
	CHECK_STR(p, text);
	kfree_sensitive(p);
	kfree_sensitive(NULL);
	p = kstrndup(text, 3, GFP_KERNEL);
	CHECK_STR(p, "a s");
	kfree(p);
	p = kmemdup_nul("xyz", 2, GFP_KERNEL);
	CHECK_STR(p, "xy");
	CHECK(!kstrdup(NULL, GFP_KERNEL) && !kstrndup(NULL, 4, GFP_KERNEL));
	CHECK(!kmemdup_nul(p, SIZE_MAX, GFP_KERNEL));
	CHECK(!krealloc_array(p, SIZE_MAX, 2, GFP_KERNEL));
	p = krealloc_array(p, 100, 2, GFP_KERNEL);
	CHECK(p && p[1] == 'y');
	kfree(p);
	CHECK(!kvmalloc_array(SIZE_MAX, 2, GFP_KERNEL) && !kvcalloc(SIZE_MAX, 2, GFP_KERNEL));
	void *many[3] = { kmalloc(8, GFP_KERNEL), kmalloc(800, GFP_KERNEL), NULL };
	kfree_bulk(3, many);
	rig_end(&rig);
}

/* Frames and areas by the rest of their names. */
TEST(areas)
{
	struct rig rig;

	if (!start(&rig, QUIRE_I386, MB(1000)))
		return;
	CHECK(get_order(1) == 0 && get_order(PAGE_SIZE) == 0 && get_order(PAGE_SIZE + 1) == 1);
	CHECK(get_order(3 * PAGE_SIZE) == 2 && get_order(1 << 22) == 10);
	CHECK(PFN_UP(1) == 1 && PFN_DOWN(4097) == 1 && PFN_PHYS(3) == 3 * PAGE_SIZE);
	CHECK(PAGE_ALIGNED(8192) && !PAGE_ALIGNED(8200) && offset_in_page(8200) == 8);
	struct page *block = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);
	CHECK(compound_order(block) == 3 && page_size(block) == 8 * PAGE_SIZE);
	CHECK(!PageHighMem(block) && page_to_virt(block) == page_address(block));
	CHECK(virt_addr_valid(page_to_virt(block)) && !virt_addr_valid(&rig));
	CHECK(!is_vmalloc_addr(page_to_virt(block)) && !is_vmalloc_addr(&rig));
	__free_pages(block, 3);
	unsigned long dma = __get_dma_pages(GFP_KERNEL, 1);
	CHECK(dma && virt_to_phys((void *)dma) < MB(16));
	free_pages(dma, 1);
	struct kmem_cache *cache = kmem_cache_create("c", 100, 0, SLAB_POISON, NULL);
	CHECK_EQ(kmem_cache_size(cache), 100);
	kmem_cache_destroy(cache);

	char *a = __vmalloc(2 * PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
	char *b = vmalloc_huge(MB(4), GFP_KERNEL);
	CHECK(is_vmalloc_addr(a) && is_vmalloc_addr(b + MB(4) - 1));
	CHECK_EQ(vmalloc_to_pfn(a + PAGE_SIZE), page_to_pfn(vmalloc_to_page(a + PAGE_SIZE)));
	check_memory(&rig, (uintptr_t)a, 6);
	vfree(a);
	vfree(b);
	vm_unmap_aliases();
	struct page *high = alloc_page(GFP_HIGHUSER);
	CHECK(PageHighMem(high) && !page_to_virt(high) && !is_vmalloc_addr(page_to_virt(high)));
	void *one = kmap_atomic(high), *two = kmap_atomic(high);
	CHECK(one && two && one != two && !is_vmalloc_addr(one));
	check_memory(&rig, (uintptr_t)two, 5);
	kunmap_atomic(two);
	kunmap_atomic(one);
	struct page *pages[1] = { high };
	void *ro = vmap(pages, 1, VM_MAP, PAGE_KERNEL_RO);
	uint64_t word = 0;
	CHECK_EQ(quire_read(rig.q, virt_of((uintptr_t)ro), &word, 8, NULL), 0);
	CHECK_EQ(word, 5);
	CHECK_EQ(quire_write(rig.q, virt_of((uintptr_t)ro), &word, 8, NULL), -QUIRE_EFAULT);
	vunmap(ro);
	__free_page(high);
	static const struct {
		void *(*map)(phys_addr_t phys, unsigned long bytes);
		quire_pte_t cache;
	} kinds[] = { { ioremap, QUIRE_PTE_UC_MINUS }, { ioremap_uc, QUIRE_PTE_UC },
		      { ioremap_wc, QUIRE_PTE_WC },    { ioremap_cache, QUIRE_PTE_WB } };
	for (size_t i = 0; i < 4; i++) {
		struct quire_mapping map = { .pte = 0 };
		void *device = kinds[i].map(0xfec00010, 64);

		CHECK_EQ(quire_table_query(quire_table_kernel(rig.q), virt_of((uintptr_t)device),
					   &map), 0);
		CHECK_EQ(map.pte & QUIRE_PTE_CACHE, kinds[i].cache);
		iounmap(device);
	}
	CHECK_EQ(pgprot_noncached(PAGE_KERNEL) & QUIRE_PTE_CACHE, QUIRE_PTE_UC_MINUS);
	CHECK_EQ(pgprot_writecombine(PAGE_KERNEL_EXEC) & QUIRE_PTE_CACHE, QUIRE_PTE_WC);
	rig_end(&rig);
}

/* Each of the other names does what Linux's does. */
TEST(names)
{
	struct rig rig;

	if (!start(&rig, QUIRE_I386, MB(1100)))
		return;
	char *p = kmalloc(20, GFP_KERNEL);
	CHECK(p && ksize(p) >= 20);
	memset(p, 7, 20);
	p = krealloc(p, 500, GFP_KERNEL);
	CHECK(p && p[19] == 7);
	kfree(p);
	kfree(NULL);
	CHECK(!kcalloc(SIZE_MAX / 2, 3, GFP_KERNEL) && !kmalloc_array(SIZE_MAX, 2, GFP_KERNEL));
	p = kcalloc(3, 5, GFP_KERNEL);
	CHECK(p && !p[0] && !p[14]);
	kfree(p);
	CHECK(kmalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR);

	struct page *block = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	CHECK(block && compound_head(nth_page(block, 3)) == block);
	get_page(block);
	CHECK_EQ(page_count(block), 2);
	put_page(block);
	CHECK(lowmem_page_address(block) == page_address(block));
	CHECK(virt_to_page(page_address(block)) == block && __va(__pa(page_address(block))));
	__free_pages(block, 2);
	CHECK(!pfn_valid((unsigned long)(GB(2) >> PAGE_SHIFT)));

	void *exact = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL);
	CHECK(exact && PAGE_ALIGN(5 * PAGE_SIZE - 1) == 5 * PAGE_SIZE);
	free_pages_exact(exact, 5 * PAGE_SIZE);

	struct page *high = alloc_page(GFP_HIGHUSER), *pages[2] = { high, alloc_page(GFP_KERNEL) };
	CHECK(!page_address(high));
	void *window = kmap(high);
	CHECK(window && page_address(high) == window);
	kunmap(high);
	void *local = kmap_local_page(high);
	CHECK(local && local != window);
	kunmap_local(local);
	void *both = vmap(pages, 2, VM_MAP, PAGE_KERNEL);
	CHECK(both && vmalloc_to_page((char *)both + PAGE_SIZE) == pages[1]);
	vunmap(both);
	__free_page(pages[0]);
	__free_page(pages[1]);
	CHECK_EQ(alloc_pages_bulk_array(GFP_KERNEL, 2, pages), 2);
	set_page_private(pages[0], 5);
	CHECK_EQ(page_private(pages[0]), 5);
	__free_page(pages[0]);
	__free_page(pages[1]);
	void *device = ioremap(0xfec00000, 4096);
	CHECK(device);
	iounmap(device);
	device = ioremap_wc(0xfd000000, 1 << 20);
	CHECK(device);
	iounmap(device);
	rig_end(&rig);
}

/* Memory of the direct map is a pointer under each of its names. */
TEST(lowmem_pointers)
{
	struct rig rig;

	if (!start(&rig, QUIRE_I386, MB(64)))
		return;
	struct page *low = alloc_page(GFP_KERNEL);
	CHECK(kmap(low) == page_address(low) && kmap_local_page(low) == page_address(low));
	memset(kmap(low), 0, PAGE_SIZE);
	kunmap_local(page_address(low));
	kunmap(low);
	__free_page(low);
	void *p = kvmalloc(100, GFP_KERNEL);
	CHECK(p && memset(p, 1, 100));
	kvfree(p);
	uint64_t free = kernel_idle(&rig);
	kvfree(kmalloc(9000, GFP_KERNEL));
	CHECK_EQ(kernel_idle(&rig), free);
	rig_end(&rig);
}

/* Small memory from the heap; large where a run can't be had, and huge, from vmalloc. */
TEST(kvmalloc_either)
{
	struct quire_layout l;
	struct rig rig;

	if (!start(&rig, QUIRE_X86_64, MB(64)))
		return;
	quire_layout(rig.q, &l);
	uint64_t before = kernel_idle(&rig);
	quire_virt_t a = { 0 }, b = { 0 };

	CHECK_EQ(quire_kvmalloc(rig.q, 100, QUIRE_GFP_KERNEL, &a), 0);
	CHECK(a.v >= l.page_offset.v && a.v < l.high_memory.v);
	check_memory(&rig, a.v, 77);
	CHECK_EQ(quire_kvmalloc(rig.q, MB(5), QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, &b), 0);
	CHECK(b.v >= l.vmalloc_start.v && b.v < l.vmalloc_end.v);
	CHECK_EQ(quire_kvmalloc(rig.q, 0, QUIRE_GFP_KERNEL, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_kvfree(rig.q, virt_of(b.v + 4096)), -QUIRE_EINVAL);
	CHECK_EQ(quire_kvfree(rig.q, virt_of(0)), -QUIRE_EINVAL);
	CHECK_EQ(quire_kvfree(rig.q, b), 0);
	CHECK_EQ(quire_kvfree(rig.q, a), 0);
	CHECK_EQ(quire_kvfree(rig.q, virt_of(l.page_offset.v + MB(20))), -QUIRE_EINVAL);

	/* Every second frame is taken: no run of two is left. */
	static struct quire_page *all[20480];
	size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL, 0, all, 20480);
	for (size_t i = 0; i < nr; i++) {
		if (rig_pfn(&rig, all[i]) & 1)
			CHECK_EQ(quire_page_free(rig.q, all[i], 0), QUIRE_FREE_OK);
	}
	CHECK(!quire_kmalloc(rig.q, MB(1), QUIRE_GFP_KERNEL));
	CHECK_EQ(quire_kvmalloc(rig.q, MB(1), QUIRE_GFP_KERNEL, &a), 0);
	CHECK(a.v >= l.vmalloc_start.v && a.v < l.vmalloc_end.v);
	check_memory(&rig, a.v + MB(1) - 8, 99);
	CHECK_EQ(quire_kvfree(rig.q, a), 0);
	for (size_t i = 0; i < nr; i++) {
		if (!(rig_pfn(&rig, all[i]) & 1))
			CHECK_EQ(quire_page_free(rig.q, all[i], 0), QUIRE_FREE_OK);
	}
	CHECK(before - kernel_idle(&rig) <= 6); /* the region's tables */
	rig_end(&rig);
}

TEST_MAIN(CASE(driver), CASE(driver_without_memory), CASE(disk),
	  CASE(disk_without_memory), CASE(copies), CASE(areas), CASE(names), CASE(lowmem_pointers),
	  CASE(kvmalloc_either))
