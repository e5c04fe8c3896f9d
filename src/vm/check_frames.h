/* SPDX-License-Identifier: MIT */
/*
 * check_frames.h - do entries, frames and reverse maps agree?
 */
#ifndef VM_CHECK_FRAMES_H
#define VM_CHECK_FRAMES_H

#include "vm/mm.h"

/**
 * check_frames - RMAP-1 to FILE-2
 *
 * Return: as quire_check. Context: nobody else uses the machine
 */
bool check_frames(struct quire *q, const struct vm *vm, struct quire_violation *out);

#endif
