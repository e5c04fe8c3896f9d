/* SPDX-License-Identifier: MIT */
/*
 * plot.h - numbers over time, as an SVG document
 *
 * One panel for each series, each with a scale of its own, over one axis of time.
 */
#ifndef LAB_PLOT_H
#define LAB_PLOT_H

#include <quire/format.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct lab_series - one number over time */
struct lab_series {
	const char *name;
	const uint64_t *value; /* lab_plot.nr of them */
	bool bytes;            /* printed as KB, MB, GB */
};

/** struct lab_plot - what is plotted */
struct lab_plot {
	const char *title;
	const char *axis;     /* what goes from left to right: "touches" */
	uint64_t first, last; /* its values at the first and at the last sample */
	size_t nr;            /* samples, evenly spaced */
	const struct lab_series *series;
	unsigned nr_series;
};

/** lab_plot_svg - draw it. @sink: receives the document in pieces */
void lab_plot_svg(const struct lab_plot *plot, const struct quire_sink *sink);

#endif
