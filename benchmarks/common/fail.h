/* How a benchmark program ends when a measurement would be wrong. */
#ifndef BENCH_FAIL_H
#define BENCH_FAIL_H

/* Prints "PROGRAM: message" on standard error and exits with status 1. A figure from a run in which a
 * reply was missing or a version skipped is worth nothing, so every check ends here. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with the text of errno behind it. */
_Noreturn void fail_errno(const char *what);

#endif
