/** @file sessions_used.h
 *  What a process has used.  Layer: test.  The program ends when there is no such process. */
#pragma once

#include <sys/types.h>

double bench_memory_kib(pid_t pid); /**< proportional set size */
double bench_cpu_ns(pid_t pid);     /**< of all its threads */
