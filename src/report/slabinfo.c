/* SPDX-License-Identifier: MIT */
/*
 * slabinfo.c - /proc/slabinfo, the caches of the kernel heap
 *
 * Version 2.1: the newest cache first, as Linux has its list.
 *
 *	kmalloc-64   100  256  64  256  4 : tunables  16  16  0 : slabdata  1  1  0
 *	name         active, all objects, size, per slab, pages: limit, batch: active, all slabs
 *
 * The limit is that of a cpu's array of objects whose slabs are another cpu's; sharedavail is
 * what is on its way to them.
 *
 * Source: slabinfo(5)
 */
#include "report/slabinfo.h"

#include <quire/slab.h>

#include "report/json.h"

static void write_row(const struct quire_cache_info *info, const struct quire_sink *sink)
{
	quire_format(sink, "%-17s %6ju %6ju %6u %4u %4u", info->name, info->active_objects,
		     info->nr_objects, info->size, info->objects, info->pages);
	quire_format(sink, " : tunables %4u %4u %4u", info->limit, info->limit, 0u);
	quire_format(sink, " : slabdata %6ju %6ju %6ju\n", info->nr_slabs - info->empty,
		     info->nr_slabs, info->away);
}

static void write_json(struct json *j, const struct quire_cache_info *info)
{
	json_open(j, NULL, '{');
	json_string(j, "name", info->name);
	json_number(j, "active_objs", info->active_objects);
	json_number(j, "num_objs", info->nr_objects);
	json_number(j, "objsize", info->size);
	json_number(j, "objperslab", info->objects);
	json_number(j, "pagesperslab", info->pages);
	json_number(j, "limit", info->limit);
	json_number(j, "active_slabs", info->nr_slabs - info->empty);
	json_number(j, "num_slabs", info->nr_slabs);
	json_number(j, "sharedavail", info->away);
	json_number(j, "used_bytes", info->active_objects * info->size);
	if (info->flags & QUIRE_SLAB_ASKED)
		json_number(j, "asked_bytes", info->asked_bytes);
	json_close(j, '}');
}

/* The cache before @cache on the chain; the last one for NULL. */
static struct quire_cache *before(struct quire *q, const struct quire_cache *cache)
{
	struct quire_cache *found = NULL;

	for (struct quire_cache *c = quire_cache_next(q, NULL); c && c != cache;
	     c = quire_cache_next(q, c))
		found = c;
	return found;
}

void slabinfo_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };

	if (json)
		json_open(&j, NULL, '[');
	else
		quire_format(sink, "slabinfo - version: 2.1\n"
				   "# name            <active_objs> <num_objs> <objsize> "
				   "<objperslab> <pagesperslab> : tunables <limit> <batchcount> "
				   "<sharedfactor> : slabdata <active_slabs> <num_slabs> "
				   "<sharedavail>\n");
	for (struct quire_cache *c = before(q, NULL); c; c = before(q, c)) {
		struct quire_cache_info info;

		quire_cache_info(c, &info);
		if (json)
			write_json(&j, &info);
		else
			write_row(&info, sink);
	}
	if (json)
		json_close(&j, ']');
}
