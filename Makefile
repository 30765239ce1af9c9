# SPDX-License-Identifier: GPL-2.0-only
# For people; the kernel's build reads Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build

help:
	@echo 'make demo            see it work: a migration in a VM, three ways'
	@echo 'make check           all tests that fit in minutes; T=name runs one'
	@echo 'make check-debug     some of them on a debug kernel, and what they covered; T=debug-name'
	@echo 'make check-debug-full   all that there are for it: each line executed or justified'
	@echo 'make check-full      all tests'
	@echo 'make check-list      their names'
	@echo 'make mutants         break one thing at a time in src: do tests notice? T=name'
	@echo 'make matrix          every kernel: the table in the README; QUICK=1: part of it; T=kernel'
	@echo 'make soak            random histories, 10 million writes; WRITES=N'
	@echo 'make dkms-install    install the module on this machine; make dkms-remove'
	@echo 'make deb             build the Debian package of its sources, in build/deb'
	@echo 'make modules         build the module for KDIR ($(KDIR))'
	@echo 'make clean           remove what was built in this folder'
	@echo 'Can this machine use it? scripts/check-host. Install it: see README.md'

# What a script that needs root tells the user to call.
demo check check-debug check-debug-full check-full mutants matrix dkms-install dkms-remove deb: export HWDBM_CALL = make $@$(if $(T), T=$(T))

demo:
	@scripts/demo

check:
	@scripts/check $(T)

check-debug:
	@scripts/check-debug $(T)

check-debug-full:
	@scripts/check-debug --full $(T)

check-full:
	@$(if $(T),,rm -rf build/coverage)
	@scripts/check --full $(T)
	@$(if $(T),,scripts/coverage --all)

check-list:
	@scripts/check --list

mutants:
	@scripts/mutants $(or $(T),--all)

matrix:
	@scripts/matrix $(if $(QUICK),--quick) $(T)

soak:
	@scripts/soak $(WRITES)

dkms-install:
	@scripts/dkms-install

dkms-remove:
	@scripts/dkms-install --remove

deb:
	@scripts/package/build

modules:
	@test -d $(KDIR) || { echo 'No kernel headers in $(KDIR): install them' \
		'(Debian: apt install linux-headers-$(shell uname -r)),' \
		'or say where they are: make modules KDIR=FOLDER' >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

clean:
	rm -rf build
	@if [ -d $(KDIR) ]; then $(MAKE) -C $(KDIR) M=$(CURDIR) clean; fi

.PHONY: help demo soak matrix check check-debug check-debug-full check-full check-list mutants dkms-install dkms-remove deb modules clean
