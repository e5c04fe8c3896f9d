/* SPDX-License-Identifier: MIT */
/*
 * command_kspace.h - commands and expectations of the kernel's address space
 */
#ifndef QUIRE_LAB_COMMAND_KSPACE_H
#define QUIRE_LAB_COMMAND_KSPACE_H

#include "command.h"

/** kspace_reset - forget all names of areas */
void kspace_reset(struct lab *lab);

/* For the table of commands (command.c). */
enum lab_status command_kernel(struct lab *lab, const char *target);
enum lab_status command_vmalloc(struct lab *lab, const char *target);
enum lab_status command_vzalloc(struct lab *lab, const char *target);
enum lab_status command_vmalloc_32(struct lab *lab, const char *target);
enum lab_status command_vmalloc_huge(struct lab *lab, const char *target);
enum lab_status command_vfree(struct lab *lab, const char *target);
enum lab_status command_vmap(struct lab *lab, const char *target);
enum lab_status command_vunmap(struct lab *lab, const char *target);
enum lab_status command_ioremap(struct lab *lab, const char *target);
enum lab_status command_iounmap(struct lab *lab, const char *target);
enum lab_status command_unmap_aliases(struct lab *lab, const char *target);
enum lab_status command_kmap(struct lab *lab, const char *target);
enum lab_status command_kunmap(struct lab *lab, const char *target);
enum lab_status command_kmap_local(struct lab *lab, const char *target);
enum lab_status command_kunmap_local(struct lab *lab, const char *target);
enum lab_status command_va(struct lab *lab, const char *target);
enum lab_status command_pa(struct lab *lab, const char *target);
enum lab_status command_write(struct lab *lab, const char *target);

/* For the table of expectations (command_expect.c). */
enum lab_status expect_virt(struct lab *lab);
enum lab_status expect_va(struct lab *lab);
enum lab_status expect_pa(struct lab *lab);
enum lab_status expect_word(struct lab *lab);
enum lab_status expect_address(struct lab *lab);
enum lab_status expect_region(struct lab *lab);
enum lab_status expect_layout(struct lab *lab);
enum lab_status expect_kspace(struct lab *lab);

#endif
