/* SPDX-License-Identifier: MIT */
#include "compare.h"
#include "generate.h"
#include "linux.h"
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	static struct linux_side a, b;
	static struct episode e;
	static struct trace ta, tb;
	struct difference d;
	unsigned seed = argc > 1 ? atoi(argv[1]) : 1, nr = argc > 2 ? atoi(argv[2]) : 1;
	if (!linux_start(&a, "/tmp/judge-executor") || !linux_start(&b, "/tmp/judge-executor"))
		return 1;
	strcpy(b.wire->stored, a.wire->stored);
	for (unsigned i = 0; i < a.origin.nr_areas; i++)
		printf("%lx-%lx %s %s\n", a.origin.areas[i].start, a.origin.areas[i].end, a.origin.areas[i].rights, a.origin.areas[i].name);
	unsigned long ok = 0, fail=0, per[NR_OPS][3] = {{0}};
	for (unsigned s = seed; s < seed + nr; s++) {
		generate(s, 200, &e);
		e.setting.detail = 1;
		if (!linux_run(&a, &e, &ta)) { printf("seed %u a\n", s); episode_print(stdout, &e); break; }
		if (!linux_run(&b, &e, &tb)) { printf("seed %u b\n", s);break; }
		for (unsigned i = 0; i < e.nr; i++) {
			bool good = ta.outcomes[i].result.result >= 0 && !ta.outcomes[i].result.signal && ta.outcomes[i].result.state == STATE_DONE;
			per[e.calls[i].op][ta.outcomes[i].result.state == STATE_SKIPPED ? 2 : good]++;
		}
		if (compare(&e, &ta, &tb, &a.origin, &d)) {
			printf("seed %u call %u: %s: %s\n", s, d.call, aspect_name(d.aspect), d.text);
			call_print(stdout, &e.calls[d.call], d.call, "");
			fail++;
		} else ok++;
		if (nr == 1) for (unsigned i = 0; i < e.nr; i++) {
			char x[100]; snprintf(x, 100, "  # %lx sig %u code %u areas %u", ta.outcomes[i].result.result, ta.outcomes[i].result.signal, ta.outcomes[i].result.code, ta.outcomes[i].nr_areas);
			call_print(stdout, &e.calls[i], i, x);
		}
	}
	printf("%lu same, %lu not\n", ok, fail);
	for (unsigned i = 0; i < NR_OPS; i++) printf("%s: %lu good %lu bad %lu skip\n", call_name(i), per[i][1], per[i][0], per[i][2]);
	linux_stop(&a); linux_stop(&b);
}
