/* SPDX-License-Identifier: MIT */
/*
 * serial.h - text over the first serial line
 */
#ifndef X86_SERIAL_H
#define X86_SERIAL_H

#include <quire/format.h>

/** serial_init - 115200 baud, 8 bits, no parity, no interrupts */
void serial_init(void);

/** serial_sink - where text for the line goes; a newline is sent as CR LF */
struct quire_sink serial_sink(void);

#endif
