/* SPDX-License-Identifier: MIT */
/*
 * serial.c - a 16550 at its usual place, polled
 *
 * Source: National Semiconductor, PC16550D data sheet
 */
#include "serial.h"

#include "cpu.h"

#define COM1 0x3f8
#define DATA (COM1 + 0)       /* divisor, low byte, while LINE's DLAB is set */
#define INTERRUPTS (COM1 + 1) /* divisor, high byte */
#define FIFO (COM1 + 2)
#define LINE (COM1 + 3)
#define MODEM (COM1 + 4)
#define STATUS (COM1 + 5)

#define LINE_DLAB 0x80
#define LINE_8N1 0x03
#define FIFO_ON 0x07
#define MODEM_DTR_RTS 0x03
#define STATUS_EMPTY 0x20

void serial_init(void)
{
	cpu_out8(INTERRUPTS, 0);
	cpu_out8(LINE, LINE_DLAB);
	cpu_out8(DATA, 1);
	cpu_out8(INTERRUPTS, 0);
	cpu_out8(LINE, LINE_8N1);
	cpu_out8(FIFO, FIFO_ON);
	cpu_out8(MODEM, MODEM_DTR_RTS);
}

static void put(uint8_t c)
{
	while (!(cpu_in8(STATUS) & STATUS_EMPTY))
		;
	cpu_out8(DATA, c);
}

static void serial_write(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			put('\r');
		put((uint8_t)text[i]);
	}
}

struct quire_sink serial_sink(void)
{
	return (struct quire_sink){ serial_write, NULL };
}
