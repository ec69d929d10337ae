/* What a machine does to a program when its disk is slow or somebody sets its clock: loaded before libc (LD_PRELOAD), it
 * reads two numbers from the file that SOAK_FAULTS names, on every call, so that they can change under a running server. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct faults {
    int64_t sync_ms;
    int64_t clock_ms;
};

static const volatile struct faults *faults;

__attribute__((constructor)) static void load(void) {
    const char *path = getenv("SOAK_FAULTS");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *page = mmap(NULL, sizeof(struct faults), PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) faults = page;
    close(file);
}

static void wait(void) {
    int64_t ms = faults ? faults->sync_ms : 0;
    if (ms > 0) usleep((useconds_t)(ms * 1000));
}

int fsync(int file) {
    wait();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    wait();
    return (int)syscall(SYS_fdatasync, file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    long done = syscall(SYS_clock_gettime, clock, time);
    if (done == 0 && clock == CLOCK_REALTIME && faults) {
        int64_t nanos = (int64_t)time->tv_nsec + (faults->clock_ms % 1000) * 1000000;
        time->tv_sec += faults->clock_ms / 1000;
        if (nanos >= 1000000000) { nanos -= 1000000000; time->tv_sec += 1; }
        if (nanos < 0) { nanos += 1000000000; time->tv_sec -= 1; }
        time->tv_nsec = nanos;
    }
    return (int)done;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int done = clock_gettime(CLOCK_REALTIME, &now);
    if (done == 0 && time) { time->tv_sec = now.tv_sec; time->tv_usec = now.tv_nsec / 1000; }
    return done;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}
