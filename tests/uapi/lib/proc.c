// SPDX-License-Identifier: GPL-2.0-only
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

long proc_number(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	size_t n = strlen(key);
	long value = -1;
	char line[256];

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, n))
			continue;
		if (line[n] != ':' && line[n] != ' ')
			continue;
		if (sscanf(line + n + 1, " %ld", &value) == 1)
			break;
	}
	fclose(f);
	return value;
}

long proc_locked_kib(void)
{
	return proc_number("/proc/self/status", "VmLck");
}

long proc_file_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long value = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

int proc_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

#define READ_ALL	3	/* SYSLOG_ACTION_READ_ALL, without clearing */
#define LOG_BYTES	(1 << 20)

int proc_log_count(const char *text)
{
	char *log = calloc(1, LOG_BYTES + 1), *at;
	int n = -1;

	if (log && klogctl(READ_ALL, log, LOG_BYTES) >= 0)
		for (at = log, n = 0; (at = strstr(at, text)); at++)
			n++;
	free(log);
	return n;
}
