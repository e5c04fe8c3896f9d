/* SPDX-License-Identifier: MIT */
/*
 * test_fault_check.c - each rule about frames of processes is broken once, and quire_check names it
 */
#include "process.h"
#include "store.h"

#include "cache/inode.h"
#include "phys/use.h"
#include "vm/anon.h"
#include "vm/mm.h"

#define AT 0x20000000u
#define FILE_AT 0x21000000u

struct life {
	struct rig rig;
	struct store store;
	struct quire_file *file;
	struct quire_mm *mm, *child;
	struct quire_page *page; /* at AT */
	struct vma *vma;
};

static struct vma *find(struct quire_mm *mm, uint64_t at)
{
	return tree_find(&mm->areas, at);
}

static bool start(struct life *l)
{
	struct files files;
	struct quire_mmap args = { .address = { FILE_AT }, .bytes = 4 * PAGE, .prot = PROT_RW,
				   .flags = QUIRE_MAP_SHARED | QUIRE_MAP_FIXED };
	quire_virt_t out;

	*l = (struct life){ .mm = NULL };
	if (!process_rig(&l->rig, process_machine(0), MB(64)))
		return false;
	files.q = l->rig.q;
	store_make(&files, &l->store, 4 * PAGE, 8 * PAGE);
	l->file = files_open(&files, &l->store, 0);
	l->mm = process_start(&l->rig);
	process_anon(l->mm, AT, 4);
	CHECK_EQ(process_write(l->mm, AT, 1), 0);
	args.file = l->file;
	CHECK_EQ(quire_mmap(l->mm, &args, &out), 0);
	process_read(l->mm, FILE_AT);
	process_read(l->mm, FILE_AT + PAGE);
	CHECK_EQ(quire_mm_fork(l->mm, &l->child), 0);
	l->page = quire_pfn_page(l->rig.q, quire_pfn(process_pfn(l->mm, AT)));
	l->vma = find(l->mm, AT);
	return rig_sound(&l->rig);
}

static void end(struct life *l)
{
	CHECK_EQ(quire_mm_destroy(l->child), 0);
	process_end(&l->rig, l->mm);
	quire_file_put(l->file);
	rig_end(&l->rig);
	free(l->store.bytes);
}

static void broken(struct life *l, const char *rule)
{
	struct quire_violation out = { "none", "", 0 };

	CHECK(!quire_check(l->rig.q, &out));
	CHECK_STR(out.rule, rule);
}

TEST(counts)
{
	struct life l;

	if (!start(&l))
		return;
	l.page->owner += USE_MAPPED_ONE;
	broken(&l, "RMAP-1");
	l.page->owner -= USE_MAPPED_ONE;
	l.mm->rss[RSS_ANON]++;
	broken(&l, "RMAP-4");
	l.mm->rss[RSS_ANON]--;
	l.vma->anon->nr_areas++;
	broken(&l, "ANON-2");
	l.vma->anon->nr_areas--;
	l.vma->anon->nr_frames++;
	broken(&l, "ANON-2");
	l.vma->anon->nr_frames--;
	end(&l);
}

TEST(ways)
{
	struct life l;

	if (!start(&l))
		return;
	struct use *use = use_of(l.rig.q, l.page);
	struct anon *mine = l.vma->anon, *other = find(l.child, AT)->anon;
	struct interval_root *maps = &quire_file_inode(l.file)->maps;
	struct interval *node = &find(l.mm, FILE_AT)->maps;

	use->index++;
	broken(&l, "RMAP-3");
	use->index--;
	interval_erase(maps, node);
	broken(&l, "RMAP-2");
	interval_insert(maps, node);
	/* The child's is below the parent's, not above it. */
	l.page->private = (uintptr_t)other;
	mine->nr_frames--;
	other->nr_frames++;
	broken(&l, "ANON-1");
	l.page->private = (uintptr_t)mine;
	mine->nr_frames++;
	other->nr_frames--;
	end(&l);
}

static void set_write(struct quire_mm *mm, uint64_t at, bool on)
{
	struct quire_table_change change = { .set = on ? QUIRE_PTE_RW : 0,
					     .clear = on ? 0 : QUIRE_PTE_RW };

	CHECK_EQ(quire_table_protect(quire_mm_table(mm), (quire_virt_t){ at }, PAGE, change, NULL),
		 0);
}

/* Two entries change places. */
static void swap(struct quire_mm *mm, uint64_t a, uint64_t b)
{
	struct quire_table *t = quire_mm_table(mm);
	struct quire_mapping one, two;

	CHECK_EQ(quire_table_query(t, (quire_virt_t){ a }, &one), 0);
	CHECK_EQ(quire_table_query(t, (quire_virt_t){ b }, &two), 0);
	CHECK_EQ(quire_table_unmap(t, one.virt, PAGE, NULL), 0);
	CHECK_EQ(quire_table_unmap(t, two.virt, PAGE, NULL), 0);
	CHECK_EQ(quire_table_map(t, one.virt, two.phys, PAGE, two.pte, 0), 0);
	CHECK_EQ(quire_table_map(t, two.virt, one.phys, PAGE, one.pte, 0), 0);
}

TEST(rights)
{
	struct life l;

	if (!start(&l))
		return;
	set_write(l.child, AT, true);
	broken(&l, "COW-1");
	set_write(l.child, AT, false);
	set_write(l.mm, FILE_AT, true);
	broken(&l, "FILE-2");
	set_write(l.mm, FILE_AT, false);
	swap(l.mm, FILE_AT, FILE_AT + PAGE);
	broken(&l, "FILE-1");
	swap(l.mm, FILE_AT, FILE_AT + PAGE);
	end(&l);
}

TEST_MAIN(CASE(counts), CASE(ways), CASE(rights))
