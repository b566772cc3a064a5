/* The wall clock of the process that this is loaded into: the machine's, and what a file says in nanoseconds.
   Clocks that measure how long something takes stay as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const long NS = 1000000000;
static const volatile int64_t *ahead;
static int (*machine)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("MOVED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *found = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    machine = dlsym(RTLD_NEXT, "clock_gettime");
    if (found == MAP_FAILED || !machine) abort();
    close(file);
    ahead = found;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!ahead) begin(); /* somebody asks before it is our turn to begin */
    int failed = machine(clock, now);
    if (failed || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
    int64_t shown = now->tv_sec * (int64_t)NS + now->tv_nsec + *ahead;
    *now = (struct timespec){shown / NS, shown % NS};
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec shown;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &shown);
    *now = (struct timeval){shown.tv_sec, shown.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *now) {
    struct timespec shown;
    clock_gettime(CLOCK_REALTIME, &shown);
    if (now) *now = shown.tv_sec;
    return shown.tv_sec;
}
