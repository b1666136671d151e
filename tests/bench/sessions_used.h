/** @file sessions_used.h
 *  What a process has used, and has told.  Layer: test.  The program ends when there is no such
 *  process, or no such counter. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

double bench_memory_kib(pid_t pid); /**< proportional set size */
double bench_cpu_ns(pid_t pid);     /**< of all its threads */
double bench_stolen_us(void);       /**< by the host, of all processors of this machine */
unsigned long long bench_counter(const char *status, const char *name);
void bench_sort(double *v, size_t n); /**< least first */
