// SPDX-License-Identifier: GPL-2.0-only
/* The command that does it again: the VM's options are read off its modules. */
#include "counters.h"
#include "history.h"
#include "tap.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SIM_PARAMS	"/sys/module/sim/parameters"
#define HUGEPAGES	"/sys/module/" MODULE "/parameters/disable_hugepages"
#define MAX_LINE	2048

static bool read_word(const char *path, char *word, size_t n)
{
	FILE *f = fopen(path, "re");
	bool read = f && fgets(word, (int)n, f);

	if (f)
		fclose(f);
	if (read)
		word[strcspn(word, "\n")] = 0;
	return read && *word;
}

__attribute__((format(printf, 2, 3)))
static void append(char *line, const char *fmt, ...)
{
	size_t at = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + at, MAX_LINE - at, fmt, ap);
	va_end(ap);
}

static void append_params(char *line)
{
	DIR *dir = opendir(SIM_PARAMS);
	char path[300], value[128];
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), SIM_PARAMS "/%s", e->d_name);
		if (*e->d_name != '.' && read_word(path, value, sizeof(value)))
			append(line, " --sim-param %s=%s", e->d_name, value);
	}
	if (dir)
		closedir(dir);
	if (read_word(HUGEPAGES, value, sizeof(value)) && *value == 'Y')
		append(line, " --module-param disable_hugepages=1");
}

void repeat_tell(bool model, const char *bug, const char *file,
		 const char *options)
{
	char line[MAX_LINE] = "";

	if (model) {
		append(line, "build/uapi/histories --model%s%s", bug ? "=" : "",
		       bug ? bug : "");
	} else {
		append(line, "scripts/vm --iommu sim");
		append_params(line);
		append(line, " --add build/uapi/histories");
		if (file)
			append(line, " --add %s", file);
		append(line, " -- histories");
	}
	if (file)
		append(line, " --replay %s%s", model ? "" : "/add/", file);
	tap_diag("%s%s", line, options);
}
