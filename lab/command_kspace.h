/* SPDX-License-Identifier: MIT */
/*
 * command_kspace.h - commands and expectations of the kernel's address space
 */
#ifndef QUIRE_LAB_COMMAND_KSPACE_H
#define QUIRE_LAB_COMMAND_KSPACE_H

#include "command.h"

/** kspace_reset - forget all names of areas */
void kspace_reset(struct lab *lab);

/**
 * place_name - a name for an address to come, so that nothing is got without a name
 * @lab:  the session
 * @name: may be an old one that stands for nothing alive; NULL: none
 * @out:  its record; NULL if there is no name
 *
 * Return: LAB_OK; LAB_USAGE; LAB_FILE
 */
enum lab_status place_name(struct lab *lab, const char *name, struct lab_area **out);

/** place_keep - it stands for that address from here on, until it is used anew. @area: or NULL */
enum lab_status place_keep(struct lab *lab, struct lab_area *area, const char *what,
			   quire_virt_t virt);

/** args_place - an address: a number, NAME or NAME+OFFSET. @area: of the name; NULL: none */
enum lab_status args_place(struct lab *lab, quire_virt_t *out, struct lab_area **area);

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
