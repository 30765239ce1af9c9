/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters that the kernel publishes, and small files to read and write. */
#ifndef HWDBM_TEST_PROC_H
#define HWDBM_TEST_PROC_H

/* First number after the word @key in @path; -1 where there is none. */
long proc_number(const char *path, const char *key);

/* Locked memory of this process in KiB, as type1 accounts it (VmLck). */
long proc_locked_kib(void);

/* First number in a file; -1 where there is none. */
long proc_file_number(const char *path);

/* How often the kernel's log has @text; -1 if it cannot be read. */
int proc_log_count(const char *text);

/* 0 or -errno. */
int proc_write(const char *path, const char *text);

#endif
