# SPDX-License-Identifier: MIT
#
# sources.mk - the list of source files, which stands only here
#
# One file a line, "LIST += path", sorted within its list. The Makefile includes
# this file, CMakeLists.txt reads it line by line, and a kernel that builds Quire
# by its own means takes the QUIRE_ lists as they are.

# The library, lowest layer first: freestanding, needs include/ and src/ only.
# src/core
QUIRE_CORE :=

# src/phys
QUIRE_PHYS :=
QUIRE_PHYS += src/phys/memblock.c
QUIRE_PHYS += src/phys/memmap.c

# src/report
QUIRE_REPORT :=

# The lab: scripts, traces, figures; freestanding, on include/quire alone.
LAB :=

# The hosted port: port.h in a process.
HOSTED :=
HOSTED += ports/hosted/port.c

# The quire command.
CLI :=
