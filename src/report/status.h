/* SPDX-License-Identifier: MIT */
/*
 * status.h - what a command comes to, as the exit status of its process.
 */
#ifndef MMUN_REPORT_STATUS_H
#define MMUN_REPORT_STATUS_H

enum report_status {
	STATUS_OK = 0,
	STATUS_VIOLATION = 1,  /* a violation, or a verdict that differs */
	STATUS_ERROR = 2,      /* usage; a file that cannot be read or is no test */
	STATUS_UNFINISHED = 3, /* a bound was hit */
};

#endif
