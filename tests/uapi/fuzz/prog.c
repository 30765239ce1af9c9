// SPDX-License-Identifier: GPL-2.0-only
/* Programs: how they come to be, how they change, how they are written down. */
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct call random_call(struct rng *rng, unsigned int from)
{
	struct call c = {
		.op = (uint8_t)(from + rng_below(rng, NR_OPS - from)),
		.thread = rng_one_in(rng, 3),
	};
	unsigned int i;

	for (i = 0; i < NR_ARGS; i++)
		c.arg[i] = (uint32_t)rng_next(rng);
	return c;
}

static void append(struct prog *p, struct call c)
{
	if (p->nr < MAX_CALLS)
		p->calls[p->nr++] = c;
}

/* A container with a device or two, some mappings, and then anything. */
void prog_generate(struct rng *rng, struct prog *p)
{
	unsigned int op, n, i;
	uint32_t device = (uint32_t)rng_next(rng);

	p->nr = 0;
	for (op = OP_CONTAINER; op <= OP_START; op++) {
		if (rng_one_in(rng, 12))
			continue;
		n = op == OP_MAP ? 1 + (unsigned int)rng_below(rng, 4) : 1;
		for (i = 0; i < n; i++) {
			struct call c = random_call(rng, 0);

			c.op = (uint8_t)op;
			c.thread = 0;
			/* mostly the first container, and one device */
			c.arg[0] = op == OP_JOIN || op == OP_OPEN ? device : 0;
			if (op == OP_JOIN)
				c.arg[1] = 0;
			append(p, c);
		}
	}
	n = 2 + (unsigned int)rng_below(rng, 12);
	for (i = 0; i < n; i++)
		append(p, random_call(rng, rng_one_in(rng, 4) ? 0 : OP_MAP));
}

static void drop(struct prog *p, unsigned int at)
{
	memmove(&p->calls[at], &p->calls[at + 1],
		(--p->nr - at) * sizeof(*p->calls));
}

static void insert(struct prog *p, unsigned int at, struct call c)
{
	if (p->nr == MAX_CALLS)
		return;
	memmove(&p->calls[at + 1], &p->calls[at],
		(p->nr++ - at) * sizeof(*p->calls));
	p->calls[at] = c;
}

static void change_arg(struct rng *rng, struct call *c)
{
	uint32_t *arg = &c->arg[rng_below(rng, NR_ARGS)];

	switch (rng_below(rng, 4)) {
	case 0:
		*arg = (uint32_t)rng_next(rng);
		break;
	case 1:
		*arg ^= 1u << rng_below(rng, 32);
		break;
	case 2:
		*arg += (uint32_t)rng_below(rng, 9) - 4;
		break;
	default:
		*arg = (uint32_t)rng_below(rng, 16);
	}
}

static void change(struct rng *rng, struct prog *p, const struct prog *other)
{
	unsigned int at = (unsigned int)rng_below(rng, p->nr);
	unsigned int from = (unsigned int)rng_below(rng, other->nr);

	switch (rng_below(rng, 8)) {
	case 0:
		insert(p, at, random_call(rng, 0));
		break;
	case 1:
		if (p->nr > 1)
			drop(p, at);
		break;
	case 2:
		insert(p, at, p->calls[rng_below(rng, p->nr)]);
		break;
	case 3:
		for (p->nr = at + 1; from < other->nr; from++)
			append(p, other->calls[from]);
		break;
	case 4:
		p->calls[at].thread ^= 1;
		break;
	default:
		change_arg(rng, &p->calls[at]);
	}
}

void prog_mutate(struct rng *rng, struct prog *p, const struct prog *other)
{
	unsigned int i, n = 1 + (unsigned int)rng_below(rng, 4);

	for (i = 0; i < n; i++)
		change(rng, p, other);
}

int call_text(const struct call *c, char *buf, size_t n)
{
	return snprintf(buf, n, "call %u %u %x %x %x %x %x", c->op, c->thread,
			c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4]);
}

/* Also out of a kernel's log, with what stands before it there. */
bool call_parse(const char *line, struct call *c)
{
	const char *at = strstr(line, "call ");
	unsigned int op, thread;

	if (!at || sscanf(at, "call %u %u %x %x %x %x %x", &op, &thread,
			  &c->arg[0], &c->arg[1], &c->arg[2], &c->arg[3],
			  &c->arg[4]) != 7)
		return false;
	c->op = (uint8_t)(op % NR_OPS);
	c->thread = thread & 1;
	return true;
}
