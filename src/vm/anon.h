/* SPDX-License-Identifier: MIT */
/*
 * anon.h - from an anonymous frame to its entries
 *
 * A frame of anonymous memory knows a struct anon and its page number there. The areas that may map it are
 * those of that anon and of its descendants: when a process forks, each area of the child gets an anon of
 * its own below the parent's, so that what the child writes later is looked for in the
 * child alone.
 *
 *   parent   anon A ── areas          a frame of A: look in A, B, C
 *              ├── anon B ── areas    a frame of B: look in B, C
 *              │     └── anon C …
 *
 * An anon without areas that has one child only is an alias of it; it is freed when no frame names it. So a long line of
 * processes that fork and end holds no more anons than it has frames.
 *
 * Locks: the root's sem (A), one for a family. Source: Linux's description of the reverse map of objects
 * (McCracken 2004; Corbet, "The case of the overly anonymous anon_vma", LWN 2010) for the problem; this is
 * a tree where Linux has chains.
 */
#ifndef VM_ANON_H
#define VM_ANON_H

#include "core/sem.h"
#include "vm/vma.h"

/* Bytes of a record, on every host. */
#define ANON_BYTES 128

/** anon_prepare - the area has an anon from here on. Return: 0; -QUIRE_ENOMEM. Locks: S, reading is enough */
int anon_prepare(struct vma *vma);

/** anon_fork - a child's area gets one below the parent's. Return: 0; -QUIRE_ENOMEM */
int anon_fork(struct vma *child, const struct vma *parent);

/** anon_link - a part that was split off has the same anon. Never fails */
void anon_link(struct vma *vma, struct anon *anon);

/** anon_unlink - an area goes, or is merged into another one */
void anon_unlink(struct vma *vma);

/**
 * anon_hold - keep who looks for entries away while limits of an area change
 *
 * Takes the lock of its anon's family (A); nothing if it has none. Its start, end and pgoff are read under this
 * lock, so they are changed under it.
 */
void anon_hold(const struct vma *vma);

/** anon_release - let them in again */
void anon_release(const struct vma *vma);

/** anon_mergeable - may two neighbours be one area? Both the same, or one of them has none yet */
bool anon_mergeable(const struct anon *a, const struct anon *b);

#endif
