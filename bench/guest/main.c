/*
 * bench NAME REPEATS    runs a program, prints its checksum
 * bench serve           reads lines "NAME REPEATS" from the console and answers each with "= NAME CHECKSUM"; "off" ends it
 *
 * While `serve` waits for a line the machine is idle: the host reads the emulator's CPU time then, before and after each program.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "bench.h"

static const struct {
    const char *name;
    program *run;
} programs[] = {
    { "integer", run_integer }, { "branchy", run_branchy }, { "calls", run_calls }, { "sieve", run_sieve }, { "copy", run_copy },
    { "chase", run_chase }, { "crc", run_crc }, { "sha256", run_sha256 }, { "sort", run_sort }, { "interpreter", run_interpreter },
    { "mandelbrot", run_mandelbrot }, { "nbody", run_nbody }, { "matrix", run_matrix }, { "simd", run_simd }, { "compress", run_compress },
    { "text", run_text }, { "syscall", run_syscall }, { "pipe", run_pipe }, { "fork", run_fork }, { "exec", run_exec }, { "fault", run_fault },
    { "files", run_files },
};

static int run(const char *name, const char *repeats)
{
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        if (strcmp(programs[i].name, name) == 0) {
            printf("= %s %016" PRIx64 "\n", name, programs[i].run((uint32_t)strtoul(repeats, NULL, 10)));
            return fflush(stdout) == 0 ? 0 : 1;
        }
    }
    printf("= %s unknown\n", name);
    return 1;
}

static int serve(void)
{
    struct termios settings;
    char line[128], name[64], repeats[16];
    if (tcgetattr(0, &settings) == 0) {
        settings.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(0, TCSANOW, &settings);
    }
    printf("bench: ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "%63s %15s", name, repeats) != 2)
            break;
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "bench", name, repeats, (char *)NULL);
            _exit(127);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            printf("= %s failed\n", name);
            fflush(stdout);
        }
    }
    return 0;
}

int main(int count, char **words)
{
    if (count == 2 && strcmp(words[1], "serve") == 0)
        return serve();
    if (count == 3 && strcmp(words[1], "exit") == 0)
        return atoi(words[2]);
    if (count == 3)
        return run(words[1], words[2]);
    fprintf(stderr, "bench NAME REPEATS | bench serve\n");
    return 2;
}
