/* SPDX-License-Identifier: MIT */
/*
 * files.c - turns the operands of a command line into parsed tests. A file with which
 * something is wrong is complained of here, in one line, and the other files go on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "cli/cli.h"
#include "litmus/table/matrix.h"

static const char suffix[] = ".litmus";

static bool has_suffix(const char *name)
{
	size_t n = strlen(name), k = sizeof(suffix) - 1;

	return n > k && !strcmp(name + n - k, suffix);
}

bool cli_is_cfile(const char *path)
{
	size_t n = strlen(path);

	return n > 2 && !strcmp(path + n - 2, ".c");
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* --- what is installed ------------------------------------------------------- */

bool cli_directory(const char *variable, const char *in_tree, const char *installed, char *buf,
		   size_t size)
{
	char deeper[64]; /* a build directory that lies two levels down */
	const char *const beside[] = { in_tree, installed, deeper };
	const char *set = getenv(variable);
	char self[PATH_MAX];
	ssize_t n;

	snprintf(deeper, sizeof(deeper), "../%s", in_tree);
	if (set) {
		snprintf(buf, size, "%s", set);
		return true;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return false;
	self[n] = 0;
	*strrchr(self, '/') = 0;
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		char path[PATH_MAX + 32], full[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", self, beside[i]);
		if (is_directory(path) && realpath(path, full)) {
			snprintf(buf, size, "%s", full);
			return true;
		}
	}
	return false;
}

bool cli_catalog(char *buf, size_t size)
{
	return cli_directory("MMUN_LITMUS", "../litmus", "../share/mmun/litmus", buf, size);
}

/* --- operands ------------------------------------------------------------ */

static void add_path(struct cli_files *files, const char *path)
{
	char *copy = strdup(path);

	if (copy && files->count == files->capacity) {
		size_t capacity = files->capacity ? 2 * files->capacity : 64;
		char **grown = realloc(files->path, capacity * sizeof(*grown));

		if (grown) {
			files->path = grown;
			files->capacity = capacity;
		}
	}
	if (!copy || files->count == files->capacity) {
		free(copy);
		files->failed = true;
		args_complain("%s: not enough memory", path);
		return;
	}
	files->path[files->count++] = copy;
}

static int is_test(const struct dirent *entry)
{
	return has_suffix(entry->d_name);
}

/* In the order of bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_check(const struct dirent *entry) { return cli_is_cfile(entry->d_name); }

/* Why nothing is found in a directory without litmus tests. */
static const char *none_in(const char *path)
{
	struct dirent **entry = NULL;
	int n = scandir(path, &entry, is_check, NULL);

	for (int i = 0; i < n; i++)
		free(entry[i]);
	free(entry);
	return n > 0 ? "no *.litmus in this directory; checks in C are given by name" :
		       "no *.litmus in this directory";
}

static void add_directory(struct cli_files *files, const char *path)
{
	struct dirent **entry;
	int n = scandir(path, &entry, is_test, by_name);
	size_t length = strlen(path);

	if (n <= 0) {
		args_complain("%s: %s", path, n ? strerror(errno) : none_in(path));
		files->failed = true;
	}
	for (int i = 0; i < n; i++) {
		char full[PATH_MAX + 256];

		snprintf(full, sizeof(full), "%s%s%s", path, path[length - 1] == '/' ? "" : "/",
			 entry[i]->d_name);
		add_path(files, full);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

/* What follows CLI_MATRIX, or NULL. */
static const char *matrix_name(const char *path)
{
	size_t n = sizeof(CLI_MATRIX) - 1;

	return strncmp(path, CLI_MATRIX, n) ? NULL : path + n;
}

static void add_matrix(struct cli_files *files, const char *pattern)
{
	char path[sizeof(CLI_MATRIX) + LITMUS_NAME_MAX] = CLI_MATRIX;
	char *name = path + sizeof(CLI_MATRIX) - 1;
	struct litmus_matrix m = { 0 };
	size_t before = files->count;

	while (litmus_matrix_next(&m)) {
		litmus_matrix_name(&m, name, LITMUS_NAME_MAX);
		if (!fnmatch(pattern, name, 0))
			add_path(files, path);
	}
	if (files->count > before)
		return;
	args_complain(CLI_MATRIX "%s: no test of the matrix has such a name", pattern);
	files->failed = true;
}

void cli_files_add(struct cli_files *files, const char *operand)
{
	char catalog[PATH_MAX], path[2 * PATH_MAX];

	if (matrix_name(operand)) {
		add_matrix(files, matrix_name(operand));
		return;
	}
	if (is_directory(operand)) {
		add_directory(files, operand);
		return;
	}
	if (strcmp(operand, "-") && !strchr(operand, '/') && access(operand, F_OK) &&
	    cli_catalog(catalog, sizeof(catalog))) {
		snprintf(path, sizeof(path), "%s/%s%s", catalog, operand,
			 has_suffix(operand) ? "" : suffix);
		if (!access(path, F_OK)) {
			add_path(files, path);
			return;
		}
	}
	add_path(files, operand);
}

void cli_files_fini(struct cli_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->path[i]);
	free(files->path);
}

/* --- a test -------------------------------------------------------------- */

static bool refuse(struct cli_source *s, const char *why)
{
	snprintf(s->error.text, sizeof(s->error.text), "%s", why);
	args_complain("%s: %s", s->file, why);
	return false;
}

/* It was perhaps to be a name from the catalog. */
static bool refuse_absent(struct cli_source *s)
{
	char catalog[PATH_MAX], name[NEAREST_WORD_MAX + 1], why[sizeof(s->error.text)];
	struct dirent **entry = NULL;
	struct nearest near;
	int n = 0;

	snprintf(name, sizeof(name), "%s", s->file);
	if (has_suffix(name))
		*strrchr(name, '.') = 0;
	nearest_init(&near, name, strlen(name) / 3 + 2);
	if (!strchr(name, '/') && cli_catalog(catalog, sizeof(catalog)))
		n = scandir(catalog, &entry, is_test, by_name);
	for (int i = 0; i < n; i++) {
		*strrchr(entry[i]->d_name, '.') = 0;
		nearest_offer(&near, entry[i]->d_name);
	}
	snprintf(why, sizeof(why), "%s%s", strerror(ENOENT), nearest_text(&near));
	for (int i = 0; i < n; i++)
		free(entry[i]);
	free(entry);
	return refuse(s, why);
}

static bool read_all(struct cli_source *s, int fd)
{
	size_t limit = LITMUS_FILE_BYTES_MAX + 1;
	ssize_t n;

	s->text = malloc(limit);
	if (!s->text)
		return refuse(s, "not enough memory");
	while (s->size < limit && (n = read(fd, s->text + s->size, limit - s->size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse(s, strerror(errno));
		s->size += (size_t)n;
	}
	if (!s->size)
		return refuse(s, "is empty");
	if (memchr(s->text, 0, s->size))
		return refuse(s, "is no text");
	if (s->size > LITMUS_FILE_BYTES_MAX)
		return refuse(s, "is larger than 256 KiB");
	return true;
}

static bool read_file(struct cli_source *s, const char *path)
{
	bool input = !strcmp(path, "-"), good;
	int fd;

	s->file = input ? "<stdin>" : path;
	fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? refuse_absent(s) : refuse(s, strerror(errno));
	good = read_all(s, fd);
	if (!input)
		close(fd);
	return good;
}

static bool make_matrix_test(struct cli_source *s, const char *name)
{
	struct litmus_matrix m;

	if (!litmus_matrix_find(name, &m))
		return refuse(s, "no test of the matrix has this name");
	return !litmus_matrix_text(&m, &s->text, &s->size) || refuse(s, "not enough memory");
}

bool cli_source_open(struct cli_source *s, const char *path)
{
	int err;

	_Static_assert(LITMUS_FILE_BYTES_MAX == 256 << 10, "as the message says");
	*s = (struct cli_source){ .file = path };
	if (!(matrix_name(path) ? make_matrix_test(s, matrix_name(path)) : read_file(s, path)))
		return false;
	err = litmus_parse(s->text, s->size, &s->test, &s->error);
	if (err == -ENOMEM)
		return refuse(s, "not enough memory");
	if (err) {
		fflush(stdout);
		litmus_error_print(stderr, s->file, s->text, s->size, &s->error);
	}
	return !err;
}

void cli_source_close(struct cli_source *s)
{
	litmus_destroy(s->test);
	free(s->text);
	*s = (struct cli_source){ 0 };
}

void cli_thread_names(const struct litmus *test, const char *name[LITMUS_THREADS_MAX])
{
	for (int t = 0; t < test->threads; t++)
		name[t] = test->thread[t].name;
}
