/* What the debugger's checks debug. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

volatile long total;

__attribute__((noinline)) long tick(long n)
{
	long twice = 2 * n;

	total += twice;
	return twice - n;
}

/* debugged seek N: so many system calls, each with its number in the second argument. */
static void seek(long count)
{
	for (long n = 1; n <= count; n++)
		syscall(SYS_lseek, 3, n, 9);
	printf("SOUGHT %ld\n", count);
}

/* debugged spin: without end. */
static void spin(void)
{
	for (long n = 1;; n++)
		tick(n);
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "seek") == 0)
		seek(atol(argv[2]));
	else if (argc > 1 && strcmp(argv[1], "spin") == 0)
		spin();
	else
		for (long n = 1; n <= 3; n++)
			printf("TICK %ld %ld\n", n, tick(n));
	return 0;
}
