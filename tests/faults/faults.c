// Faults between a program and its disk, for tests: reads and writes that fail, fall short or are torn, at random.
//
// Preloaded (LD_PRELOAD) into the server. Only files below FAULTS_FOLDER are touched, and only while the file FAULTS_CONTROL
// says so; it holds one line, "MODE ONE_IN", and is read again every 64 calls. Modes:
//   eio_read, eio_write, eio_sync   the call fails with EIO
//   enospc                          a write fails with ENOSPC
//   short                           a write writes a part of what it was given, and says so
//   torn                            a write writes its first part, then the process dies, as in a power cut
//   torn_metadata                   the same, only of a write over the first block of a DuckDB file, where its metadata is
// Anything else, or no file: no faults. FAULTS_SEED makes a run repeatable as far as threads allow.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { NONE, EIO_READ, EIO_WRITE, EIO_SYNC, ENOSPC_WRITE, SHORT_WRITE, TORN_WRITE, TORN_METADATA };

static const char *const NAMES[] = {"none", "eio_read", "eio_write", "eio_sync", "enospc", "short", "torn",
                                    "torn_metadata"};
static _Atomic int current_mode = NONE;
static _Atomic unsigned one_in = 1;
static _Atomic unsigned long calls = 0;
static _Atomic unsigned long long state = 0;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

static unsigned next_random(void) {
    // splitmix64
    unsigned long long z = atomic_fetch_add(&state, 0x9e3779b97f4a7c15ULL) + 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (unsigned)((z ^ (z >> 31)) >> 16);
}

static void read_control(void) {
    static _Thread_local int inside = 0;
    if (inside) return;
    inside = 1;
    if (atomic_load(&state) == 0) {
        const char *seed = getenv("FAULTS_SEED");
        atomic_store(&state, seed ? strtoull(seed, NULL, 10) + 1 : 1);
    }
    const char *path = getenv("FAULTS_CONTROL");
    char text[64] = {0};
    int found = NONE;
    int fd = path ? REAL(open)(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        ssize_t size = REAL(read)(fd, text, sizeof text - 1);
        REAL(close)(fd);
        char word[32] = {0};
        unsigned number = 1;
        if (size > 0 && sscanf(text, "%31s %u", word, &number) >= 1) {
            for (int n = 1; n < (int)(sizeof NAMES / sizeof *NAMES); n++)
                if (strcmp(word, NAMES[n]) == 0) found = n;
            atomic_store(&one_in, number ? number : 1);
        }
    }
    atomic_store(&current_mode, found);
    inside = 0;
}

// Whether this call of this file is to meet a fault of one of these kinds; the kind, or NONE.
static int fault(int fd, unsigned kinds) {
    int saved = errno;
    if (atomic_fetch_add(&calls, 1) % 64 == 0) read_control();
    int mode = atomic_load(&current_mode);
    int met = NONE;
    if (mode != NONE && (kinds & (1u << mode)) && next_random() % atomic_load(&one_in) == 0) {
        char link[32], path[4096];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        const char *folder = getenv("FAULTS_FOLDER");
        if (length > 0 && folder) {
            size_t size = strlen(folder);
            path[length] = 0;
            if (strncmp(path, folder, size) == 0 && path[size] == '/') met = mode;
        }
    }
    errno = saved;
    return met;
}

#define WRITES ((1u << EIO_WRITE) | (1u << ENOSPC_WRITE) | (1u << SHORT_WRITE) | (1u << TORN_WRITE))
#define READS (1u << EIO_READ)
#define SYNCS (1u << EIO_SYNC)

// The part of a write that reaches the disk. Sectors are whole.
static size_t part_of(size_t size) {
    size_t part = size ? next_random() % size : 0;
    return size > 512 ? part / 512 * 512 : part;
}

static int fail(int code) {
    errno = code;
    return -1;
}

// Its block: after three headers of 4 KiB. The first write of it, at the end of the file, overwrites nothing.
static int overwrites_metadata(int fd, size_t size, off64_t at) {
    struct stat now;
    return at == 12288 && size >= 65536 && fstat(fd, &now) == 0 && now.st_size >= at + (off64_t)size;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

#define WRITE(call_part, call_whole, size)                                      \
    do {                                                                        \
        int met = fault(fd, WRITES);                                            \
        if (met == EIO_WRITE) return fail(EIO);                                 \
        if (met == ENOSPC_WRITE) return fail(ENOSPC);                           \
        if (met == SHORT_WRITE || met == TORN_WRITE) {                          \
            size_t part = part_of(size);                                        \
            ssize_t wrote = part ? (call_part) : 0;                             \
            if (met == TORN_WRITE) die();                                       \
            if (wrote > 0) return wrote;                                        \
        }                                                                       \
        return (call_whole);                                                    \
    } while (0)

ssize_t write(int fd, const void *data, size_t size) {
    WRITE(REAL(write)(fd, data, part), REAL(write)(fd, data, size), size);
}

#define PWRITE(name)                                                                                  \
    do {                                                                                              \
        if (fault(fd, 1u << TORN_METADATA) == TORN_METADATA && overwrites_metadata(fd, size, at)) {   \
            /* Most of the block is room. */                                                          \
            REAL(name)(fd, data, part_of(16384), at);                                                 \
            die();                                                                                    \
        }                                                                                             \
        WRITE(REAL(name)(fd, data, part, at), REAL(name)(fd, data, size, at), size);                  \
    } while (0)

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    PWRITE(pwrite);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    PWRITE(pwrite64);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    int met = fault(fd, WRITES & ~((1u << SHORT_WRITE) | (1u << TORN_WRITE)));
    if (met == EIO_WRITE) return fail(EIO);
    if (met == ENOSPC_WRITE) return fail(ENOSPC);
    return REAL(writev)(fd, parts, count);
}

ssize_t read(int fd, void *data, size_t size) {
    if (fault(fd, READS) == EIO_READ) return fail(EIO);
    return REAL(read)(fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t at) {
    if (fault(fd, READS) == EIO_READ) return fail(EIO);
    return REAL(pread)(fd, data, size, at);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
    if (fault(fd, READS) == EIO_READ) return fail(EIO);
    return REAL(pread64)(fd, data, size, at);
}

int fsync(int fd) {
    if (fault(fd, SYNCS) == EIO_SYNC) return fail(EIO);
    return REAL(fsync)(fd);
}

int fdatasync(int fd) {
    if (fault(fd, SYNCS) == EIO_SYNC) return fail(EIO);
    return REAL(fdatasync)(fd);
}
