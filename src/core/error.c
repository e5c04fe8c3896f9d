/* SPDX-License-Identifier: MIT */
/*
 * error.c - names of the error numbers
 */
#include <quire/error.h>

const char *quire_error_name(int error)
{
	switch (error < 0 ? -error : error) {
	case 0: return "0";
	case QUIRE_EPERM: return "EPERM";
	case QUIRE_ENOENT: return "ENOENT";
	case QUIRE_EIO: return "EIO";
	case QUIRE_ENXIO: return "ENXIO";
	case QUIRE_E2BIG: return "E2BIG";
	case QUIRE_ENOEXEC: return "ENOEXEC";
	case QUIRE_EBADF: return "EBADF";
	case QUIRE_EAGAIN: return "EAGAIN";
	case QUIRE_ENOMEM: return "ENOMEM";
	case QUIRE_EACCES: return "EACCES";
	case QUIRE_EFAULT: return "EFAULT";
	case QUIRE_EBUSY: return "EBUSY";
	case QUIRE_EEXIST: return "EEXIST";
	case QUIRE_ENODEV: return "ENODEV";
	case QUIRE_EINVAL: return "EINVAL";
	case QUIRE_ETXTBSY: return "ETXTBSY";
	case QUIRE_EFBIG: return "EFBIG";
	case QUIRE_ENOSPC: return "ENOSPC";
	case QUIRE_ERANGE: return "ERANGE";
	case QUIRE_ENOSYS: return "ENOSYS";
	case QUIRE_EOVERFLOW: return "EOVERFLOW";
	case QUIRE_ELIBBAD: return "ELIBBAD";
	case QUIRE_EOPNOTSUPP: return "EOPNOTSUPP";
	default: return "E?";
	}
}
