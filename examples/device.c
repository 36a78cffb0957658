/* SPDX-License-Identifier: MIT */
/*
 * device.c - a store by a device fills the device's TLB, and munmap flushes it. The program is
 * shown in docs/library.md, too.
 *
 *      cc device.c $(pkg-config --cflags --libs mmun) && ./a.out
 */
#include <mmun/mmun.h>

int main(void)
{
	struct mmun_machine_opts opts = { .frames = 1024 };
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	struct mmun_ats *device;
	uint64_t addr, value;

	if (mmun_machine_create(&opts, &machine) || mmun_mm_create(machine, MMUN_MODERN, &mm) ||
	    mmun_mmap(mm, 0, 1 << 16, MMUN_PROT_READ | MMUN_PROT_WRITE,
		      MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS, &addr) ||
	    mmun_ats_create(mm, NULL, &device))
		return 1;
	mmun_ats_store(device, addr, 42);     /* faults, fills the device TLB */
	mmun_munmap(mm, addr, 1 << 16);       /* empties it before the page goes */
	if (!mmun_ats_load(device, addr, &value))
		return 1;                     /* never: -EFAULT */
	mmun_mm_destroy(mm);
	mmun_ats_destroy(device);
	return mmun_machine_destroy(machine);
}
