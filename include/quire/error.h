/* SPDX-License-Identifier: MIT */
/*
 * error.h - error numbers
 *
 * Functions return 0 or a negative number from this list. The numbers are
 * Linux's (asm-generic/errno-base.h and errno.h), whatever the host's are.
 */
#ifndef QUIRE_ERROR_H
#define QUIRE_ERROR_H

#define QUIRE_EPERM 1
#define QUIRE_ENOENT 2
#define QUIRE_EIO 5
#define QUIRE_ENXIO 6
#define QUIRE_E2BIG 7
#define QUIRE_ENOEXEC 8
#define QUIRE_EBADF 9
#define QUIRE_EAGAIN 11
#define QUIRE_ENOMEM 12
#define QUIRE_EACCES 13
#define QUIRE_EFAULT 14
#define QUIRE_EBUSY 16
#define QUIRE_EEXIST 17
#define QUIRE_ENODEV 19
#define QUIRE_EINVAL 22
#define QUIRE_ETXTBSY 26
#define QUIRE_EFBIG 27
#define QUIRE_ENOSPC 28
#define QUIRE_ERANGE 34
#define QUIRE_ENOSYS 38
#define QUIRE_EOVERFLOW 75
#define QUIRE_ELIBBAD 80
#define QUIRE_EOPNOTSUPP 95

#ifdef __cplusplus
extern "C" {
#endif

/**
 * quire_error_name - Linux's name for an error number
 * @error: a return value, negative or positive
 *
 * Return: "ENOMEM" and so on; "E?" for a number that is not in the list
 */
const char *quire_error_name(int error);

#ifdef __cplusplus
}
#endif
#endif
