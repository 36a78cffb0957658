/* SPDX-License-Identifier: MIT */
/*
 * jobs.c - see jobs.h. Each item gets a child, and there are only so many children at a time.
 *
 * Children do not outlive the process that has started them, even if it is killed.
 *
 * Invariant: a slot is free, or it has one child, the reading end of a pipe whose writing end
 * only this child has, and shared memory for the child's result. Nothing is ever written to
 * the pipe. It is closed when the child has ended, and poll() can wait for that together with
 * a deadline.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jobs/jobs.h"

struct shared { bool done; _Alignas(16) char result[]; };

struct slot {
	pid_t child;             /* 0: free */
	int pipe;
	size_t item;
	double deadline;
	bool late;               /* it was killed for it */
	struct shared *shared;
};

struct pool {
	const struct jobs *jobs;
	struct slot *slot;
	struct pollfd *poll;     /* of the slot with the same number */
	unsigned slots, busy;
	size_t next;             /* item */
};

void *jobs_share(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void jobs_unshare(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, bytes);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t shared_bytes(const struct jobs *jobs)
{
	return sizeof(struct shared) + jobs->result_bytes;
}

/* --- starting an item ---------------------------------------------------- */

/* However @parent ends, this process ends then as well. */
static void end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it has ended before this was asked for */
		_exit(1);
}

static _Noreturn void be_child(const struct jobs *jobs, struct slot *s, pid_t parent)
{
	end_with(parent);
	jobs->work(jobs->arg, s->item, s->shared->result);
	fflush(NULL);
	s->shared->done = true;
	_exit(0);
}

static bool start(const struct jobs *jobs, struct slot *s, size_t item)
{
	int pipes[2];
	pid_t child, parent = getpid();

	if (pipe2(pipes, O_CLOEXEC))
		return false;
	memset(s->shared, 0, shared_bytes(jobs));
	s->item = item;
	fflush(NULL);
	child = fork();
	if (!child)
		be_child(jobs, s, parent);
	close(pipes[1]);
	if (child < 0) {
		close(pipes[0]);
		return false;
	}
	s->child = child;
	s->pipe = pipes[0];
	s->late = false;
	s->deadline = now() + jobs->seconds_max;
	return true;
}

static struct slot *free_slot(struct pool *p)
{
	for (unsigned i = 0; i < p->slots; i++)
		if (!p->slot[i].child)
			return &p->slot[i];
	return NULL;
}

static void start_all(struct pool *p)
{
	struct slot *s;

	while (p->next < p->jobs->items && (s = free_slot(p)) != NULL) {
		if (start(p->jobs, s, p->next)) {
			p->busy++;
		} else if (p->busy) {
			return; /* again when one is over */
		} else {
			memset(s->shared, 0, shared_bytes(p->jobs));
			p->jobs->over(p->jobs->arg, p->next, s->shared->result,
				      (struct job_end){ .how = JOB_NOT_STARTED });
		}
		p->next++;
	}
}

/* --- waiting ------------------------------------------------------------- */

static struct job_end reap(struct slot *s)
{
	int status = 0;

	while (waitpid(s->child, &status, 0) < 0 && errno == EINTR)
		;
	s->child = 0;
	close(s->pipe);
	if (s->shared->done)
		return (struct job_end){ .how = JOB_DONE };
	if (s->late)
		return (struct job_end){ .how = JOB_TIMED_OUT };
	if (WIFSIGNALED(status))
		return (struct job_end){ JOB_KILLED, WTERMSIG(status) };
	return (struct job_end){ JOB_EXITED, WEXITSTATUS(status) };
}

/* Milliseconds to the next deadline, or fewer; -1: there is none. */
static int time_left(const struct pool *p)
{
	enum { AT_MOST = 1000000 };
	int least = -1;

	for (unsigned i = 0; i < p->slots && p->jobs->seconds_max > 0; i++) {
		const struct slot *s = &p->slot[i];
		double left = (s->deadline - now()) * 1000 + 1;
		int ms = left < 0 ? 0 : left > AT_MOST ? AT_MOST : (int)left;

		if (s->child && !s->late && (least < 0 || ms < least))
			least = ms;
	}
	return least;
}

static bool is_late(const struct pool *p, const struct slot *s)
{
	return p->jobs->seconds_max > 0 && !s->late && now() >= s->deadline;
}

static void wait_some(struct pool *p)
{
	for (unsigned i = 0; i < p->slots; i++)
		p->poll[i] = (struct pollfd){ p->slot[i].child ? p->slot[i].pipe : -1, 0, 0 };
	if (poll(p->poll, p->slots, time_left(p)) < 0)
		return; /* interrupted */
	for (unsigned i = 0; i < p->slots; i++) {
		struct slot *s = &p->slot[i];

		if (p->poll[i].revents) {
			struct job_end end = reap(s);

			p->busy--;
			p->jobs->over(p->jobs->arg, s->item, s->shared->result, end);
		} else if (s->child && is_late(p, s)) {
			s->late = true;
			kill(s->child, SIGKILL);
		}
	}
}

/* --- the whole ----------------------------------------------------------- */

static bool pool_init(struct pool *p, const struct jobs *jobs)
{
	bool good;

	*p = (struct pool){ .jobs = jobs,
			    .slots = jobs->processes_max ? jobs->processes_max : 1 };
	if (p->slots > jobs->items)
		p->slots = (unsigned)jobs->items;
	p->slot = calloc(p->slots + 1, sizeof(*p->slot));
	p->poll = calloc(p->slots + 1, sizeof(*p->poll));
	good = p->slot && p->poll;
	for (unsigned i = 0; i < p->slots && good; i++)
		good = (p->slot[i].shared = jobs_share(shared_bytes(jobs))) != NULL;
	return good;
}

static void pool_fini(struct pool *p)
{
	for (unsigned i = 0; i < p->slots && p->slot; i++)
		jobs_unshare(p->slot[i].shared, shared_bytes(p->jobs));
	free(p->slot);
	free(p->poll);
}

bool jobs_run(const struct jobs *jobs)
{
	struct pool pool;
	bool good = pool_init(&pool, jobs);

	while (good && (pool.next < jobs->items || pool.busy)) {
		start_all(&pool);
		if (pool.busy)
			wait_some(&pool);
	}
	pool_fini(&pool);
	return good;
}

struct one {
	void (*work)(void *arg, size_t item, void *result);
	void *arg, *ret;
	size_t item, bytes;
	struct job_end end;
};

static void one_work(void *arg, size_t item, void *result)
{
	struct one *one = arg;

	(void)item;
	one->work(one->arg, one->item, result);
}

static void one_over(void *arg, size_t item, const void *result, struct job_end end)
{
	struct one *one = arg;

	(void)item;
	one->end = end;
	if (one->bytes)
		memcpy(one->ret, result, one->bytes);
}

struct job_end jobs_run_one(void (*work)(void *arg, size_t item, void *result), void *arg,
			    size_t item, void *ret_result, size_t result_bytes)
{
	struct one one = { work, arg, ret_result, item, result_bytes,
			   { .how = JOB_NOT_STARTED } };

	if (result_bytes)
		memset(ret_result, 0, result_bytes);
	(void)jobs_run(&(struct jobs){ .items = 1, .result_bytes = result_bytes,
				       .work = one_work, .over = one_over, .arg = &one });
	return one.end;
}

/* --- watching over this process ------------------------------------------ */

/* No signal that is sent to the whole group ends it. */
static _Noreturn void be_watcher(int lifeline, void (*gone)(void *arg), void *arg)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	char byte;

	setsid();
	for (unsigned n = 0; n < ARRAY_SIZE(ignored); n++)
		signal(ignored[n], SIG_IGN);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		close(fd);
	while (read(lifeline, &byte, 1) < 0 && errno == EINTR)
		;
	gone(arg);
	_exit(0);
}

/* The pipe, to which nobody ever writes, is closed when all who could have ended. */
void jobs_watch(struct jobs_watcher *ret, void (*gone)(void *arg), void *arg)
{
	int pipes[2];

	*ret = (struct jobs_watcher){ 0 };
	if (pipe2(pipes, O_CLOEXEC))
		return;
	fflush(NULL);
	ret->child = fork();
	if (!ret->child) {
		close(pipes[1]);
		be_watcher(pipes[0], gone, arg);
	}
	close(pipes[0]);
	if (ret->child > 0)
		ret->lifeline = pipes[1];
	else
		close(pipes[1]);
}

void jobs_dismiss(const struct jobs_watcher *watcher)
{
	if (watcher->child <= 0)
		return;
	kill(watcher->child, SIGKILL);
	close(watcher->lifeline);
	while (waitpid(watcher->child, NULL, 0) < 0 && errno == EINTR)
		;
}
