/* A disk that fails: preloaded into processes, it lets the n-th call that changes anything below a
 * folder fail with a given errno, or with -n the n-th and all that follow, as a full disk does. The
 * counter is a shared file, so n counts over all processes of a run.
 *
 * FAILING_ROOT     folder that counts
 * FAILING_COUNTER  file of two int64: calls so far, n (0: none fails)
 * FAILING_ERRNO    errno of that call
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic int64_t *counter;
static const char *root;
static size_t root_length;
static int failure;

#define REAL(name) \
    static __typeof__(&name) real_##name; \
    if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
    REAL(open);
    const char *path = getenv("FAILING_COUNTER");
    root = getenv("FAILING_ROOT");
    if (!path || !root) return;
    root_length = strlen(root);
    failure = atoi(getenv("FAILING_ERRNO"));
    int fd = real_open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *shared = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared != MAP_FAILED) counter = shared;
}

static int path_fails(const char *path) {
    if (!counter || strncmp(path, root, root_length) != 0) return 0;
    int64_t number = atomic_fetch_add(&counter[0], 1) + 1;
    int64_t nth = atomic_load(&counter[1]);
    if (nth == 0 || (nth > 0 && number != nth) || (nth < 0 && number < -nth)) return 0;
    errno = failure;
    return 1;
}

static int fd_fails(int fd) {
    if (!counter || fd < 0) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return path_fails(path);
}

static int changes(int flags) { return flags & (O_CREAT | O_WRONLY | O_RDWR); }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        if (changes(flags) && path_fails(path)) return -1; \
        return real_##name(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        if (changes(flags) && path_fails(path)) return -1; \
        return real_##name(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    return fd_fails(fd) ? -1 : real_write(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    return fd_fails(fd) ? -1 : real_writev(fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    REAL(pwrite);
    return fd_fails(fd) ? -1 : real_pwrite(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    REAL(pwrite64);
    return fd_fails(fd) ? -1 : real_pwrite64(fd, data, size, offset);
}

int fsync(int fd) {
    REAL(fsync);
    return fd_fails(fd) ? -1 : real_fsync(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    return fd_fails(fd) ? -1 : real_fdatasync(fd);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    return path_fails(to) ? -1 : real_rename(from, to);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    struct stat found;
    if (stat(path, &found) == 0) return real_mkdir(path, mode); /* Changes nothing. */
    return path_fails(path) ? -1 : real_mkdir(path, mode);
}
