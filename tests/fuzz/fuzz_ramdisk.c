/* SPDX-License-Identifier: MIT */
/* fuzz_ramdisk.c - any bytes as the kernel's ramdisk: files are inside of it, and come to an end */
#include <stdlib.h>

#include "files.c"

void *x86_direct(quire_phys_t at)
{
	return (void *)(uintptr_t)at.v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct x86_boot boot = { .nr_modules = 1 };
	struct file file;
	unsigned sum = 0;

	boot.modules[0].start = (uintptr_t)data;
	boot.modules[0].end = (uintptr_t)data + size;
	for (size_t i = 0; files_get(&boot, i, &file); i++) {
		if (file.text < text || file.length > size - (size_t)(file.text - text))
			abort();
		for (const char *c = file.name; *c; c++)
			sum += (unsigned char)*c;
		for (size_t n = 0; n < file.length; n++)
			sum += (unsigned char)file.text[n];
		if (i < 8 && !files_find(&boot, file.name, &file))
			abort();
	}
	return sum == 0xffffffff; /* never: so that all is read */
}
