// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int points, failures;

static void point(bool ok, const char *fmt, va_list ap)
{
	printf("%s %d - ", ok ? "ok" : "not ok", ++points);
	vprintf(fmt, ap);
	if (!ok)
		failures++;
}

bool tap_ok(bool ok, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	point(ok, fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	return ok;
}

bool tap_ret(int got, int want, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	point(got == want, fmt, ap);
	va_end(ap);
	if (got == want)
		printf(": %s\n", want < 0 ? strerrorname_np(-want) : "0");
	else
		printf(": want %s, got %s (%d)\n",
		       want < 0 ? strerrorname_np(-want) : "0",
		       got < 0 ? strerrorname_np(-got) : "no error", got);
	fflush(stdout);
	return got == want;
}

void tap_diag(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void tap_skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++points, name, why);
	fflush(stdout);
}

int tap_done(void)
{
	printf("1..%d\n", points);
	if (failures)
		printf("# %d of %d failed\n", failures, points);
	fflush(stdout);
	return failures || !points;
}

void tap_bail(const char *fmt, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	exit(99);
}

void tap_skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	fflush(stdout);
	exit(0);
}
