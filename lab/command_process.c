/* SPDX-License-Identifier: MIT */
/*
 * command_process.c - processes: begin, fork, exec, exit; their accesses; what is expected of them
 *
 * A line is about the process that `on P:` says, else about the one that process, exec or program
 * made last.
 */
#include "command_process.h"

#include <quire/report.h>

#include "args.h"
#include "canvas.h"
#include "image.h"
#include "process.h"
#include "text.h"

/* Pages of one line, in bytes. */
#define SPAN_MAX ((uint64_t)1 << 30)

/* ---- Begin and end ------------------------------------------------------------------------ */

/* Words of `process`, up to the end. */
static enum lab_status args_config(struct lab *lab, struct quire_mm_config *out)
{
	struct lab_words *words = &lab->words;
	enum lab_status status = LAB_OK;

	quire_mm_config_init(out);
	while (!status && !words_end(words)) {
		if (words_take(words, "compat")) {
			out->compat = true;
		} else if (words_take(words, "bottom_up")) {
			out->bottom_up = true;
		} else if (words_take(words, "privileged")) {
			out->privileged = true;
		} else if (words_take(words, "seed")) {
			out->randomize = true;
			status = args_number(lab, "the seed", UINT64_MAX, &out->seed);
		} else {
			return args_wrong(lab, "word (compat, bottom_up, privileged, seed N)",
					  words_next(words), NULL);
		}
	}
	return status;
}

enum lab_status command_process(struct lab *lab, const char *target)
{
	struct lab_process *process = NULL;
	struct quire_mm_config config;
	enum lab_status status = args_config(lab, &config);
	int error;

	if (!status)
		status = process_boot(lab);
	if (!status)
		status = process_room(lab, target, &process);
	if (status)
		return status;
	process->config = config;
	error = quire_mm_create(lab->q, &config, &process->mm);
	if (error) {
		process_drop(lab, process);
		return session_error(lab, error, "process");
	}
	process_add(lab, process);
	lab->process = process;
	session_echo(lab, "process %u", process->pid);
	return LAB_OK;
}

enum lab_status command_fork(struct lab *lab, const char *target)
{
	struct lab_process *parent = NULL, *child = NULL;
	const char *name = words_next(&lab->words);
	enum lab_status status = LAB_OK;
	int error;

	if (name)
		parent = process_find(lab, name);
	else
		status = process_current(lab, &parent);
	if (!status && !parent)
		status = args_wrong(lab, "process", name, NULL);
	if (!status)
		status = args_end(lab);
	if (!status)
		status = process_room(lab, target, &child);
	if (status || !parent)
		return status;
	child->config = parent->config;
	text_copy(child->command, sizeof(child->command), parent->command);
	error = quire_mm_fork(parent->mm, &child->mm);
	if (error) {
		process_drop(lab, child);
		return session_refuse(lab, quire_error_name(error), "fork");
	}
	process_add(lab, child);
	session_echo(lab, "process %u", child->pid);
	return LAB_OK;
}

enum lab_status command_exit(struct lab *lab, const char *target)
{
	const char *name = words_peek(&lab->words);
	struct lab_process *process;
	enum lab_status status;

	if (!name)
		return command_quit(lab, target);
	words_next(&lab->words);
	status = args_end(lab);
	if (status)
		return status;
	process = process_find(lab, name);
	if (!process)
		return args_wrong(lab, "process", name, NULL);
	process_exit(lab, process);
	return LAB_OK;
}

/* ---- exec ------------------------------------------------------------------------------------ */

/* For quire_exec: a dynamic program's interpreter. */
static int open_interpreter(void *ctx, const char *path, struct quire_file **out)
{
	const char *why = NULL;

	return image_open(ctx, path, &why, out);
}

/* The part of a path behind its last slash. */
static const char *base_name(const char *path)
{
	const char *base = path;

	for (; *path; path++) {
		if (*path == '/')
			base = path + 1;
	}
	return base;
}

/*
 * Start a program: in the process of that name, in a new one, or without a name in the one that
 * the line is about.
 */
static enum lab_status start(struct lab *lab, const char *target, const struct quire_exec *exec)
{
	struct lab_process *process = target ? process_find(lab, target) : NULL;
	struct quire_exec_start begin;
	enum lab_status status = LAB_OK;
	struct quire_mm_config config;
	struct quire_mm *mm = NULL;
	bool made = target && !process;
	int error;

	if (made)
		status = process_room(lab, target, &process);
	else if (!target)
		status = process_current(lab, &process);
	if (status)
		return status;
	if (made)
		quire_mm_config_init(&process->config);
	config = process->config;
	config.compat = false;
	error = quire_exec(lab->q, &config, exec, &mm, &begin);
	if (error) {
		if (made)
			process_drop(lab, process);
		return session_refuse(lab, quire_error_name(error), "exec %s", exec->path);
	}
	if (made) {
		process->mm = mm;
		process_add(lab, process);
	} else {
		process_replace(lab, process, mm);
	}
	lab->process = process;
	text_copy(process->command, sizeof(process->command), base_name(exec->path));
	session_echo(lab, "process %u: entry 0x%jx stack 0x%jx", process->pid,
		     (uintmax_t)begin.entry.v, (uintmax_t)begin.stack.v);
	return LAB_OK;
}

enum lab_status command_exec(struct lab *lab, const char *target)
{
	const char *path = words_next(&lab->words), *why = NULL;
	const char *strings[LAB_WORDS_MAX + 2];
	enum lab_status status = process_boot(lab);
	struct quire_exec exec = { .path = path, .open = open_interpreter, .ctx = lab };
	unsigned nr = 0;
	int error;

	if (!status && !path)
		status = args_wrong(lab, "the program's file", NULL, NULL);
	if (status)
		return status;
	strings[nr++] = path;
	while (!words_end(&lab->words) && !words_take(&lab->words, "env"))
		strings[nr++] = words_next(&lab->words);
	strings[nr++] = NULL;
	exec.argv = strings;
	exec.envp = &strings[nr];
	while (!words_end(&lab->words))
		strings[nr++] = words_next(&lab->words);
	strings[nr] = NULL;
	error = image_open(lab, path, &why, &exec.file);
	if (error == -QUIRE_ENOMEM)
		return session_memory(lab);
	if (error)
		return session_fail(lab, LAB_FILE, "%s: %s", path,
				    why ? why : quire_error_name(error));
	status = start(lab, target, &exec);
	quire_file_put(exec.file);
	return status;
}

enum lab_status command_program(struct lab *lab, const char *target)
{
	static const char *const argv[] = { "program", NULL };
	struct image_plan plan = { .text = 2 * QUIRE_PAGE_SIZE, .data = QUIRE_PAGE_SIZE };
	struct quire_exec exec = { .path = argv[0], .argv = argv };
	struct lab_words *words = &lab->words;
	enum lab_status status = process_boot(lab);
	int error;

	plan.wide = !status && quire_config(lab->q)->machine >= QUIRE_X86_64;
	while (!status && !words_end(words)) {
		uint64_t *part = words_take(words, "text")  ? &plan.text
				 : words_take(words, "data") ? &plan.data
				 : words_take(words, "bss")  ? &plan.bss
							     : NULL;

		if (part)
			status = args_size(lab, "the size", part);
		else if (words_take(words, "pie"))
			plan.position = true;
		else if (words_take(words, "compat"))
			plan.wide = false;
		else
			status = args_wrong(lab, "part (text, data, bss)", words_next(words), NULL);
	}
	if (status)
		return status;
	if (plan.text < QUIRE_PAGE_SIZE || plan.text > IMAGE_PART_MAX ||
	    plan.data > IMAGE_PART_MAX || plan.bss > IMAGE_PART_MAX)
		return session_fail(lab, LAB_USAGE, "text is 4K to 64M, data and bss 64M at most");
	error = image_build(lab, &plan, exec.path, &exec.file);
	if (error)
		return session_error(lab, error, "program");
	status = start(lab, target, &exec);
	quire_file_put(exec.file);
	return status;
}

enum lab_status command_rlimit(struct lab *lab, const char *target)
{
	static const struct {
		const char *name;
		enum quire_rlimit limit;
	} limits[] = {
		{ "as", QUIRE_RLIMIT_AS },
		{ "data", QUIRE_RLIMIT_DATA },
		{ "stack", QUIRE_RLIMIT_STACK },
		{ "memlock", QUIRE_RLIMIT_MEMLOCK },
	};
	const char *name = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };
	struct lab_process *process = NULL;
	uint64_t bytes = QUIRE_RLIM_INFINITY;
	enum lab_status status = process_current(lab, &process);
	size_t i = 0, nr = sizeof(limits) / sizeof(limits[0]);

	(void)target;
	for (; name && i < nr && !text_equal(limits[i].name, name); i++)
		nearest_try(&near, name, limits[i].name);
	if (!name || i == nr)
		return args_wrong(lab, "limit", name, near.word);
	words_take(&lab->words, "=");
	if (!status && !words_take(&lab->words, "unlimited"))
		status = args_size(lab, "the limit", &bytes);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	process->config.rlimit[limits[i].limit] = bytes;
	quire_mm_set_rlimit(process->mm, limits[i].limit, bytes);
	return LAB_OK;
}

/* ---- Accesses -------------------------------------------------------------------------------- */

/* Linux's names of what a program is told: SIGSEGV MAPERR … */
static void signal_words(enum quire_fault fault, const struct quire_signal *signal, char *out,
			 size_t size)
{
	const char *code = "";

	if (fault == QUIRE_FAULT_SIGSEGV)
		code = signal->code == QUIRE_SEGV_MAPERR ? " MAPERR" : " ACCERR";
	else if (fault == QUIRE_FAULT_SIGBUS)
		code = " ADRERR";
	quire_format_buffer(out, size, "%s%s", quire_fault_name(fault), code);
}

/* An access of the process, which this processor loads for it. */
static enum lab_status access(struct lab *lab, struct lab_process *process, quire_virt_t at,
			      void *buf, size_t n, enum quire_access kind)
{
	struct quire_signal signal = { .code = 0 };
	enum quire_fault fault;
	char words[32];
	int error = quire_mm_load(process->mm);

	if (error)
		return session_error(lab, error, "loading the process");
	fault = quire_user_access(process->mm, at, buf, n, kind, &signal);
	if (fault == QUIRE_FAULT_DONE)
		return LAB_OK;
	signal_words(fault, &signal, words, sizeof(words));
	return session_refuse(lab, words, "0x%jx", (uintmax_t)signal.address.v);
}

/* A line goes over a range page by page: so it may not be too long. */
static enum lab_status check_span(struct lab *lab, quire_virt_t at, uint64_t bytes)
{
	if (!bytes || at.v + bytes < at.v)
		return session_fail(lab, LAB_USAGE, "there is no such range");
	if (bytes > SPAN_MAX)
		return session_fail(lab, LAB_USAGE, "a range has 1G at most");
	return LAB_OK;
}

enum lab_status command_touch(struct lab *lab, const char *target)
{
	enum quire_access kind = QUIRE_ACCESS_READ;
	struct lab_process *process = NULL;
	struct lab_area *area;
	quire_virt_t at = { 0 };
	uint64_t bytes = 1, end;
	char byte = 0;
	enum lab_status status = process_current(lab, &process);

	(void)target;
	if (!status)
		status = args_place(lab, &at, &area);
	const char *word = words_peek(&lab->words);

	if (!status && word && *word >= '0' && *word <= '9')
		status = args_size(lab, "the size", &bytes);
	if (words_take(&lab->words, "write"))
		kind = QUIRE_ACCESS_WRITE;
	else if (words_take(&lab->words, "exec"))
		kind = QUIRE_ACCESS_EXEC;
	else
		words_take(&lab->words, "read");
	if (!status)
		status = args_end(lab);
	if (!status)
		status = check_span(lab, at, bytes);
	end = at.v + bytes;
	while (!status && at.v < end) {
		status = access(lab, process, at, &byte, 1, kind);
		at.v = (at.v | (QUIRE_PAGE_SIZE - 1)) + 1;
		if (!at.v)
			break;
	}
	return status;
}

enum lab_status command_store(struct lab *lab, const char *target)
{
	struct lab_process *process = NULL;
	struct lab_area *area;
	quire_virt_t at = { 0 };
	uint64_t value = 0;
	unsigned char bytes[4];
	enum lab_status status = process_current(lab, &process);

	(void)target;
	if (!status)
		status = args_place(lab, &at, &area);
	words_take(&lab->words, "=");
	if (!status)
		status = args_number(lab, "the value", UINT32_MAX, &value);
	if (!status)
		status = args_end(lab);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(value >> 8 * i);
	return status ? status
		      : access(lab, process, at, bytes, sizeof(bytes), QUIRE_ACCESS_WRITE);
}

/* By name or by number. */
static struct lab_process *named(struct lab *lab, const char *word)
{
	struct lab_process *p = process_find(lab, word);
	uint64_t pid = 0;

	if (p || !text_number(word, &pid) || pid > UINT32_MAX)
		return p;
	return process_numbered(lab, (unsigned)pid);
}

/* ---- Reports --------------------------------------------------------------------------------- */

enum lab_status process_cat(struct lab *lab, const char *path, bool *done)
{
	const char *base = base_name(path);
	const struct quire_report_info *info;
	struct lab_nearest near = { NULL, 0 };
	struct lab_process *process;
	char name[LAB_NAME_MAX];
	size_t length;
	enum lab_status status;

	*done = false;
	if (!text_begins(path, "/proc/") || base - path < 7)
		return LAB_OK;
	length = (size_t)(base - path) - 7;
	text_copy(name, length + 1 < sizeof(name) ? length + 1 : sizeof(name), path + 6);
	process = named(lab, name);
	if (!process)
		return LAB_OK;
	*done = true;
	status = args_end(lab);
	if (status || !quire_report_mm(process->mm, base, lab->json, &lab->host.out))
		return status;
	for (size_t i = 0; (info = quire_report_mm_list(i)); i++)
		nearest_try(&near, base, info->name);
	return args_wrong(lab, "report of a process", base, near.word);
}

enum lab_status args_drawn_space(struct lab *lab, struct lab_seen *seen)
{
	struct lab_process *process = NULL;
	enum lab_status status = LAB_OK;

	for (unsigned i = 0; i < 2; i++) {
		const char *word = words_peek(&lab->words);

		process = word ? named(lab, word) : NULL;
		if (!process && i)
			break;
		if (process)
			words_next(&lab->words);
		else if (word && !text_equal(word, "svg"))
			return args_wrong(lab, "process", word, NULL);
		else
			status = process_current(lab, &process);
		if (status)
			return status;
		seen[i] = (struct lab_seen){ process->mm, process->name };
	}
	return LAB_OK;
}

/*
 * ---- Expectations ------------------------------------------------------------------------------
 */

enum lab_status expect_mm(struct lab *lab)
{
	struct lab_process *process = NULL;
	const quire_virt_t all[2] = { { 0 }, { UINT64_MAX } };
	struct quire_vma_pages pages;
	struct quire_mm_stat s;
	enum lab_status status = process_current(lab, &process);

	if (status)
		return status;
	quire_mm_stat(process->mm, &s);
	quire_vma_pages(process->mm, all[0], all[1], &pages);
	const struct lab_number numbers[] = {
		{ "areas", s.nr_vmas },
		{ "size", s.total_vm },
		{ "data", s.data_vm },
		{ "stack", s.stack_vm },
		{ "exec", s.exec_vm },
		{ "locked", s.locked_vm },
		{ "rss", s.rss_anon + s.rss_file + s.rss_shmem },
		{ "anon", s.rss_anon },
		{ "file", s.rss_file },
		{ "shmem", s.rss_shmem },
		{ "peak", s.hiwater_rss },
		{ "tables", s.table_bytes >> QUIRE_PAGE_SHIFT },
		{ "huge", pages.anon_huge >> QUIRE_PAGE_SHIFT },
		{ "hugetlb", (pages.private_hugetlb + pages.shared_hugetlb) >> QUIRE_PAGE_SHIFT },
		{ "minflt", s.min_faults },
		{ "majflt", s.maj_faults },
	};

	return expect_named(lab, numbers, sizeof(numbers) / sizeof(numbers[0]), expect_number);
}

enum lab_status expect_vm(struct lab *lab)
{
	struct quire_vm_stat s;
	enum lab_status status = process_boot(lab);
	int error = status ? 0 : quire_vm_stat(lab->q, &s);

	if (status || error)
		return status ? status : session_error(lab, error, "vm");
	const struct lab_number numbers[] = {
		{ "processes", s.nr_mms },
		{ "committed", s.committed },
		{ "limit", s.commit_limit },
		{ "anon", s.nr_anon },
		{ "mapped", s.nr_mapped },
		{ "mlocked", s.nr_mlocked },
		{ "faults", s.pgfault },
		{ "majfaults", s.pgmajfault },
		{ "tables", s.nr_table_pages },
		{ "huge", s.nr_anon_huge },
		{ "thp_fault_alloc", s.thp[QUIRE_THP_FAULT_ALLOC] },
		{ "thp_fault_fallback", s.thp[QUIRE_THP_FAULT_FALLBACK] },
		{ "thp_collapse_alloc", s.thp[QUIRE_THP_COLLAPSE_ALLOC] },
		{ "thp_split_pmd", s.thp[QUIRE_THP_SPLIT_PMD] },
		{ "thp_zero_page_alloc", s.thp[QUIRE_THP_ZERO_PAGE_ALLOC] },
		{ "hugepages", s.nr_hugepages },
		{ "hugepages_free", s.nr_hugepages_free },
		{ "hugepages_rsvd", s.nr_hugepages_reserved },
		{ "hugepages_surp", s.nr_hugepages_surplus },
	};

	return expect_named(lab, numbers, sizeof(numbers) / sizeof(numbers[0]), expect_number);
}

/* "64 kB rw-p [heap]" of the area of an address; "none". */
static void area_words(struct lab_process *process, quire_virt_t at, char *out, size_t size)
{
	static const char *const names[] = { "", " [heap]", " [stack]", " [vdso]" };
	struct quire_vma_info area;

	if (!quire_mm_next_vma(process->mm, at, &area) || area.start.v > at.v) {
		text_copy(out, size, "none");
		return;
	}
	quire_format_buffer(out, size, "%juK %c%c%c%c%s%s",
			    (uintmax_t)((area.end.v - area.start.v) >> 10),
			    area.flags & QUIRE_VM_READ ? 'r' : '-',
			    area.flags & QUIRE_VM_WRITE ? 'w' : '-',
			    area.flags & QUIRE_VM_EXEC ? 'x' : '-',
			    area.flags & QUIRE_VM_SHARED ? 's' : 'p',
			    area.file ? " " : names[area.kind],
			    area.file ? quire_file_name(area.file) : "");
}

enum lab_status expect_area(struct lab *lab)
{
	struct lab_process *process = NULL;
	struct lab_area *area;
	quire_virt_t at = { 0 };
	char is[160], wanted[160];
	size_t used = 0;
	enum lab_status status = process_current(lab, &process);

	if (!status)
		status = args_place(lab, &at, &area);
	if (status)
		return status;
	words_take(&lab->words, "=");
	for (wanted[0] = 0; !words_end(&lab->words) && used < sizeof(wanted);)
		used += quire_format_buffer(wanted + used, sizeof(wanted) - used, "%s%s",
					    used ? " " : "", words_next(&lab->words));
	area_words(process, at, is, sizeof(is));
	if (text_equal(is, wanted))
		return LAB_OK;
	return session_fail(lab, LAB_FAILED, "0x%jx: expected '%s', is '%s'", (uintmax_t)at.v,
			    wanted, is);
}

enum lab_status expect_load(struct lab *lab)
{
	struct lab_process *process = NULL;
	struct lab_area *area;
	unsigned char bytes[4] = { 0 };
	quire_virt_t at = { 0 };
	uint32_t value = 0;
	enum lab_status status = process_current(lab, &process);

	if (!status)
		status = args_place(lab, &at, &area);
	if (!status)
		status = access(lab, process, at, bytes, sizeof(bytes), QUIRE_ACCESS_READ);
	if (status)
		return status;
	for (unsigned i = sizeof(bytes); i-- > 0;)
		value = value << 8 | bytes[i];
	return expect_number(lab, "the word", value);
}

enum lab_status expect_mapcount(struct lab *lab)
{
	struct lab_process *process = NULL;
	struct quire_frame_use use = { .mapcount = 0 };
	struct quire_walk walk;
	struct lab_area *area;
	quire_virt_t at = { 0 };
	enum lab_status status = process_current(lab, &process);

	if (!status)
		status = args_place(lab, &at, &area);
	if (status)
		return status;
	if (!quire_table_walk(quire_mm_table(process->mm), at, QUIRE_ACCESS_READ, true, &walk))
		return session_fail(lab, LAB_FAILED, "nothing is resident there");
	quire_frame_use(lab->q, quire_phys_pfn(walk.phys), &use);
	return expect_number(lab, "mapcount", use.mapcount);
}

enum lab_status expect_mincore(struct lab *lab)
{
	struct lab_process *process = NULL;
	struct lab_area *area;
	quire_virt_t at = { 0 };
	uint64_t bytes = 0, nr, in = 0;
	enum lab_status status = process_current(lab, &process);

	if (!status)
		status = args_place(lab, &at, &area);
	if (!status)
		status = args_size(lab, "the size", &bytes);
	if (!status)
		status = check_span(lab, at, bytes);
	if (status)
		return status;
	nr = (bytes >> QUIRE_PAGE_SHIFT) + (bytes % QUIRE_PAGE_SIZE != 0);
	for (uint64_t i = 0; i < nr; i++) {
		const quire_virt_t page = { at.v + (i << QUIRE_PAGE_SHIFT) };
		unsigned char byte = 0;
		int error = quire_mincore(process->mm, page, QUIRE_PAGE_SIZE, &byte);

		if (error)
			return session_refuse(lab, quire_error_name(error), "mincore");
		in += byte & 1;
	}
	return expect_number(lab, "pages in memory", in);
}

/*
 * ---- Settings ----------------------------------------------------------------------------------
 */

/* One number of /proc/sys/vm. */
static enum lab_status sysctl(struct lab *lab, uint64_t max, uint64_t *value,
			      struct quire_vm_sysctl *all)
{
	enum lab_status status = process_boot(lab);

	words_take(&lab->words, "=");
	if (!status)
		status = args_number(lab, "the value", max, value);
	if (!status)
		status = args_end(lab);
	if (!status)
		quire_vm_sysctl(lab->q, all);
	return status;
}

static enum lab_status set(struct lab *lab, const struct quire_vm_sysctl *all)
{
	int error = quire_vm_set_sysctl(lab->q, all);

	return error ? session_error(lab, error, "sysctl") : LAB_OK;
}

enum lab_status sysctl_overcommit(struct lab *lab)
{
	struct quire_vm_sysctl all;
	uint64_t value = 0;
	enum lab_status status = sysctl(lab, QUIRE_OVERCOMMIT_NEVER, &value, &all);

	all.overcommit_memory = (enum quire_overcommit)value;
	return status ? status : set(lab, &all);
}

enum lab_status sysctl_map_count(struct lab *lab)
{
	struct quire_vm_sysctl all;
	uint64_t value = 0;
	enum lab_status status = sysctl(lab, INT32_MAX, &value, &all);

	all.max_map_count = value;
	return status ? status : set(lab, &all);
}

enum lab_status sysctl_min_addr(struct lab *lab)
{
	struct quire_vm_sysctl all;
	uint64_t value = 0;
	enum lab_status status = sysctl(lab, INT32_MAX, &value, &all);

	all.mmap_min_addr = value;
	return status ? status : set(lab, &all);
}
