/* SPDX-License-Identifier: MIT */
/*
 * anon.h - from an anonymous frame to its entries
 *
 * A frame of anonymous memory knows a struct anon and its page number there. The areas that may
 * map it are those of that anon and of its descendants: when a process forks, each area of the
 * child gets an anon of its own below the parent's, so that what the child writes later is looked
 * for in the child alone.
 *
 *   parent   anon A ── areas          a frame of A: look in A, B, C
 *              ├── anon B ── areas    a frame of B: look in B, C
 *              │     └── anon C …
 *
 * An anon without areas that has one child only is an alias of it; it is freed when no frame names
 * it. So a long line of processes that fork and end holds no more anons than it has frames.
 *
 * Locks: the family's sem (A).
 * Source: Linux's description of the reverse map of objects (McCracken 2004; Corbet, "The case of
 *         the overly anonymous anon_vma", LWN 2010) for the problem; this is a tree where Linux has
 *         chains.
 */
#ifndef VM_ANON_H
#define VM_ANON_H

#include "core/sem.h"
#include "vm/vma.h"

/* Bytes of a record, on every host. */
#define ANON_BYTES 128

/** struct anon_family - a tree of anons */
struct anon_family {
	struct sem sem;     /* (A) */
	uint32_t nr;        /* anons (A) */
};

/** struct anon - what anonymous frames know of the areas that may map them */
struct anon {
	struct quire *q;
	struct anon_family *family;        /* constant */
	struct anon *parent;               /* NULL: the root (A) */
	struct anon *child, *next, *prev;  /* first child; siblings (A) */
	struct vma *areas;                 /* by anon_next (A) */
	uint32_t nr_areas, nr_children;    /* (A) */
	_Atomic uintptr_t nr_frames;        /* falls to 0 under A alone */
	bool inherited;                    /* made by a fork; constant */
};

_Static_assert(sizeof(struct anon) <= ANON_BYTES, "ANON_BYTES");

/**
 * anon_prepare - the area has an anon from here on
 * @vma: a private area
 *
 * A neighbour's, if the two could be one area once they have the same rights: so they can be
 * merged again.
 *
 * Return: 0; -QUIRE_ENOMEM. Locks: S, reading is enough; takes A
 */
int anon_prepare(struct vma *vma);

/**
 * anon_fork - a child's area gets one below the parent's, if that has one
 *
 * Return: 0; -QUIRE_ENOMEM. Locks: S of both for writing; takes A
 */
int anon_fork(struct vma *child, const struct vma *parent);

/**
 * anon_link - an area gets an anon that another area of its mm has. Never fails
 *
 * Locks: S for writing; takes A
 */
void anon_link(struct vma *vma, struct anon *anon);

/**
 * anon_unlink - an area goes, or is merged into another one. Nothing if it has none
 *
 * Locks: likewise
 */
void anon_unlink(struct vma *vma);

/**
 * anon_hold - keep who looks for entries away while limits of an area change
 *
 * Takes the lock of its anon's family (A); nothing if it has none. Its start, end and pgoff are
 * read under this lock, so they are changed under it.
 */
void anon_hold(const struct vma *vma);

/** anon_release - let them in again */
void anon_release(const struct vma *vma);

/**
 * anon_mergeable - may two neighbours be one area?
 *
 * Both the same, or one of them has none yet and the other's was not inherited. NULL: none
 */
bool anon_mergeable(const struct anon *a, const struct anon *b);

/**
 * anon_frames_gone - frames of it have been freed; it may go with them
 *
 * Locks: none of T; takes A
 */
void anon_frames_gone(struct anon *anon, uint64_t nr);

/**
 * anon_next - the next of a subtree, parents first. @top: where it began
 *
 * Return: NULL.
 * Locks: A
 */
struct anon *anon_next(const struct anon *top, const struct anon *at);

#endif
