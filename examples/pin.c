/* SPDX-License-Identifier: MIT */
/*
 * pin.c - a device without MMU notifiers writes to a page that was pinned for it, past
 * the page tables. So the page stays: it is not migrated, fork leaves it to the parent,
 * and munmap does not free it.
 *
 *      cc pin.c $(pkg-config --cflags --libs mmun) && ./a.out
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mmun/mmun.h>

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "failed: %s\n", what);
	exit(1);
}

static uint64_t load(struct mmun_mm *mm, uint64_t addr)
{
	struct mmun_cpu *cpu = NULL;
	uint64_t value = 0;

	check(!mmun_cpu_create(mm, &cpu) && !mmun_cpu_load(cpu, addr, &value), "load");
	mmun_cpu_destroy(cpu);
	return value;
}

int main(void)
{
	struct mmun_machine_opts opts = { .frames = 256 };
	struct mmun_machine *machine = NULL;
	struct mmun_mm *mm = NULL, *child = NULL;
	struct mmun_pin *pin = NULL;
	uint64_t page = 0, value;

	check(!mmun_machine_create(&opts, &machine) &&
	      !mmun_mm_create(machine, MMUN_MODERN, &mm) &&
	      !mmun_mmap(mm, 0, mmun_page_size(), MMUN_PROT_READ | MMUN_PROT_WRITE,
			 MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS, &page) &&
	      !mmun_pin(mm, page, true, &pin), "set-up");

	check(!mmun_pin_store(pin, 0, 1), "store");
	check(load(mm, page) == 1, "the mapping shows what was stored");

	check(mmun_migrate(mm, page) == -EBUSY, "a pinned page does not move");

	check(!mmun_fork(mm, &child) && !mmun_pin_store(pin, 0, 2), "fork");
	check(load(mm, page) == 2 && load(child, page) == 1, "the child has a copy");
	mmun_mm_destroy(child);

	check(!mmun_munmap(mm, page, mmun_page_size()) && !mmun_pin_load(pin, 0, &value) &&
	      value == 2, "the page is there without its mapping");
	mmun_unpin(pin); /* now it is freed */

	puts("the page stayed where it was");
	mmun_mm_destroy(mm);
	return mmun_machine_destroy(machine) ? 1 : 0;
}
