// SPDX-License-Identifier: GPL-2.0-only
/* The programs that are kept, and the next one to be run. */
#include "fuzz.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define MAX_CORPUS	4096

static struct prog corpus[MAX_CORPUS];
static unsigned int nr_corpus;

void corpus_add(const struct prog *p)
{
	if (nr_corpus < MAX_CORPUS)
		corpus[nr_corpus++] = *p;
}

const struct prog *corpus_get(unsigned int i)
{
	return i < nr_corpus ? &corpus[i] : NULL;
}

/* A line that says so, as it is or in a kernel's log. */
static bool begins_prog(const char *line)
{
	return !strncmp(line, "prog", 4) || strstr(line, "fuzz: prog");
}

void corpus_load(const char *path)
{
	FILE *f = fopen(path, "re");
	struct prog p = { 0 };
	char line[512];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (p.nr < MAX_CALLS && call_parse(line, &p.calls[p.nr])) {
			p.nr++;
		} else if (begins_prog(line) && p.nr) {
			corpus_add(&p);
			p.nr = 0;
		}
	}
	if (p.nr)
		corpus_add(&p);
	fclose(f);
	tap_diag("%u programs from %s", nr_corpus, path);
}

void corpus_save(const char *path)
{
	FILE *f = fopen(path, "we");
	char text[128];
	unsigned int i, j;

	if (!f)
		tap_bail("%s: %m", path);
	for (i = 0; i < nr_corpus; i++) {
		fprintf(f, "prog\n");
		for (j = 0; j < corpus[i].nr; j++) {
			call_text(&corpus[i].calls[j], text, sizeof(text));
			fprintf(f, "%s\n", text);
		}
	}
	if (fclose(f))
		tap_bail("%s: %m", path);
	tap_diag("%u programs in %s", nr_corpus, path);
}

void corpus_next(struct rng *rng, struct prog *p)
{
	if (!nr_corpus || rng_one_in(rng, 4)) {
		prog_generate(rng, p);
		return;
	}
	*p = corpus[rng_below(rng, nr_corpus)];
	prog_mutate(rng, p, &corpus[rng_below(rng, nr_corpus)]);
}
