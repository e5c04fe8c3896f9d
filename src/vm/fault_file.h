/* SPDX-License-Identifier: MIT */
/*
 * fault_file.h - pages of files
 */
#ifndef VM_FAULT_FILE_H
#define VM_FAULT_FILE_H

#include "vm/fault.h"

/** fault_file - the first touch of a page of a file. Return: as quire_mm_fault */
enum quire_fault fault_file(struct fault *f);

#endif
