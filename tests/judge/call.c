/* SPDX-License-Identifier: MIT */
/*
 * call.c - a table says which arguments a call has and how each is spelled
 */
#include "call.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** struct word - a name and its bits or number */
struct word {
	const char *name;
	uint32_t value;
};

static const struct word PROTS[] = { { "rwx", 7 },
				     { "rw", 3 },
				     { "rx", 5 },
				     { "r", 1 },
				     { "w", 2 },
				     { "x", 4 },
				     { "growsdown", 0x01000000 },
				     { NULL, 0 } };
static const struct word MAPS[] = {
	{ "validate", 3 },      { "private", 2 },          { "shared", 1 },
	{ "fixed", 0x10 },      { "anonymous", 0x20 },     { "32bit", 0x40 },
	{ "growsdown", 0x100 }, { "locked", 0x2000 },      { "noreserve", 0x4000 },
	{ "populate", 0x8000 }, { "nonblock", 0x10000 },   { "stack", 0x20000 },
	{ "sync", 0x80000 },    { "noreplace", 0x100000 }, { NULL, 0 },
};
static const struct word REMAPS[] = {
	{ "maymove", 1 }, { "fixed", 2 }, { "dontunmap", 4 }, { NULL, 0 }
};
static const struct word ONFAULT[] = { { "onfault", 1 }, { NULL, 0 } };
static const struct word ALLS[] = {
	{ "current", 1 }, { "future", 2 }, { "onfault", 4 }, { NULL, 0 }
};
static const struct word SYNCS[] = {
	{ "async", 1 }, { "invalidate", 2 }, { "sync", 4 }, { NULL, 0 }
};
static const struct word SEALS[] = { { "seal", 1 },  { "shrink", 2 },        { "grow", 4 },
				     { "write", 8 }, { "future_write", 16 }, { NULL, 0 } };
static const struct word HOLES[] = {
	{ "keep_size", 1 }, { "punch_hole", 2 }, { "zero_range", 16 }, { NULL, 0 }
};
static const struct word LIMITS[] = {
	{ "data", 2 }, { "stack", 3 }, { "memlock", 8 }, { "as", 9 }, { NULL, 0 }
};
static const struct word ADVICE[] = {
	{ "normal", 0 },   { "random", 1 },         { "sequential", 2 },      { "willneed", 3 },
	{ "dontneed", 4 }, { "free", 8 },           { "remove", 9 },          { "dontfork", 10 },
	{ "dofork", 11 },  { "hugepage", 14 },      { "nohugepage", 15 },     { "dontdump", 16 },
	{ "dodump", 17 },  { "wipeonfork", 18 },    { "keeponfork", 19 },     { "cold", 20 },
	{ "pageout", 21 }, { "populate_read", 22 }, { "populate_write", 23 }, { NULL, 0 },
};

/** enum field - an argument's place in struct call */
enum field { AT, BYTES, TO, OFFSET, MORE, PROT, FLAGS, FILE_NR, VALUE, CHILD, NR_FIELDS };

static const char *const FIELD_NAMES[NR_FIELDS] = { "at",   "bytes", "to",   "offset", "more",
						    "prot", "flags", "file", "value",  "child" };

/** struct form - how a call is written */
struct form {
	const char *name;
	unsigned fields;         /* bit for each enum field */
	const struct word *prot; /* words for ->prot; NULL: a number */
	bool one;                /* ->prot is one of them, not a set */
	const struct word *flags;
};

#define F(name) (1u << (name))
static const struct form FORMS[NR_OPS] = {
	[OP_LOOK] = { "look", 0, NULL, false, NULL },
	[OP_MMAP] = { "mmap", F(AT) | F(BYTES) | F(PROT) | F(FLAGS) | F(FILE_NR) | F(OFFSET), PROTS,
		      false, MAPS },
	[OP_MUNMAP] = { "munmap", F(AT) | F(BYTES), NULL, false, NULL },
	[OP_MPROTECT] = { "mprotect", F(AT) | F(BYTES) | F(PROT), PROTS, false, NULL },
	[OP_MREMAP] = { "mremap", F(AT) | F(BYTES) | F(MORE) | F(FLAGS) | F(TO), NULL, false,
			REMAPS },
	[OP_BRK] = { "brk", F(AT), NULL, false, NULL },
	[OP_MADVISE] = { "madvise", F(AT) | F(BYTES) | F(PROT), ADVICE, true, NULL },
	[OP_MLOCK] = { "mlock", F(AT) | F(BYTES) | F(FLAGS), NULL, false, ONFAULT },
	[OP_MUNLOCK] = { "munlock", F(AT) | F(BYTES), NULL, false, NULL },
	[OP_MLOCKALL] = { "mlockall", F(FLAGS), NULL, false, ALLS },
	[OP_MUNLOCKALL] = { "munlockall", 0, NULL, false, NULL },
	[OP_MINCORE] = { "mincore", F(AT) | F(BYTES), NULL, false, NULL },
	[OP_MSYNC] = { "msync", F(AT) | F(BYTES) | F(FLAGS), NULL, false, SYNCS },
	[OP_MSEAL] = { "mseal", F(AT) | F(BYTES) | F(FLAGS), NULL, false, NULL },
	[OP_READ] = { "read", F(AT), NULL, false, NULL },
	[OP_WRITE] = { "write", F(AT) | F(VALUE), NULL, false, NULL },
	[OP_FETCH] = { "fetch", F(AT), NULL, false, NULL },
	[OP_COPYOUT] = { "copyout", F(AT) | F(BYTES), NULL, false, NULL },
	[OP_COPYIN] = { "copyin", F(AT) | F(BYTES), NULL, false, NULL },
	[OP_FREAD] = { "fread", F(FILE_NR) | F(OFFSET) | F(BYTES), NULL, false, NULL },
	[OP_FWRITE] = { "fwrite", F(FILE_NR) | F(OFFSET) | F(BYTES) | F(VALUE), NULL, false, NULL },
	[OP_TRUNCATE] = { "truncate", F(FILE_NR) | F(BYTES), NULL, false, NULL },
	[OP_FALLOCATE] = { "fallocate", F(FILE_NR) | F(OFFSET) | F(BYTES) | F(PROT), HOLES, false,
			   NULL },
	[OP_SEAL] = { "seal", F(FILE_NR) | F(FLAGS), NULL, false, SEALS },
	[OP_SETRLIMIT] = { "setrlimit", F(PROT) | F(BYTES), LIMITS, true, NULL },
	[OP_FORK] = { "fork", F(CHILD), NULL, false, NULL },
	[OP_EXIT] = { "exit", F(CHILD), NULL, false, NULL },
};

static const char *const KINDS[] = { "memfd", "stored", "of_memfd", "read_only", "write_only" };

struct call call_blank(enum op op)
{
	return (struct call){
		.op = (uint8_t)op, .file = FILE_NONE, .at_ref = REF_NONE, .to_ref = REF_NONE
	};
}

const char *call_name(unsigned op)
{
	return op < NR_OPS ? FORMS[op].name : "?";
}

/* ---- Writing ---------------------------------------------------------------------- */

static void print_address(FILE *to, int32_t ref, uint64_t at)
{
	if (ref == REF_HEAP)
		fprintf(to, "heap+");
	else if (ref >= 0)
		fprintf(to, "@%d+", ref);
	fprintf(to, "0x%" PRIx64, at);
}

static void print_words(FILE *to, const struct word *words, bool one, uint32_t value)
{
	const char *between = "";

	for (const struct word *w = words; w && w->name; w++) {
		if (one ? value == w->value : (value & w->value) == w->value) {
			fprintf(to, "%s%s", between, w->name);
			between = "|";
			value &= ~w->value;
			if (one)
				return;
		}
	}
	if (value || !*between)
		fprintf(to, "%s0x%" PRIx32, between, value);
}

static void print_field(FILE *to, const struct call *c, unsigned field)
{
	const struct form *form = &FORMS[c->op];

	switch (field) {
	case AT:
		print_address(to, c->at_ref, c->at);
		break;
	case TO:
		print_address(to, c->to_ref, c->to);
		break;
	case OFFSET:
		fprintf(to, "0x%" PRIx64, c->to);
		break;
	case BYTES:
		fprintf(to, "0x%" PRIx64, c->bytes);
		break;
	case MORE:
		fprintf(to, "0x%" PRIx64, c->more);
		break;
	case PROT:
		print_words(to, form->prot, form->one, c->prot);
		break;
	case FLAGS:
		print_words(to, form->flags, false, c->flags);
		break;
	case FILE_NR:
		fprintf(to, "%u", c->file);
		break;
	default:
		fprintf(to, "0x%x", c->value);
		break;
	}
}

void call_print(FILE *to, const struct call *c, unsigned number, const char *extra)
{
	const struct form *form = &FORMS[c->op];

	fprintf(to, "%u p%u %s", number, c->proc, form->name);
	for (unsigned f = 0; f < NR_FIELDS; f++) {
		if (!(form->fields & F(f)) || (f == FILE_NR && c->file == FILE_NONE) ||
		    (f == OFFSET && c->op == OP_MMAP && c->file == FILE_NONE && !c->to))
			continue;
		fprintf(to, " %s=", FIELD_NAMES[f]);
		print_field(to, c, f);
	}
	fprintf(to, "%s\n", extra);
}

void episode_print(FILE *to, const struct episode *e)
{
	fprintf(to, "setting memlock=0x%" PRIx64 " privileged=%u\n", e->setting.memlock,
		e->setting.privileged);
	for (unsigned n = 0; n < WIRE_FILES; n++) {
		const struct file_spec *spec = &e->setting.files[n];

		fprintf(to, "file %u %s bytes=0x%" PRIx64 " sealing=%u\n", n, KINDS[spec->kind],
			spec->bytes, spec->sealing);
	}
	for (unsigned i = 0; i < e->nr; i++)
		call_print(to, &e->calls[i], i, "");
}

/* ---- Reading ---------------------------------------------------------------------- */

/** struct reading - a script while it is read */
struct reading {
	struct episode *out;
	unsigned labels[WIRE_CALLS]; /* the number that stood before each call */
};

static bool read_address(const struct reading *r, const char *text, int32_t *ref, uint64_t *at)
{
	char *end;

	*ref = REF_NONE;
	if (!strncmp(text, "heap+", 5)) {
		*ref = REF_HEAP;
		text += 5;
	} else if (*text == '@') {
		unsigned long label = strtoul(text + 1, &end, 10);

		for (unsigned i = 0; i < r->out->nr; i++)
			if (r->labels[i] == label)
				*ref = (int32_t)i;
		if (*ref < 0 || *end != '+')
			return false;
		text = end + 1;
	}
	*at = strtoull(text, &end, 0);
	return *text && !*end;
}

static bool read_words(const struct word *words, char *text, uint32_t *out)
{
	*out = 0;
	for (char *part = strtok(text, "|"); part; part = strtok(NULL, "|")) {
		const struct word *w = words;
		char *end;

		while (w && w->name && strcmp(w->name, part) != 0)
			w++;
		if (w && w->name) {
			*out |= w->value;
			continue;
		}
		*out |= (uint32_t)strtoul(part, &end, 0);
		if (*end)
			return false;
	}
	return true;
}

static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 0);
	return *text && !*end && *out <= max;
}

static bool read_field(const struct reading *r, struct call *c, unsigned field, char *text)
{
	const struct form *form = &FORMS[c->op];
	uint64_t n = 0;
	bool good = true;

	switch (field) {
	case AT:
		return read_address(r, text, &c->at_ref, &c->at);
	case TO:
		return read_address(r, text, &c->to_ref, &c->to);
	case OFFSET:
		return read_number(text, UINT64_MAX, &c->to);
	case BYTES:
		return read_number(text, UINT64_MAX, &c->bytes);
	case MORE:
		return read_number(text, UINT64_MAX, &c->more);
	case PROT:
		return read_words(form->prot, text, &c->prot);
	case FLAGS:
		return read_words(form->flags, text, &c->flags);
	case FILE_NR:
		good = read_number(text, 255, &n);
		c->file = (uint8_t)n;
		return good && (n < WIRE_FILES || n == FILE_NONE);
	default:
		good = read_number(text, 255, &n);
		c->value = (uint8_t)n;
		return good;
	}
}

static bool read_argument(const struct reading *r, struct call *c, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return false;
	*value++ = 0;
	for (unsigned f = 0; f < NR_FIELDS; f++)
		if (FORMS[c->op].fields & F(f) && !strcmp(FIELD_NAMES[f], word))
			return read_field(r, c, f, value);
	return false;
}

static bool read_call(struct reading *r, char *line)
{
	char *words[16], *rest = NULL;
	unsigned nr = 0, op = 0;

	for (char *w = strtok_r(line, " \t\n", &rest); w && nr < 16;
	     w = strtok_r(NULL, " \t\n", &rest))
		words[nr++] = w;
	if (nr < 3 || words[1][0] != 'p' || r->out->nr >= WIRE_CALLS)
		return false;
	while (op < NR_OPS && strcmp(FORMS[op].name, words[2]) != 0)
		op++;
	if (op == NR_OPS)
		return false;
	struct call c = call_blank(op);

	c.proc = (uint8_t)atoi(words[1] + 1);
	for (unsigned i = 3; i < nr && words[i][0] != '#'; i++)
		if (!read_argument(r, &c, words[i]))
			return false;
	r->labels[r->out->nr] = (unsigned)atoi(words[0]);
	r->out->calls[r->out->nr++] = c;
	return c.proc < WIRE_PROCS;
}

static bool read_setting(struct setting *s, const char *line)
{
	unsigned n, sealing;
	uint64_t bytes;
	char kind[16];

	if (sscanf(line, "setting memlock=%" SCNi64 " privileged=%u", (int64_t *)&s->memlock,
		   &s->privileged) == 2)
		return true;
	if (sscanf(line, "file %u %15s bytes=%" SCNi64 " sealing=%u", &n, kind, (int64_t *)&bytes,
		   &sealing) != 4 ||
	    n >= WIRE_FILES)
		return false;
	for (unsigned k = 0; k < sizeof(KINDS) / sizeof(KINDS[0]); k++) {
		if (!strcmp(KINDS[k], kind)) {
			s->files[n] = (struct file_spec){ (uint8_t)k, (uint8_t)sealing, bytes };
			return true;
		}
	}
	return false;
}

bool episode_read(FILE *from, struct episode *out)
{
	struct reading r = { .out = out };
	char line[512], copy[512];
	unsigned nr = 0;

	memset(out, 0, sizeof(*out));
	while (fgets(line, sizeof(line), from)) {
		nr++;
		if (line[strspn(line, " \t\n")] == 0 || line[0] == '#')
			continue;
		memcpy(copy, line, sizeof(copy));
		if (!(line[0] >= '0' && line[0] <= '9' ? read_call(&r, line)
						       : read_setting(&out->setting, line))) {
			fprintf(stderr, "judge: line %u: %s", nr, copy);
			return false;
		}
	}
	return true;
}
