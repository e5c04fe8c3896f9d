/* SPDX-License-Identifier: MIT */
/*
 * command_huge.c - huge pages: their settings, khugepaged
 */
#include "command_huge.h"

#include <quire/mm.h>

#include "args.h"
#include "process.h"
#include "text.h"

static enum lab_status set(struct lab *lab, const struct quire_vm_sysctl *all)
{
	int error = quire_vm_set_sysctl(lab->q, all);

	return error ? session_error(lab, error, "sysctl") : LAB_OK;
}

/* The settings as they are; the cursor is at the value. */
static enum lab_status begin(struct lab *lab, struct quire_vm_sysctl *all)
{
	enum lab_status status = process_boot(lab);

	words_take(&lab->words, "=");
	if (!status)
		quire_vm_sysctl(lab->q, all);
	return status;
}

enum lab_status sysctl_thp_enabled(struct lab *lab)
{
	struct lab_nearest near = { NULL, 0 };
	struct quire_vm_sysctl all;
	enum lab_status status = begin(lab, &all);
	enum quire_thp how = QUIRE_THP_NEVER;
	const char *word;

	if (status)
		return status;
	word = words_next(&lab->words);
	for (; word && how <= QUIRE_THP_ALWAYS; how++) {
		if (text_equal(word, quire_thp_name(how)))
			break;
		nearest_try(&near, word, quire_thp_name(how));
	}
	if (!word || how > QUIRE_THP_ALWAYS)
		return args_wrong(lab, "value", word, near.word);
	all.transparent_huge = how;
	status = args_end(lab);
	return status ? status : set(lab, &all);
}

/* A number. */
static enum lab_status number(struct lab *lab, uint64_t max, struct quire_vm_sysctl *all,
			      uint64_t *value)
{
	enum lab_status status = begin(lab, all);

	if (!status)
		status = args_number(lab, "the value", max, value);
	return status ? status : args_end(lab);
}

enum lab_status sysctl_thp_zero(struct lab *lab)
{
	struct quire_vm_sysctl all;
	uint64_t value = 0;
	enum lab_status status = number(lab, 1, &all, &value);

	all.use_zero_page = value;
	return status ? status : set(lab, &all);
}

enum lab_status sysctl_thp_scan(struct lab *lab)
{
	struct quire_vm_sysctl all;
	uint64_t value = 0;
	enum lab_status status = number(lab, UINT32_MAX, &all, &value);

	all.pages_to_scan = (unsigned)value;
	return status ? status : set(lab, &all);
}

enum lab_status sysctl_thp_none(struct lab *lab)
{
	struct quire_vm_sysctl all;
	uint64_t value = 0;
	enum lab_status status = number(lab, UINT32_MAX, &all, &value);

	all.max_ptes_none = (unsigned)value;
	return status ? status : set(lab, &all);
}

enum lab_status sysctl_thp_shared(struct lab *lab)
{
	struct quire_vm_sysctl all;
	uint64_t value = 0;
	enum lab_status status = number(lab, UINT32_MAX, &all, &value);

	all.max_ptes_shared = (unsigned)value;
	return status ? status : set(lab, &all);
}

enum lab_status sysctl_huge(struct lab *lab)
{
	struct quire_vm_sysctl all;
	uint64_t value = 0;
	enum lab_status status = number(lab, UINT32_MAX, &all, &value);

	if (status)
		return status;
	all.nr_hugepages = value;
	status = set(lab, &all);
	quire_vm_sysctl(lab->q, &all);
	if (!status)
		session_echo(lab, "vm.nr_hugepages = %ju", (uintmax_t)all.nr_hugepages);
	return status;
}

enum lab_status sysctl_huge_overcommit(struct lab *lab)
{
	struct quire_vm_sysctl all;
	uint64_t value = 0;
	enum lab_status status = number(lab, UINT32_MAX, &all, &value);

	all.nr_overcommit_hugepages = value;
	return status ? status : set(lab, &all);
}

enum lab_status command_khugepaged(struct lab *lab, const char *target)
{
	struct quire_khugepaged did;
	enum lab_status status = process_boot(lab);
	int error;

	(void)target;
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	error = quire_khugepaged(lab->q, &did);
	if (error)
		return session_error(lab, error, "khugepaged");
	quire_format(&lab->host.talk, "%ju pages looked at, %ju huge pages made\n",
		     (uintmax_t)did.nr_scanned, (uintmax_t)did.nr_collapsed);
	return LAB_OK;
}
