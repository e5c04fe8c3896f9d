/* SPDX-License-Identifier: MIT */
/*
 * test_lackey.c - lines of valgrind's lackey
 */
#include <quire/error.h>

#include "lackey.h"

#include "../test.h"

static struct lab_touch good(const char *line, enum lab_touch_kind kind, uint64_t address,
			     uint32_t bytes)
{
	struct lab_touch touch;
	const char *why = "";

	CHECK_EQ(lab_lackey_line(line, strlen(line), &touch, &why), 0);
	CHECK_EQ(touch.kind, kind);
	if (kind) {
		CHECK_EQ(touch.address, address);
		CHECK_EQ(touch.bytes, bytes);
	}
	return touch;
}

static void bad(const char *line, const char *reason)
{
	struct lab_touch touch;
	const char *why = "";

	CHECK_EQ(lab_lackey_line(line, strlen(line), &touch, &why), -QUIRE_EINVAL);
	CHECK_STR(why, reason);
}

TEST(accesses)
{
	good("I  04023895,4", LAB_TOUCH_FETCH, 0x4023895, 4);
	good(" L 1FFEFFFC8,8", LAB_TOUCH_LOAD, 0x1ffefffc8, 8);
	good(" S 0013b972,1", LAB_TOUCH_STORE, 0x13b972, 1);
	good(" M 0025747C,16\r", LAB_TOUCH_MODIFY, 0x25747c, 16);
	good(" L ffffffffffffffff,1", LAB_TOUCH_LOAD, UINT64_MAX, 1);
}

TEST(pages)
{
	good("I 0401a", LAB_TOUCH_FETCH, 0x401a000, 1);
	good("W 1fff000", LAB_TOUCH_STORE, 0x1fff000000, 1);
	good("R 0", LAB_TOUCH_LOAD, 0, 1);
}

TEST(what_valgrind_says)
{
	good("==1234== Lackey, an example Valgrind tool", LAB_TOUCH_NONE, 0, 0);
	good("--1234-- warning", LAB_TOUCH_NONE, 0, 0);
	good("", LAB_TOUCH_NONE, 0, 0);
	good("   ", LAB_TOUCH_NONE, 0, 0);
}

TEST(damage)
{
	bad("X  04023895,4", "neither an access nor a message of valgrind");
	bad("I", "neither an access nor a message of valgrind");
	bad("I  ,4", "an address expected");
	bad("I  11111111111111111,4", "an address expected");
	bad("I  04023895,", "a size expected");
	bad("I  04023895,4x", "a size expected");
	bad("I  04023895,0", "an access of no bytes");
	bad("I  04023895,4097", "an access of more than 4096 bytes");
	bad("I  04023895,99999999999", "an access of more than 4096 bytes");
	bad(" L ffffffffffffffff,2", "an access beyond the last address");
	bad("I  04023895 4", "something follows that does not belong here");
	bad("I  0402I  04023895,4", "something follows that does not belong here");
	bad("R 10000000000000", "a page beyond the last address");
}

TEST_MAIN(CASE(accesses), CASE(pages), CASE(what_valgrind_says), CASE(damage))
