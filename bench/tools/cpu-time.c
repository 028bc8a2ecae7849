/* cpu-time PID: nanoseconds of CPU time, user and system, that a process has used so far. /proc says it in hundredths of a second only. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int count, char **words)
{
    clockid_t clock;
    struct timespec time;
    if (count != 2 || clock_getcpuclockid(atoi(words[1]), &clock) != 0 || clock_gettime(clock, &time) != 0) {
        fprintf(stderr, "cpu-time: no process %s\n", count == 2 ? words[1] : "given");
        return 1;
    }
    printf("%" PRIu64 "\n", (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec);
    return 0;
}
