// SPDX-License-Identifier: GPL-2.0-only
/* The names of steps and of their arguments; reading and writing them. */
#include "step.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 256
#define PRINTED "#   "	/* what history_print() writes before a step */

static const struct {
	const char *name;
	const char *args[STEP_ARGS];
} kinds[NR_STEPS] = {
	[STEP_OPEN] = { "open", { "dev" } },
	[STEP_ATTACH] = { "attach", { "dev" } },
	[STEP_DETACH] = { "detach", { "dev" } },
	[STEP_REOPEN] = { "reopen", { "dev" } },
	[STEP_MAP] = { "map", { "slot", "page", "n", "ro" } },
	[STEP_UNMAP] = { "unmap", { "slot", "nth", "bitmap", "shift" } },
	[STEP_UNMAP_RUN] = { "unmap-run", { "lo", "hi", "bitmap", "shift" } },
	[STEP_UNMAP_ALL] = { "unmap-all", { "bitmap", "shift" } },
	[STEP_BURST] = { "burst", { "dev", "slot", "n", "spread", "seed" } },
	[STEP_PIN] = { "pin", { "dev", "slot", "page", "n", "write" } },
	[STEP_UNPIN] = { "unpin", { "dev", "n", "seed" } },
	[STEP_POKE] = { "poke", { "dev", "n", "seed" } },
	[STEP_RW] = { "rw", { "dev", "slot", "bytes", "seed" } },
	[STEP_GET] = { "get", { "lo", "hi", "shift" } },
	[STEP_NOCLEAR] = { "noclear", { "lo", "hi", "shift" } },
	[STEP_CLEAR] = { "clear", { "lo", "hi", "shift", "part", "seed" } },
	[STEP_MIGRATE] = { "migrate", { "lo", "hi", "shift", "pieces", "seed" } },
	[STEP_START] = { "start", { NULL } },
	[STEP_STOP] = { "stop", { NULL } },
	[STEP_ORDER] = { "order", { "dev", "op", "error", "nth", "times" } },
	[STEP_RACE] = { "race", { "dev", "slot", "lo", "hi", "second", "n", "seed" } },
	[STEP_TRAP] = { "trap", { "dev", "slot", "page", "on", "nth", "call", "seed" } },
	[STEP_HOLD] = { "hold", { "dev", "turns" } },
	[STEP_QUIESCE] = { "quiesce", { "manual" } },
};

void history_init(struct history *h, uint64_t layout)
{
	h->layout = layout;
	h->nr = 0;
	h->steps = NULL;
}

void history_free(struct history *h)
{
	free(h->steps);
	h->steps = NULL;
	h->nr = 0;
}

void history_add(struct history *h, const struct step *step)
{
	/* grows by powers of two */
	if (!(h->nr & (h->nr - 1))) {
		size_t cap = h->nr ? 2 * h->nr : 1;

		h->steps = realloc(h->steps, cap * sizeof(*step));
		if (!h->steps)
			tap_bail("no memory");
	}
	h->steps[h->nr++] = *step;
}

void history_copy(struct history *to, const struct history *from)
{
	size_t i;

	history_init(to, from->layout);
	for (i = 0; i < from->nr; i++)
		history_add(to, &from->steps[i]);
}

void step_print(const struct step *step, char *text, size_t n)
{
	size_t at = 0;
	int i;

	if (step->thread)
		at += (size_t)snprintf(text, n, "%u: ", step->thread);
	at += (size_t)snprintf(text + at, n - at, "%s", kinds[step->kind].name);
	for (i = 0; i < STEP_ARGS && kinds[step->kind].args[i] && at < n; i++)
		at += (size_t)snprintf(text + at, n - at, " %s=%lu",
				       kinds[step->kind].args[i], step->arg[i]);
}

static bool parse_arg(const char *word, struct step *step)
{
	const char *equals = strchr(word, '=');
	int i;

	for (i = 0; equals && i < STEP_ARGS && kinds[step->kind].args[i]; i++) {
		const char *name = kinds[step->kind].args[i];

		if (strlen(name) != (size_t)(equals - word) ||
		    strncmp(name, word, strlen(name)))
			continue;
		step->arg[i] = strtoull(equals + 1, NULL, 0);
		return true;
	}
	return false;
}

bool step_parse(const char *text, struct step *step)
{
	char copy[MAX_TEXT], *save, *word;
	int kind;

	memset(step, 0, sizeof(*step));
	snprintf(copy, sizeof(copy), "%s", text);
	word = strtok_r(copy, " \t", &save);
	if (word && word[strspn(word, "0123456789")] == ':') {
		step->thread = (uint8_t)atoi(word);
		word = strtok_r(NULL, " \t", &save);
	}
	for (kind = 0; word && kind < NR_STEPS; kind++)
		if (!strcmp(word, kinds[kind].name))
			break;
	if (!word || kind == NR_STEPS)
		return false;
	step->kind = (uint8_t)kind;
	while ((word = strtok_r(NULL, " \t", &save)))
		if (!parse_arg(word, step))
			return false;
	return true;
}

void history_print(const struct history *h)
{
	char text[MAX_TEXT];
	size_t i;

	tap_diag("  layout %lu", h->layout);
	for (i = 0; i < h->nr; i++) {
		step_print(&h->steps[i], text, sizeof(text));
		tap_diag("  %s", text);
	}
}

/* False if it is neither a step nor the layout, with which a history begins. */
static bool parse_line(struct history *h, const char *line)
{
	struct step step;

	if (!strncmp(line, "layout ", 7)) {
		history_free(h);
		h->layout = strtoull(line + 7, NULL, 0);
		return true;
	}
	if (!step_parse(line, &step))
		return false;
	history_add(h, &step);
	return true;
}

static bool is_printed(const char *line)
{
	return !strncmp(line, PRINTED, strlen(PRINTED));
}

static void parse_lines(struct history *h, const char *text, bool printed)
{
	char *copy = strdup(text), *save, *line;

	if (!copy)
		tap_bail("no memory");
	for (line = strtok_r(copy, "\r\n;", &save); line;
	     line = strtok_r(NULL, "\r\n;", &save)) {
		if (printed && is_printed(line))
			parse_line(h, line + strlen(PRINTED));
		line += strspn(line, " \t");
		if (printed || !*line || *line == '#')
			continue;
		if (!parse_line(h, line))
			tap_bail("no step: %s", line);
	}
	free(copy);
}

void history_parse(struct history *h, const char *text)
{
	parse_lines(h, text, true);
	if (!h->nr)
		parse_lines(h, text, false);
	if (!h->nr || h->steps[0].kind != STEP_OPEN)
		tap_bail("a history begins with 'open'");
}
