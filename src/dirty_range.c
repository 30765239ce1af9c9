// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls about the dirty log of a range: validate, pin the caller's bitmap,
 * then go through the mappings chunk by chunk.
 */

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bitmap.h"
#include "container.h"
#include "dirty.h"
#include "dirty_piece.h"
#include "map.h"

/* A bit of the finest granularity more at either end of the piece. */
#define BITS_BYTES	(HWDBM_CHUNK_PAGES / 8 + 2 * sizeof(long))

/* Pages from the start of the range to @iova. */
static u64 page_in_range(const struct hwdbm_dirty_request *req, u64 iova)
{
	return (iova - req->first) >> PAGE_SHIFT;
}

static u64 bit_of(const struct hwdbm_dirty_request *req, u64 iova)
{
	return page_in_range(req, iova) >> req->shift;
}

/* What a request wants of a mapping; the one place where ranges are clipped. */
static void clip(const struct hwdbm_dirty_request *req,
		 const struct hwdbm_mapping *m, u64 *first, u64 *last)
{
	*first = max(req->first, m->iova);
	*last = min(req->last, m->last);
}

bool hwdbm_dirty_covers(struct hwdbm_dirty_request *req,
			const struct hwdbm_mapping *m)
{
	u64 first, last;

	clip(req, m, &first, &last);
	return hwdbm_user_bitmap_pinned(&req->user, bit_of(req, first),
					bit_of(req, last));
}

static int check_size(const struct hwdbm_dirty_args *args)
{
	u64 nbits = args->size / args->pgsize, last;

	if (!args->size)
		return -EINVAL;
	if (check_add_overflow(args->iova, args->size - 1, &last))
		return -EOVERFLOW;
	if ((args->iova | args->size) & (args->pgsize - 1))
		return -EINVAL;
	return args->bytes / 8 < DIV_ROUND_UP_ULL(nbits, 64) ? -EINVAL : 0;
}

static int check_args(struct hwdbm_container *c, enum hwdbm_dirty_mode mode,
		      const struct hwdbm_dirty_args *args)
{
	bool logging;
	u64 pgsize;

	if (down_read_killable(&c->domains_sem))
		return -EINTR;
	logging = c->logging;
	pgsize = hwdbm_container_pgsize(c);
	up_read(&c->domains_sem);

	if (!is_power_of_2(args->pgsize) || args->pgsize < pgsize ||
	    args->pgsize > SZ_1G)
		return -EINVAL;
	if (!args->whole) {
		int ret = check_size(args);

		if (ret)
			return ret;
	}
	return logging ? 0 : -EINVAL;
}

static bool cuts_mapping(struct hwdbm_container *c,
			 const struct hwdbm_dirty_request *req)
{
	bool ret;

	mutex_lock(&c->lock);
	ret = hwdbm_mapping_tree_bisected(&c->mappings, req->first, req->last);
	mutex_unlock(&c->lock);
	return ret;
}

static int pin_bitmap(struct hwdbm_container *c,
		      struct hwdbm_dirty_request *req)
{
	u64 from = req->first, first, last;
	struct hwdbm_mapping *m;
	int ret = 0;

	while (!ret && (m = hwdbm_map_next(c, from, req->last))) {
		clip(req, m, &first, &last);
		ret = hwdbm_user_bitmap_pin(&req->user, bit_of(req, first),
					    bit_of(req, last));
		hwdbm_mapping_put(m);
		if (last >= req->last)
			break;
		from = last + 1;
	}
	return ret;
}

int hwdbm_dirty_request_init(struct hwdbm_container *c,
			     enum hwdbm_dirty_mode mode,
			     const struct hwdbm_dirty_args *args,
			     struct hwdbm_dirty_request *req)
{
	int ret = check_args(c, mode, args);

	if (ret)
		return ret;
	*req = (struct hwdbm_dirty_request){
		.mode = mode,
		.first = args->iova,
		.last = args->whole ? U64_MAX : args->iova + args->size - 1,
		.shift = ilog2(args->pgsize) - PAGE_SHIFT,
	};
	ret = hwdbm_user_bitmap_init(&req->user, args->data, args->bytes,
				     mode != HWDBM_DIRTY_CLEAR);
	if (ret)
		return ret;
	if (mode != HWDBM_DIRTY_CLEAR && !args->whole && cuts_mapping(c, req))
		return -EINVAL;

	req->pages = kmalloc(HWDBM_CHUNK_PAGES / 8, GFP_KERNEL_ACCOUNT);
	req->bits = kmalloc(BITS_BYTES, GFP_KERNEL_ACCOUNT);
	ret = req->pages && req->bits ? pin_bitmap(c, req) : -ENOMEM;
	if (ret)
		hwdbm_dirty_request_fini(req);
	return ret;
}

void hwdbm_dirty_request_fini(struct hwdbm_dirty_request *req)
{
	hwdbm_user_bitmap_fini(&req->user);
	kfree(req->bits);
	kfree(req->pages);
}

static u64 piece_iova(const struct hwdbm_piece *p)
{
	return p->m->iova + ((u64)p->page << PAGE_SHIFT);
}

static u64 piece_last(const struct hwdbm_piece *p)
{
	return piece_iova(p) + ((u64)p->nr << PAGE_SHIFT) - 1;
}

/* Pages between the start of the piece's first bit and its first page. */
static unsigned long piece_phase(const struct hwdbm_dirty_request *req,
				 const struct hwdbm_piece *p)
{
	return page_in_range(req, piece_iova(p)) & ((1UL << req->shift) - 1);
}

/*
 * req->pages to the caller's bitmap. A coarse bit may belong to this piece and
 * to the one before: the first to come writes it, the others OR.
 */
static void emit(struct hwdbm_dirty_request *req, const struct hwdbm_piece *p)
{
	u64 first = bit_of(req, piece_iova(p));
	u64 last = bit_of(req, piece_last(p));

	memset(req->bits, 0, BITS_BYTES);
	hwdbm_bitmap_fold(req->bits, first % 8, req->pages, p->nr, req->shift,
			  piece_phase(req, p));
	hwdbm_user_bitmap_write(&req->user, first, last, (u8 *)req->bits,
				first < req->bits_done);
	req->bits_done = last + 1;
}

/* The caller's bitmap to req->pages. */
static void absorb(struct hwdbm_dirty_request *req, const struct hwdbm_piece *p)
{
	u64 first = bit_of(req, piece_iova(p));
	u64 last = bit_of(req, piece_last(p));

	hwdbm_user_bitmap_read(&req->user, first, last, (u8 *)req->bits);
	hwdbm_bitmap_unfold(req->pages, req->bits, first % 8, p->nr,
			    req->shift, piece_phase(req, p));
}

static int do_piece(struct hwdbm_container *c, struct hwdbm_dirty_request *req,
		    const struct hwdbm_piece *p)
{
	bool clear = req->mode == HWDBM_DIRTY_CLEAR, done = false;
	int ret = 0;

	if (clear)
		absorb(req, p);
	if (down_read_killable(&c->domains_sem))
		return -EINTR;
	if (mutex_lock_killable(&p->m->lock)) {
		up_read(&c->domains_sem);
		return -EINTR;
	}
	if (!c->logging) {
		ret = -EINVAL;
	} else if (p->m->live) {
		if (clear)
			hwdbm_dirty_piece_clear(c, p, req->pages);
		else
			hwdbm_dirty_piece_get(c, p,
					      req->mode == HWDBM_DIRTY_GET,
					      req->pages);
		done = !clear;
	}
	mutex_unlock(&p->m->lock);
	up_read(&c->domains_sem);
	if (done)
		emit(req, p);
	return ret;
}

/* The chunk-sized pieces of [first, last] of a mapping, one after the other. */
static bool next_piece(struct hwdbm_piece *p, u64 last)
{
	unsigned long end = ((last - p->m->iova) >> PAGE_SHIFT) + 1;

	p->page += p->nr;
	p->nr = min(end - p->page,
		    HWDBM_CHUNK_PAGES - p->page % HWDBM_CHUNK_PAGES);
	return p->page < end;
}

static int do_mapping(struct hwdbm_container *c,
		      struct hwdbm_dirty_request *req, struct hwdbm_mapping *m,
		      u64 *done)
{
	struct hwdbm_piece p = { .m = m };
	u64 first, last;
	int ret = 0;

	/* One that is being made or removed, or is too new, is another's. */
	if (!READ_ONCE(m->live) || !hwdbm_dirty_covers(req, m))
		return 0;
	clip(req, m, &first, &last);
	p.page = (first - m->iova) >> PAGE_SHIFT;
	while (!ret && next_piece(&p, last)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = do_piece(c, req, &p);
		if (ret != -EINTR)
			*done = piece_last(&p);
		cond_resched();
	}
	return ret;
}

static void give_back_mapping(struct hwdbm_container *c,
			      struct hwdbm_mapping *m, u64 first, u64 last)
{
	unsigned long page = (max(first, m->iova) - m->iova) >> PAGE_SHIFT;
	unsigned long end = (last - m->iova) >> PAGE_SHIFT;

	/* Nothing was cleaned in one that is still being made. */
	if (!READ_ONCE(m->live))
		return;
	mutex_lock(&m->lock);
	if (m->live && c->logging)
		hwdbm_dirty_log_set(&m->log, page, end - page + 1);
	mutex_unlock(&m->lock);
}

/*
 * The call ends without an answer, so its caller will not copy what was
 * cleaned. All that it may have cleaned becomes dirty.
 */
static void give_back(struct hwdbm_container *c, u64 first, u64 last)
{
	struct hwdbm_mapping *m;

	down_read(&c->domains_sem);
	while (first <= last && (m = hwdbm_map_next(c, first, last))) {
		u64 m_last = min(m->last, last);

		give_back_mapping(c, m, first, m_last);
		hwdbm_mapping_put(m);
		if (m_last == U64_MAX)
			break;
		first = m_last + 1;
	}
	up_read(&c->domains_sem);
}

int hwdbm_dirty_run(struct hwdbm_container *c, struct hwdbm_dirty_request *req)
{
	u64 from = req->first, done = 0;
	struct hwdbm_mapping *m;
	int ret = 0;

	while (!ret && (m = hwdbm_map_next(c, from, req->last))) {
		u64 m_last = m->last;

		ret = do_mapping(c, req, m, &done);
		hwdbm_mapping_put(m);
		if (m_last >= req->last)
			break;
		from = m_last + 1;
	}
	/* A caller that dies will not copy what the last piece was told. */
	if (!ret && fatal_signal_pending(current))
		ret = -EINTR;
	if (ret == -EINTR && req->mode != HWDBM_DIRTY_NOCLEAR && done)
		give_back(c, req->first, done);
	return ret;
}

void hwdbm_dirty_report(struct hwdbm_container *c, struct hwdbm_mapping *m,
			struct hwdbm_dirty_request *req)
{
	struct hwdbm_piece p = { .m = m };

	hwdbm_dirty_seal(c, m);
	while (next_piece(&p, m->last)) {
		hwdbm_dirty_piece_get(c, &p, false, req->pages);
		emit(req, &p);
	}
}
