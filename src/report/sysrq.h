/* SPDX-License-Identifier: MIT */
/*
 * sysrq.h - the memory report of SysRq-m
 */
#ifndef REPORT_SYSRQ_H
#define REPORT_SYSRQ_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * sysrq_write - the memory report of SysRq-m
 * @q:    a machine with zones
 * @json: as one JSON value instead of Linux's text
 * @sink: receives it
 */
void sysrq_write(struct quire *q, bool json, const struct quire_sink *sink);

#endif
