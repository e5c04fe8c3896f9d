/* SPDX-License-Identifier: MIT */
/*
 * process.c - the session's processes, by name
 *
 * A process that a processor has loaded can't end: the kernel's own table takes its place first, as
 * when a kernel switches to its idle task.
 */
#include "process.h"

#include "text.h"

enum lab_status process_boot(struct lab *lab)
{
	enum lab_status status = session_kernel(lab);
	int error = 0;

	if (status || lab->users)
		return status;
	error = quire_cache_boot(lab->q);
	if (!error || error == -QUIRE_EBUSY)
		error = quire_vm_boot(lab->q);
	if (error && error != -QUIRE_EBUSY)
		return session_error(lab, error, "processes");
	lab->users = true;
	return LAB_OK;
}

struct lab_process *process_find(struct lab *lab, const char *name)
{
	struct lab_process *p = lab->processes;

	while (p && !text_equal(p->name, name))
		p = p->next;
	return p;
}

struct lab_process *process_numbered(struct lab *lab, unsigned pid)
{
	struct lab_process *p = lab->processes;

	while (p && p->pid != pid)
		p = p->next;
	return p;
}

bool lab_next_process(struct lab *lab, unsigned pid, struct lab_process_info *out)
{
	const struct lab_process *found = NULL;

	/* The newest first. */
	for (const struct lab_process *p = lab->processes; p && p->pid > pid; p = p->next)
		found = p;
	if (found)
		*out = (struct lab_process_info){
			.pid = found->pid,
			.name = found->name,
			.command = found->command,
			.mm = found->mm,
		};
	return found != NULL;
}

enum lab_status process_current(struct lab *lab, struct lab_process **out)
{
	*out = lab->on ? lab->on : lab->process;
	if (*out)
		return LAB_OK;
	return session_fail(lab, LAB_USAGE, "there is no process: say P = process");
}

enum lab_status process_room(struct lab *lab, const char *name, struct lab_process **out)
{
	if (!name)
		return session_fail(lab, LAB_USAGE, "a process has a name: NAME = ...");
	if (!session_is_name(name) || text_equal(name, "cpu") || text_equal(name, "kernel"))
		return session_fail(lab, LAB_USAGE, "'%s' can't be a process's name", name);
	if (process_find(lab, name))
		return session_fail(lab, LAB_USAGE, "%s is a process still: exit it first", name);
	*out = session_alloc(lab, sizeof(**out));
	if (!*out)
		return session_memory(lab);
	text_copy((*out)->name, sizeof((*out)->name), name);
	return LAB_OK;
}

void process_add(struct lab *lab, struct lab_process *process)
{
	process->pid = ++lab->nr_processes;
	process->next = lab->processes;
	lab->processes = process;
}

void process_drop(struct lab *lab, struct lab_process *process)
{
	session_free(lab, process, sizeof(*process));
}

static void end(struct lab *lab, struct quire_mm *mm)
{
	struct quire_table *table = quire_mm_table(mm);
	unsigned cpu = lab->cpu;

	for (unsigned i = 0; i < lab->config.nr_cpus; i++) {
		if (quire_table_loaded(lab->q, i) != table)
			continue;
		session_cpu(lab, i);
		quire_table_load(quire_table_kernel(lab->q));
	}
	session_cpu(lab, cpu);
	quire_mm_destroy(mm);
}

void process_replace(struct lab *lab, struct lab_process *process, struct quire_mm *mm)
{
	end(lab, process->mm);
	process->mm = mm;
}

void process_exit(struct lab *lab, struct lab_process *process)
{
	struct lab_process **at = &lab->processes;

	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	end(lab, process->mm);
	if (lab->process == process)
		lab->process = lab->processes;
	if (lab->on == process)
		lab->on = NULL;
	process_drop(lab, process);
}

void process_reset(struct lab *lab)
{
	while (lab->processes)
		process_exit(lab, lab->processes);
	lab->nr_processes = 0;
	lab->users = false;
}
