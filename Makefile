# SPDX-License-Identifier: MIT
#
# Quire's build, for GNU make. "make help" lists what it can do.
#
# Everything is made under $(B): build/ itself, or build/<variant> for the
# variants that the tests compile (make V=asan tests). The list of sources
# stands in sources.mk alone.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

include sources.mk

# ---- Variants -------------------------------------------------------------
# Compilers, word sizes and sanitizers. V= (none) is what ships.

V :=
B := build$(if $(V),/$(V))

CC_    := gcc
ARCH_  :=
SAN_   :=

CC_clang    := clang
CC_m32      := gcc
ARCH_m32    := -m32 -Wno-psabi
CC_m32clang := clang
ARCH_m32clang := -m32
CC_asan     := gcc
SAN_asan    := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CC_tsan     := gcc
SAN_tsan    := -fsanitize=thread
CC_fuzz     := clang
SAN_fuzz    := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

# The origin test lets "make CC=..." and CC in the environment decide where no variant does.
ifneq ($(V),)
CC := $(or $(CC_$(V)),$(error no variant "$(V)"))
else ifeq ($(origin CC),default)
CC := $(CC_)
endif
OBJCOPY ?= objcopy
ARCH    := $(ARCH_$(V))
SAN     := $(SAN_$(V))

# One short line per step; VERBOSE=1 shows the commands.
Q := $(if $(VERBOSE),,@)
say = $(if $(VERBOSE)$(findstring s,$(firstword -$(MAKEFLAGS))),,@echo "  $(1)	$@")

# ---- Flags ----------------------------------------------------------------

# Sanitizers are for what is wrong, not for how fast: -O1 takes two thirds of the time to compile.
# Variants only say where they are, in lines. Test programs, compiled once to run for a moment,
# are not optimized like what they test.
CFLAGS  ?= $(if $(SAN),-O1,-O2) $(if $(V),-g1,-g)
TEST_O  ?= $(if $(SAN),-O0,-O1)
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	   $(if $(WERROR),-Werror)
COMMON  := $(CFLAGS) $(ARCH) $(SAN) $(WARN) -MMD -MP -Iinclude

# The library and the lab use no libc. Without -fno-stack-protector some
# distributions' compilers would add a symbol that is not in port.h.
FREE    := -std=c11 -ffreestanding -fno-stack-protector -ffunction-sections -fdata-sections
HOST    := -std=gnu11 -D_GNU_SOURCE -pthread

FLAGS_src   = $(COMMON) $(FREE) -Isrc
FLAGS_lab   = $(COMMON) $(FREE) -Ilab
FLAGS_ports = $(COMMON) $(HOST) -Iports/hosted -Iports/softmmu
FLAGS_apps  = $(COMMON) $(HOST) -Ilab -Iports/hosted -Iports/softmmu -Iapps/cli
FLAGS_bench = $(COMMON) $(HOST) -Iports/hosted -Iports/softmmu -Ibench
FLAGS_tests = $(COMMON) $(HOST) $(TEST_O) -Isrc -Ilab -Iports/hosted -Iports/softmmu -Iapps/cli -Itests -Itests/hosts \
	      -Iapps/kernel -Iports/x86

# The command's libraries. The -m32 and sanitizer variants only build tests.
CLI_LIBS := -lz -ledit

# ---- Objects --------------------------------------------------------------

QUIRE_SRC  := $(QUIRE_CORE) $(QUIRE_ARCH) $(QUIRE_PHYS) $(QUIRE_PGTABLE) $(QUIRE_KMEM) $(QUIRE_CACHE) $(QUIRE_VM) $(QUIRE_REPORT)
TEST_SRC   := $(wildcard tests/unit/test_*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/fuzz_*.c)

objects     = $(patsubst %.c,$(B)/obj/%.o,$(1))
QUIRE_OBJ  := $(call objects,$(QUIRE_SRC))
LAB_OBJ    := $(call objects,$(LAB))
HOSTED_OBJ := $(call objects,$(HOSTED) $(SOFTMMU))
CLI_OBJ    := $(call objects,$(CLI))
# What a test may use of the command: everything but its main.
CLI_PARTS  := $(filter-out %/main.o,$(CLI_OBJ))
TESTS      := $(patsubst tests/unit/%.c,$(B)/tests/%,$(TEST_SRC))
FUZZERS    := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ_SRC))

.PHONY: all run test test-long check bench kernel kernel-tests deps-kernel docs install clean help tests fuzzers deps-test

all: $(B)/libquire.a $(B)/liblab.a $(B)/quire ## the library, the lab and the quire command

# One look at the packages before the first compilation of a tree.
build/.deps: tools/deps
	@tools/deps build
	@mkdir -p build && touch $@

define compile
$(B)/obj/$(1)/%.o: $(1)/%.c | build/.deps
	@mkdir -p $$(@D)
	$$(call say,CC)
	$$(Q)$$(CC) $$(FLAGS_$(1)) -c -o $$@ $$<
endef
$(foreach dir,src lab ports apps bench,$(eval $(call compile,$(dir))))

# All of the library as one object, so that the names its files share among each other
# end here. libgcc gives 32-bit processors their 64-bit division. In whole.o,
# for the tests, only the compiler's helpers (memcpy ...) are hidden.
COMPILER_NAMES := memcpy memmove memset memcmp __*

$(B)/whole.o: $(QUIRE_OBJ)
	$(call say,LD)
	$(Q)$(CC) $(ARCH) -r -nostdlib -Wl,--force-group-allocation -Wl,--unique -o $@ $(filter %.o,$^) -lgcc
	$(Q)$(OBJCOPY) --wildcard $(COMPILER_NAMES:%=--localize-symbol='%') $@

$(B)/quire.o: $(B)/whole.o
	$(Q)$(OBJCOPY) --wildcard --keep-global-symbol='quire_*' $< $@

$(B)/libquire.a: $(B)/quire.o
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/liblab.a: $(LAB_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(B)/quire: $(CLI_OBJ) $(HOSTED_OBJ) $(B)/liblab.a $(B)/libquire.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(ARCH) $(SAN) -pthread -o $@ $(filter %.o %.a,$^) $(CLI_LIBS)

# Files that left the list must leave the output; so must what other flags made.
$(B)/whole.o $(B)/liblab.a $(B)/quire: sources.mk Makefile

# ---- The main job ---------------------------------------------------------

MAP   := examples/machines/i386-1.5g-highmem.e820
TRACE := examples/programs/ls.pages.gz

run: all ## replay a real program, start to end, on a 32-bit machine with high memory
	$(B)/quire replay --machine i386 --map $(MAP) $(TRACE)

# ---- Tests ----------------------------------------------------------------
# The plan, with one line per suite, is tests/plan; tools/run-tests carries it out.

check: deps-test ## what must hold before a commit, in under a minute
	@tools/run-tests check

test: deps-test ## everything, in about five minutes
	@tools/run-tests check test

test-long: deps-test ## the same, longer: fuzzers, random tests, clang's whole analyzer: hours
	@QUIRE_LONG=1 tools/run-tests check test long

deps-test:
	@tools/deps build test

tests: $(TESTS)

$(B)/cli.a: $(CLI_PARTS)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The command line's parts are in reach of tests where its libraries are: not with -m32.
TEST_CLI := $(if $(ARCH),,$(B)/cli.a)

$(B)/tests/%: tests/unit/%.c $(TEST_CLI) $(HOSTED_OBJ) $(B)/liblab.a $(B)/whole.o
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(FLAGS_tests) $(WRAP) -o $@ $< $(filter %.o %.a,$^) $(if $(TEST_CLI),$(CLI_LIBS),-lz)

# Two stand between the library and the port: to see that the library keeps the port's rules, and to
# let one call come into another one's middle.
$(B)/tests/test_port: WRAP := -Wl,--wrap=quire_port_cpu_enter,--wrap=quire_port_cpu_leave,--wrap=quire_port_tlb_flush
$(B)/tests/test_smp_meet: WRAP := -Wl,--wrap=quire_port_cpu_enter,--wrap=quire_port_cpu_leave,--wrap=quire_port_wait

fuzzers: $(FUZZERS)

$(B)/fuzz/%: tests/fuzz/%.c $(B)/cli.a $(HOSTED_OBJ) $(B)/liblab.a $(B)/whole.o
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(FLAGS_tests) -fsanitize=fuzzer -o $@ $< $(filter %.o %.a,$^) $(CLI_LIBS)

# ---- The judge --------------------------------------------------------------
# Linux underneath and Quire beside it (tests/judge). The executor's whole address space
# is what it maps itself: no C library, no writable data, an address that nothing else wants.

JUDGE_SRC := $(filter-out %/executor.c,$(wildcard tests/judge/*.c))

$(B)/judge: $(JUDGE_SRC) $(wildcard tests/judge/*.h) $(HOSTED_OBJ) $(B)/whole.o $(B)/judge-executor
	$(call say,LINK)
	$(Q)$(CC) $(filter-out -MMD -MP,$(FLAGS_tests)) -o $@ $(filter %.c %.o,$^)

$(B)/judge-executor: tests/judge/executor.c tests/judge/wire.h | build/.deps
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) -std=gnu11 -O2 -g $(WARN) -ffreestanding -fno-stack-protector -fno-pic -mcmodel=large -mno-red-zone \
		-mgeneral-regs-only -nostdlib -static -fno-pie -Wl,-Ttext-segment=0x500000000000 -Wl,-e,start \
		-Wl,--build-id=none -Wl,-z,noexecstack -o $@ $<

# ---- Other hosts ----------------------------------------------------------
# tests/hosts runs the lessons on all of them and compares the machines' states.

$(B)/hosts/hosted: tests/hosts/hosted.c $(HOSTED_OBJ) $(B)/liblab.a $(B)/whole.o
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(FLAGS_tests) -o $@ $(filter %.c %.o %.a,$^)

# As kernels compile: no position independence, no vector or floating point
# registers, and only the compiler's own headers (whose limits.h would ask for libc's).
FREE_i386   := -m32 -march=i686 -fno-pic -Wno-psabi
FREE_x86-64 := -m64 -mcmodel=kernel -mno-red-zone -fno-pic
FREE_FLAGS   = $(FREE) -O2 -g $(WARN) -Werror -mgeneral-regs-only -Iinclude -nostdinc -D_LIBC_LIMITS_H_ \
	       -isystem $(shell gcc -print-file-name=include)
FREE_HEADERS := $(wildcard include/quire/*.h src/*/*.h lab/*.h)

FREE_KINDS := i386 x86-64

define free_objects
build/hosts/free-$(1)/%.o: %.c $$(FREE_HEADERS) | build/.deps
	@mkdir -p $$(@D)
	$$(call say,CC)
	$$(Q)gcc $$(FREE_$(1)) $$(FREE_FLAGS) -I$$(firstword $$(subst /, ,$$*)) -c -o $$@ $$<

build/hosts/free-$(1)/libquire.a: $(QUIRE_SRC:%.c=build/hosts/free-$(1)/%.o)
	$$(Q)gcc $$(FREE_$(1)) -r -nostdlib -Wl,--force-group-allocation -Wl,--unique -o $$(@D)/quire.o $$^ -lgcc
	$$(Q)$$(OBJCOPY) --wildcard --keep-global-symbol='quire_*' $$(@D)/quire.o
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$(@D)/quire.o

build/hosts/free-$(1)/liblab.a: $(LAB:%.c=build/hosts/free-$(1)/%.o)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach kind,$(FREE_KINDS),$(eval $(call free_objects,$(kind))))

build/hosts/free-%/lessons: tests/hosts/freestanding.c $(SOFTMMU) $(SINGLE) build/hosts/free-%/liblab.a build/hosts/free-%/libquire.a
	gcc $(FREE_$*) $(FREE_FLAGS) -Ilab -Itests/hosts -Iports/softmmu -static -nostdlib -o $@ $^ -lgcc

# The real library and lab, and a session that JavaScript drives (ports/wasm/run.mjs).
build/quire.wasm: $(QUIRE_SRC) $(LAB) $(SOFTMMU) $(SINGLE) ports/wasm/port.c $(FREE_HEADERS) $(wildcard ports/softmmu/*.h)
	@mkdir -p $(@D)
	$(call say,WASM)
	$(Q)clang --target=wasm32 -nostdlib -mbulk-memory $(FREE) -O2 $(WARN) -Iinclude -Isrc -Ilab -Iports/softmmu \
		-Wl,--no-entry -Wl,-z,stack-size=262144 -o $@ $(filter %.c,$^)

# ---- Bare metal -----------------------------------------------------------
# Three images with the same library as above (docs/KERNEL.md), and three with
# tests/kernel/image.c as their application.

KERNEL_KINDS := i386 i386-pae x86-64
KERNELS      := $(KERNEL_KINDS:%=build/kernel/quire-%)
KERNEL_TESTS := $(KERNEL_KINDS:%=build/kernel/test-%)

kernel: deps-kernel $(KERNELS) ## three images that boot on a PC or in QEMU, build/kernel/quire-*
$(KERNELS) $(KERNEL_TESTS): | deps-kernel

deps-kernel:
	@tools/deps kernel

kernel-tests: $(KERNELS) $(KERNEL_TESTS)

LIBS_i386   := build/hosts/free-i386/liblab.a build/hosts/free-i386/libquire.a
LIBS_x86-64 := build/hosts/free-x86-64/liblab.a build/hosts/free-x86-64/libquire.a
X86_LIBS_i386      := $(LIBS_i386)
X86_LIBS_i386-pae  := $(LIBS_i386)
X86_LIBS_x86-64    := $(LIBS_x86-64)
X86_FLAGS_i386     := $(FREE_i386)
X86_FLAGS_i386-pae := $(FREE_i386) -DPAE
X86_FLAGS_x86-64   := $(FREE_x86-64)
X86_FLAGS = $(FREE_FLAGS) -Ilab -Iports/x86 -Iports/softmmu -Iapps/kernel
X86_LINK := -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack \
	    -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments
X86_HEADERS := $(wildcard ports/x86/*.h ports/softmmu/*.h tests/kernel/*.h apps/kernel/*.h include/quire/*.h lab/*.h)

# image NAME KIND SOURCES
define image
build/kernel/$(1)-$(2): $(3) $$(X86_LIBS_$(2)) $$(X86_HEADERS) ports/x86/kernel.lds Makefile sources.mk
	@mkdir -p $$(@D)/obj/$$(@F)
	$$(call say,KERNEL)
	$$(Q)gcc -E -P -xc $$(X86_FLAGS_$(2)) -Iports/x86 ports/x86/kernel.lds -o $$(@D)/obj/$$(@F)/kernel.lds
	$$(Q)cd $$(@D)/obj/$$(@F) && gcc $$(X86_FLAGS_$(2)) $$(patsubst -I%,-I$$(CURDIR)/%,$$(X86_FLAGS)) -c $$(abspath $(3))
	$$(Q)gcc $$(X86_FLAGS_$(2)) $$(X86_LINK) -T $$(@D)/obj/$$(@F)/kernel.lds -o $$@ $$(@D)/obj/$$(@F)/*.o \
		$$(X86_LIBS_$(2)) -lgcc
endef
$(foreach kind,$(KERNEL_KINDS),$(eval $(call image,quire,$(kind),$(X86) $(SOFTMMU) $(KERNEL))))
$(foreach kind,$(KERNEL_KINDS),$(eval $(call image,test,$(kind),$(X86) $(SOFTMMU) $(wildcard tests/kernel/*.c tests/kernel/*.S))))

# ---- Measuring ------------------------------------------------------------

BENCH_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(wildcard bench/*.c))

bench: deps-test $(B)/bench $(B)/cost-tree ## measure, write build/bench.json and print it as a table
	@bench/run $(B)/bench build/bench.json $(B)/cost-tree

$(BENCH_OBJ): | deps-test

$(B)/bench: $(BENCH_OBJ) $(HOSTED_OBJ) $(B)/libquire.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(ARCH) -pthread -o $@ $^

# What the library's inside costs, which bench/ does not see.
$(B)/cost-tree: tests/cost/tree.c $(HOSTED_OBJ) $(B)/whole.o | deps-test
	$(call say,LINK)
	$(Q)$(CC) $(FLAGS_tests) -O2 -o $@ $(filter %.c %.o,$^)

# ---- Installing, documents ------------------------------------------------

PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := $(shell sed -n 's/.*QUIRE_VERSION "\(.*\)"/\1/p' include/quire/quire.h)

install: all ## into $(DESTDIR)$(PREFIX): headers, libquire.a, quire.pc, CMake's package, the command
	install -d $(DESTDIR)$(PREFIX)/include/quire $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/bin
	install -m 644 include/quire/*.h $(DESTDIR)$(PREFIX)/include/quire
	install -m 644 $(B)/libquire.a $(DESTDIR)$(PREFIX)/lib
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' quire.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/quire.pc
	install -d $(DESTDIR)$(PREFIX)/lib/cmake/quire
	install -m 644 quire-config.cmake $(DESTDIR)$(PREFIX)/lib/cmake/quire
	sed -e 's|@VERSION@|$(VERSION)|' quire-config-version.cmake.in \
		> $(DESTDIR)$(PREFIX)/lib/cmake/quire/quire-config-version.cmake
	install -m 755 $(B)/quire $(DESTDIR)$(PREFIX)/bin

docs: ## the reference of all public functions, build/docs/reference.md
	@tools/deps docs
	@mkdir -p build/docs
	tools/reference include/quire > build/docs/reference.md

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

-include $(shell find $(B) -name '*.d' 2>/dev/null)
