/* The yardstick of playback.py: 20 ms frames to many listeners on absolute deadlines, a connected socket each.
 *
 *   c_playback LISTENERS FIRST_FAR_PORT SECONDS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define HOST 0x7f00004d /* 127.0.0.77 */

int main(int count, char **words)
{
    if (count != 4)
        return 2;
    int listeners = atoi(words[1]), far = atoi(words[2]), ticks = atoi(words[3]) * 50;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int *udp = calloc(listeners, sizeof *udp);
    for (int i = 0; i < listeners; i++) {
        struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(far + 2 * i)};
        there.sin_addr.s_addr = htonl(HOST);
        udp[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (udp[i] < 0 || connect(udp[i], (struct sockaddr *)&there, sizeof there) < 0) {
            perror("listener");
            return 1;
        }
    }
    static unsigned char packet[172];
    memset(packet, 0xd5, sizeof packet);
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    for (int tick = 0; tick < ticks; tick++) {
        for (int i = 0; i < listeners; i++) {
            uint16_t sequence = htons(tick);
            uint32_t timestamp = htonl(tick * 160), ssrc = htonl(i);
            packet[0] = 0x80, packet[1] = 8;
            memcpy(packet + 2, &sequence, 2);
            memcpy(packet + 4, &timestamp, 4);
            memcpy(packet + 8, &ssrc, 4);
            send(udp[i], packet, sizeof packet, 0);
        }
        deadline.tv_nsec += 20000000;
        if (deadline.tv_nsec >= 1000000000)
            deadline.tv_nsec -= 1000000000, deadline.tv_sec++;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%ld\n", (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
                        used.ru_stime.tv_usec);
    return 0;
}
