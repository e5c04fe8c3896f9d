/* SPDX-License-Identifier: MIT */
/*
 * entry.h - entries in memory
 *
 * The processor reads entries at any time and sets accessed and dirty bits in them, so each is
 * read and written as a whole. Where a word has 32 bits and an entry 64, its lower half,
 * which has the present bit, is written last and cleared first.
 */
#ifndef PGTABLE_ENTRY_H
#define PGTABLE_ENTRY_H

#include <quire/pgtable.h>

#include "core/assert.h"
#include "core/lock.h"

#define ENTRY_WHOLE (sizeof(uintptr_t) == 8) /* 64 bits are one access */
#define ENTRY_MARKS ((uint32_t)(QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY))

/** entry_load - read entry @i of a table whose entries have @bytes */
static inline uint64_t entry_load(const void *table, unsigned i, unsigned bytes)
{
	const _Atomic uint32_t *word;
	uint32_t low, high;

	if (likely(bytes == 8 && ENTRY_WHOLE))
		return relaxed_load((const _Atomic uint64_t *)table + i);
	if (bytes == 4)
		return relaxed_load((const _Atomic uint32_t *)table + i);
	word = (const _Atomic uint32_t *)table + 2 * (size_t)i;
	do {
		low = atomic_load_explicit(word, memory_order_acquire);
		high = atomic_load_explicit(word + 1, memory_order_acquire);
	} while (low != relaxed_load(word));
	return (uint64_t)high << 32 | low;
}

/** entry_store - write an entry that the processor isn't using: it is absent, or becomes so */
static inline void entry_store(void *table, unsigned i, unsigned bytes, uint64_t value)
{
	_Atomic uint32_t *word;

	if (likely(bytes == 8 && ENTRY_WHOLE)) {
		atomic_store_explicit((_Atomic uint64_t *)table + i, value, memory_order_release);
		return;
	}
	if (bytes == 4) {
		atomic_store_explicit((_Atomic uint32_t *)table + i, (uint32_t)value,
				      memory_order_release);
		return;
	}
	word = (_Atomic uint32_t *)table + 2 * (size_t)i;
	if (!(value & QUIRE_PTE_PRESENT))
		relaxed_store(word, (uint32_t)value);
	atomic_store_explicit(word + 1, (uint32_t)(value >> 32), memory_order_release);
	atomic_store_explicit(word, (uint32_t)value, memory_order_release);
}

/** entry_take - clear an entry. Return: what it was, with what the processor marked until then */
static inline uint64_t entry_take(void *table, unsigned i, unsigned bytes)
{
	_Atomic uint32_t *word;
	uint32_t low, high;

	if (bytes == 8 && ENTRY_WHOLE)
		return atomic_exchange_explicit((_Atomic uint64_t *)table + i, 0,
						memory_order_acq_rel);
	if (bytes == 4)
		return atomic_exchange_explicit((_Atomic uint32_t *)table + i, 0,
						memory_order_acq_rel);
	word = (_Atomic uint32_t *)table + 2 * (size_t)i;
	low = atomic_exchange_explicit(word, 0, memory_order_acq_rel);
	high = relaxed_load(word + 1);
	relaxed_store(word + 1, 0);
	return (uint64_t)high << 32 | low;
}

/**
 * entry_change - replace a present leaf unless the processor has marked it since
 * @table: that it is in
 * @i:     its index
 * @bytes: of an entry
 * @old:   what was read
 * @value: what it becomes; accessed and dirty bits as in @old at least
 *
 * Return: true; false: it isn't @old any more, read again
 */
static inline bool entry_change(void *table, unsigned i, unsigned bytes, uint64_t old,
				uint64_t value)
{
	_Atomic uint32_t *word;
	uint32_t low = (uint32_t)old;

	if (bytes == 8 && ENTRY_WHOLE)
		return atomic_compare_exchange_strong_explicit((_Atomic uint64_t *)table + i, &old,
							       value, memory_order_acq_rel,
							       memory_order_relaxed);
	word = (_Atomic uint32_t *)table + (bytes == 4 ? i : 2 * (size_t)i);
	if (bytes == 4 || old >> 32 == value >> 32)
		return atomic_compare_exchange_strong_explicit(word, &low, (uint32_t)value,
							       memory_order_acq_rel,
							       memory_order_relaxed);
	/* Absent for a moment: who finds it so sees a fault, and at the retry the new entry. */
	low = atomic_exchange_explicit(word, 0, memory_order_acq_rel);
	atomic_store_explicit(word + 1, (uint32_t)(value >> 32), memory_order_release);
	atomic_store_explicit(word, (uint32_t)value | (low & ENTRY_MARKS), memory_order_release);
	return true;
}

#endif
