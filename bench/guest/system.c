/* What asks the kernel for something: system calls, pipes, processes, page faults, files. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

static void must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

uint64_t run_syscall(uint32_t repeats)
{
    uint64_t same = 0;
    long parent = syscall(SYS_getppid);
    for (uint32_t i = 0; i < repeats * 1000; i++)
        same += syscall(SYS_getppid) == parent;
    return mix(CHECKSUM, same);
}

/* A word goes to a child and back. */
uint64_t run_pipe(uint32_t repeats)
{
    int there[2], back[2];
    uint64_t hash = CHECKSUM;
    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        uint64_t word;
        close(there[1]);
        close(back[0]);
        while (read(there[0], &word, sizeof word) == sizeof word) {
            word = word * 3 + 1;
            if (write(back[1], &word, sizeof word) != sizeof word)
                break;
        }
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    for (uint32_t i = 0; i < repeats * 100; i++) {
        uint64_t word = hash;
        must(write(there[1], &word, sizeof word) == sizeof word && read(back[0], &word, sizeof word) == sizeof word, "pipe");
        hash = mix(hash, word);
    }
    close(there[1]);
    close(back[0]);
    must(waitpid(child, NULL, 0) == child, "waitpid");
    return hash;
}

uint64_t run_fork(uint32_t repeats)
{
    uint64_t hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        int status;
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0)
            _exit((int)(i & 127));
        must(waitpid(child, &status, 0) == child, "waitpid");
        hash = mix(hash, (uint64_t)WEXITSTATUS(status));
    }
    return hash;
}

uint64_t run_exec(uint32_t repeats)
{
    uint64_t hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        int status;
        char number[16];
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            snprintf(number, sizeof number, "%u", (unsigned)(i & 63));
            execl("/proc/self/exe", "bench", "exit", number, (char *)NULL);
            _exit(127);
        }
        must(waitpid(child, &status, 0) == child, "waitpid");
        must(WEXITSTATUS(status) != 127, "execl");
        hash = mix(hash, (uint64_t)WEXITSTATUS(status));
    }
    return hash;
}

/* Fresh pages touched, then copied on write in a child, then given back. */
uint64_t run_fault(uint32_t repeats)
{
    enum { PAGES = 256, PAGE = 4096 };
    uint64_t hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(memory != MAP_FAILED, "mmap");
        for (int page = 0; page < PAGES; page++)
            memory[page * PAGE] = (unsigned char)(page + (int)i);
        must(mprotect(memory, PAGES / 2 * PAGE, PROT_READ) == 0, "mprotect");
        for (int page = 0; page < PAGES; page++)
            hash = mix(hash, memory[page * PAGE]);
        must(munmap(memory, PAGES * PAGE) == 0, "munmap");
    }
    return hash;
}

uint64_t run_files(uint32_t repeats)
{
    static const char name[] = "/tmp/pckit-bench-file";
    static unsigned char block[8192];
    uint64_t hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        struct stat status;
        int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        must(file >= 0, name);
        for (int j = 0; j < 4; j++) {
            memset(block, (int)(i + (uint32_t)j), sizeof block);
            must(write(file, block, sizeof block) == sizeof block, "write");
        }
        must(fstat(file, &status) == 0 && lseek(file, 100, SEEK_SET) == 100, "lseek");
        hash = mix(hash, (uint64_t)status.st_size);
        ssize_t length;
        while ((length = read(file, block, 4096)) > 0)
            hash = mix(hash, (uint64_t)length + block[length - 1]);
        close(file);
        must(stat(name, &status) == 0 && unlink(name) == 0, "unlink");
    }
    return hash;
}
