/* The fast path of media/fastpath.py: packets of streams that are relayed as they come, or kept for who listens.
 *
 * One turn waits for sockets that can be read, and of each stream whose numbers are lent here it reads one packet,
 * looks at it, counts it, keeps its payload where somebody listens, renumbers it and sends it on where somebody
 * else hears it. A packet that is any news is left to Python as it came, and so are all other sockets. Streams that
 * nobody hears are in a poll of their own, and the kernel tells when their packets came; of others it is asked when
 * this process was held up. No memory is allocated, and no packet is read beyond its slot or kept beyond its room.
 */
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define HEADER_BYTES 12
#define MOST_EVENTS 512
#define JOINED_S 0.2 /* from the first to the last of what is kept as one, at most */
#define LONGEST_WAIT_S 1.0 /* of a packet, unless this process was held up; a clock that says more was set meanwhile */
#define HELD_UP_S 0.5 /* without a turn; the same as in media/stamps.py */
#define NOT_LENT -1 /* in place of a socket; below it: lent, and nobody hears it */

/* The same as `Stream` in media/fastpath.py. */
struct stream {
    int32_t out; /* the socket that sends to who hears it */
    uint32_t ssrc, sent_ssrc;
    uint32_t ticks, ticks_offset; /* timestamp of the last packet, and what is added to timestamps */
    uint16_t head, sent_head;     /* version and payload type, as they come and as they are sent */
    uint16_t sequence, sequence_offset; /* of the packet that is no news, and what is added to it */
    uint64_t packets, octets;
    double clock_hz, transit, jitter, heard_at;
    unsigned char *kept; /* payloads, each behind a struct kept; NULL: nobody listens */
    uint32_t kept_bytes, kept_room, kept_last; /* the latter: where the last of them begins */
    uint32_t joins; /* whether a byte is a tick, so that payloads which follow at once are one */
};

/* The same as `KEPT`. */
struct kept {
    double at; /* when the first packet of it came */
    uint32_t ticks, size;
};

/* The same as `Item`: what is left to Python. */
struct item {
    int32_t descriptor;
    int32_t size; /* of the packet in the slot of the same index; -1: nothing was read */
    double at;    /* when it came */
};

/* Of which lines this was compiled: the CRC-32 of this file. */
uint32_t fastpath_source(void)
{
    return SOURCE;
}

static double now_s(const double *told)
{
    if (told != NULL)
        return *told;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static uint32_t kept_size(ssize_t size)
{
    return sizeof(struct kept) + ((size - HEADER_BYTES + 7) & ~7);
}

static int is_usual(const struct stream *stream, const unsigned char *packet, ssize_t size)
{
    uint16_t head, sequence;
    uint32_t ssrc;
    if (size < HEADER_BYTES)
        return 0;
    memcpy(&head, packet, 2);
    memcpy(&sequence, packet + 2, 2);
    memcpy(&ssrc, packet + 8, 4);
    return ntohs(head) == stream->head && ntohs(sequence) == stream->sequence && ntohl(ssrc) == stream->ssrc &&
           sequence != 0 && /* numbers that begin again are counted elsewhere */
           (stream->kept == NULL || stream->kept_room - stream->kept_bytes >= kept_size(size));
}

static void keep(struct stream *stream, const unsigned char *packet, uint32_t ticks, ssize_t size, double now)
{
    struct kept last, kept = {now, ticks, size - HEADER_BYTES};
    unsigned char *place = stream->kept + stream->kept_bytes;
    if (stream->joins && stream->kept_bytes) {
        memcpy(&last, stream->kept + stream->kept_last, sizeof last);
        if (last.ticks + last.size == ticks && now - last.at < JOINED_S) {
            memcpy(stream->kept + stream->kept_last + sizeof last + last.size, packet + HEADER_BYTES, kept.size);
            last.size += kept.size;
            memcpy(stream->kept + stream->kept_last, &last, sizeof last);
            stream->kept_bytes = stream->kept_last + kept_size(last.size + HEADER_BYTES);
            return;
        }
    }
    memcpy(place, &kept, sizeof kept);
    memcpy(place + sizeof kept, packet + HEADER_BYTES, kept.size);
    stream->kept_last = stream->kept_bytes;
    stream->kept_bytes += kept_size(size);
}

static void count(struct stream *stream, uint32_t ticks, ssize_t size, double now)
{
    double transit = now * stream->clock_hz - ticks;
    double change = transit - stream->transit;
    change = change < 0 ? -change : change;
    if (change < stream->clock_hz)
        stream->jitter += (change - stream->jitter) / 16;
    stream->transit = transit;
    stream->heard_at = now;
    stream->ticks = ticks;
    stream->sequence++;
    stream->packets++;
    stream->octets += size - HEADER_BYTES;
}

static void renumber(const struct stream *stream, unsigned char *packet, uint32_t ticks)
{
    uint16_t head = htons(stream->sent_head);
    uint16_t sequence = htons(stream->sequence + stream->sequence_offset);
    uint32_t sent_ticks = htonl(ticks + stream->ticks_offset), ssrc = htonl(stream->sent_ssrc);
    memcpy(packet, &head, 2);
    memcpy(packet + 2, &sequence, 2);
    memcpy(packet + 4, &sent_ticks, 4);
    memcpy(packet + 8, &ssrc, 4);
}

static void move(struct stream *stream, unsigned char *packet, ssize_t size, double now)
{
    uint32_t ticks;
    memcpy(&ticks, packet + 4, 4);
    ticks = ntohl(ticks);
    if (stream->kept != NULL)
        keep(stream, packet, ticks, size, now);
    if (stream->out >= 0) {
        renumber(stream, packet, ticks);
        send(stream->out, packet, size, MSG_NOSIGNAL | MSG_DONTWAIT); /* what the network refuses is lost */
    }
    count(stream, ticks, size, now);
}

/* Return, in seconds of one clock, when a packet came of which the kernel tells by the other. */
static double came_s(const struct timespec *came, double longest)
{
    double now = now_s(NULL);
    struct timespec read;
    clock_gettime(CLOCK_REALTIME, &read);
    double waited = difftime(read.tv_sec, came->tv_sec) + (read.tv_nsec - came->tv_nsec) * 1e-9;
    return waited > 0 && waited < longest ? now - waited : now;
}

/* Return when the packet came that was read last, of a socket whose packets are stamped (media/stamps.py). */
static double last_came_s(int descriptor, double longest)
{
    struct timespec came;
    return ioctl(descriptor, SIOCGSTAMPNS, &came) == 0 ? came_s(&came, longest) : now_s(NULL);
}

/* Read a packet that has waited; return its size, negative where there is none, and in `at` when it came. */
static ssize_t receive_late(int descriptor, unsigned char *slot, int slot_bytes, double *at, double longest)
{
    union {
        struct cmsghdr head; /* for its alignment */
        unsigned char bytes[CMSG_SPACE(sizeof(struct timespec))];
    } told;
    struct iovec part = {slot, slot_bytes};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &told, .msg_controllen = sizeof told};
    ssize_t size = recvmsg(descriptor, &message, MSG_DONTWAIT);
    struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
    if (size >= 0 && stamp != NULL && stamp->cmsg_level == SOL_SOCKET && stamp->cmsg_type == SCM_TIMESTAMPNS) {
        struct timespec came;
        memcpy(&came, CMSG_DATA(stamp), sizeof came);
        *at = came_s(&came, longest);
    }
    return size;
}

/* Have the kernel tell with each packet of a socket when it came, or only when asked. */
void fastpath_stamp(int descriptor, int is_on)
{
    setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &is_on, sizeof is_on);
}

/* Wait for at most so many milliseconds (-1: for ever); return how many sockets could be read, negative where the
 * wait failed. Where it `is_late`, `poll` has packets that have waited, and their sockets are all read here.
 * `streams` are by descriptor, `slots` are `most` times `slot_bytes`; `left` says how many `items` there are for
 * Python. `now` is the time in seconds, NULL where the clock is to be read; what came before `since` was read. */
int fastpath_turn(int poll, int milliseconds, int is_late, struct stream *streams, int known, struct item *items,
                  unsigned char *slots, int slot_bytes, int most, int *left, const double *now, double since)
{
    struct epoll_event ready[MOST_EVENTS];
    int number = epoll_wait(poll, ready, most < MOST_EVENTS ? most : MOST_EVENTS, milliseconds);
    double unread_s = now_s(now) - since, longest = LONGEST_WAIT_S + (unread_s > 0 ? unread_s : 0);
    int is_held_up = now == NULL && unread_s > HELD_UP_S;
    *left = 0;
    for (int n = 0; n < number; n++) {
        int descriptor = ready[n].data.fd;
        struct stream *stream = descriptor >= 0 && descriptor < known ? &streams[descriptor] : NULL;
        struct item *item = &items[*left];
        unsigned char *slot = slots + (size_t)*left * slot_bytes;
        int is_lent = stream != NULL && stream->out != NOT_LENT;
        if (!is_lent && !is_late) {
            *item = (struct item){descriptor, -1, 0};
            ++*left;
            continue;
        }
        double at = now_s(now);
        ssize_t size = is_late && now == NULL ? receive_late(descriptor, slot, slot_bytes, &at, longest)
                                              : recv(descriptor, slot, slot_bytes, MSG_DONTWAIT);
        if (size < 0)
            continue; /* an ICMP error of an earlier packet: the far end is not listening (yet) */
        if (is_held_up && !is_late && stream->kept != NULL)
            at = last_came_s(descriptor, longest);
        if (is_lent && is_usual(stream, slot, size)) {
            move(stream, slot, size, at);
        } else {
            *item = (struct item){descriptor, size, at};
            ++*left;
        }
    }
    return number;
}
