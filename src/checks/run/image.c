/* SPDX-License-Identifier: MIT */
/*
 * image.c - see image.h. compile.c looks for calls of functions that the explorer does not
 * see, and coverage.c looks for calls that the compiler put in.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks/run/image.h"

bool image_open(struct image *image, const char *object)
{
	int fd = open(object, O_RDONLY | O_CLOEXEC);
	char *bytes = MAP_FAILED;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st))
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (bytes == MAP_FAILED)
		return false;
	*image = (struct image){ bytes, (size_t)st.st_size };
	if (image->size > sizeof(Elf64_Ehdr) && !memcmp(bytes, ELFMAG, SELFMAG) &&
	    bytes[EI_CLASS] == ELFCLASS64)
		return true;
	image_close(image);
	errno = EINVAL;
	return false;
}

void image_close(struct image *image)
{
	munmap((void *)(uintptr_t)image->bytes, image->size);
}

const Elf64_Shdr *image_section(const struct image *image, unsigned nth)
{
	const Elf64_Ehdr *head = image_head(image);
	const Elf64_Shdr *section = image_at(image, head->e_shoff);

	return nth < head->e_shnum ? &section[nth] : NULL;
}

const char *image_string(const struct image *image, unsigned section, uint64_t offset)
{
	return image_at(image, image_section(image, section)->sh_offset + offset);
}
