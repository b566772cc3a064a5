/* The yardstick of relay.py: a plain relay on one core, epoll, one connected UDP socket per leg.
 *
 *   c_relay CALLS FIRST_PORT FIRST_FAR_PORT
 *
 * Leg i is bound to FIRST_PORT + 2i and connected to FIRST_FAR_PORT + 2i; legs 2k and 2k+1 hear each other.
 * SSRC, sequence number and timestamp are rewritten as the product does it. Ends when standard input does.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST 0x7f00004d /* 127.0.0.77 */

struct leg {
    int udp;
    uint32_t ssrc, timestamp_offset;
    uint16_t sequence_offset;
    uint64_t packets;
};

static struct sockaddr_in local(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(HOST);
    return address;
}

static int open_leg(int port, int far_port)
{
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in here = local(port), there = local(far_port);
    if (udp < 0 || bind(udp, (struct sockaddr *)&here, sizeof here) < 0 ||
        connect(udp, (struct sockaddr *)&there, sizeof there) < 0) {
        perror("leg");
        exit(1);
    }
    return udp;
}

static void rewrite(unsigned char *packet, const struct leg *out)
{
    uint16_t sequence;
    uint32_t timestamp, ssrc = htonl(out->ssrc);
    memcpy(&sequence, packet + 2, 2);
    memcpy(&timestamp, packet + 4, 4);
    sequence = htons(ntohs(sequence) + out->sequence_offset);
    timestamp = htonl(ntohl(timestamp) + out->timestamp_offset);
    memcpy(packet + 2, &sequence, 2);
    memcpy(packet + 4, &timestamp, 4);
    memcpy(packet + 8, &ssrc, 4);
}

int main(int count, char **words)
{
    if (count != 4)
        return 2;
    int legs = 2 * atoi(words[1]), first = atoi(words[2]), far = atoi(words[3]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct leg *all = calloc(legs, sizeof *all);
    int poll = epoll_create1(0);
    for (int i = 0; i < legs; i++) {
        all[i] = (struct leg){open_leg(first + 2 * i, far + 2 * i), rand(), rand(), rand(), 0};
        struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(poll, EPOLL_CTL_ADD, all[i].udp, &wanted);
    }
    struct epoll_event end = {.events = EPOLLIN, .data.u32 = legs};
    epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &end);
    puts("ready");
    fflush(stdout);
    static unsigned char packet[2048];
    static struct epoll_event ready[1024];
    for (;;) {
        int number = epoll_wait(poll, ready, 1024, -1);
        for (int n = 0; n < number; n++) {
            uint32_t i = ready[n].data.u32;
            if (i == (uint32_t)legs) {
                uint64_t relayed = 0;
                for (int each = 0; each < legs; each++)
                    relayed += all[each].packets;
                printf("%llu\n", (unsigned long long)relayed);
                return 0;
            }
            ssize_t size = recv(all[i].udp, packet, sizeof packet, 0);
            if (size < 12)
                continue;
            struct leg *out = &all[i ^ 1];
            rewrite(packet, out);
            if (send(out->udp, packet, size, 0) == size)
                out->packets++;
        }
    }
}
