/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - the instructions that C has no words for
 *
 * Source: Intel SDM vol. 2
 */
#ifndef X86_CPU_H
#define X86_CPU_H

#include <stdint.h>

#define FLAGS_IF 0x200u

#define CR4_PGE 0x80u

/** cpu_out8 - write a byte to an I/O port */
static inline void cpu_out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

/** cpu_out32 - write 32 bits to an I/O port */
static inline void cpu_out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

/** cpu_in8 - read a byte from an I/O port */
static inline uint8_t cpu_in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/** cpu_flags_cli - the flags as they were; interrupts are off from here on */
static inline uintptr_t cpu_flags_cli(void)
{
	uintptr_t flags;

	__asm__ volatile("pushf\n\tpop %0\n\tcli" : "=r"(flags) : : "memory");
	return flags;
}

/** cpu_sti - let interrupts in */
static inline void cpu_sti(void)
{
	__asm__ volatile("sti" : : : "memory");
}

/** cpu_halt - stop, for good */
static inline __attribute__((noreturn)) void cpu_halt(void)
{
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

/** cpu_cr2 - the address of the last page fault */
static inline uintptr_t cpu_cr2(void)
{
	uintptr_t value;

	__asm__ volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

/** cpu_cr3 - the root of the page tables in use */
static inline uintptr_t cpu_cr3(void)
{
	uintptr_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

/** cpu_set_cr3 - use other page tables; flushes what is not global */
static inline void cpu_set_cr3(uintptr_t value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

/** cpu_cr4 - the switches of CR4 */
static inline uintptr_t cpu_cr4(void)
{
	uintptr_t value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

/** cpu_set_cr4 - set them; flushes all when CR4_PGE changes */
static inline void cpu_set_cr4(uintptr_t value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

/** cpu_invlpg - flush the page of @address, global or not */
static inline void cpu_invlpg(uintptr_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/** cpu_msr - read a model-specific register */
static inline uint64_t cpu_msr(uint32_t number)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
	return (uint64_t)high << 32 | low;
}

/** cpu_set_msr - write it */
static inline void cpu_set_msr(uint32_t number, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

/** cpu_features - leaf 1 of CPUID, EDX */
static inline uint32_t cpu_features(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

/** cpu_tsc - the time-stamp counter, after all instructions before it */
static inline uint64_t cpu_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

#endif
