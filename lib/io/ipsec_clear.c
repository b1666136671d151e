/* Removal of what a daemon has left in charon, without a loop: at its end, and by --cleanup. */
#include "lib/io/ipsec.h"
#include "lib/io/ipsec_cmd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 2
#define ANSWER_MAX (64u * 1024u)

static int dial(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
		connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -EPIPE;
	}
	return fd;
}

static int receive(int fd, void *to, size_t n)
{
	return recv(fd, to, n, MSG_WAITALL) == (ssize_t)n ? 0 : -EPIPE;
}

/* @param answer  [ANSWER_MAX]; NULL: of no interest
 *  @return 0, or a negative code: nothing further is asked */
static int ask(int fd, struct mams_vici_writer w, uint8_t *answer, struct mams_vici_packet *p)
{
	int len = mams_vici_finish(&w);
	uint8_t head[4];
	struct mams_rd r = mams_rd_init(head, sizeof(head));
	uint32_t n;

	if (len < 0 || send(fd, w.w.data, (size_t)len, MSG_NOSIGNAL) != len ||
		receive(fd, head, sizeof(head)) < 0)
		return -EPIPE;
	n = mams_rd_u32(&r);
	if (n > ANSWER_MAX || receive(fd, answer, n) < 0)
		return -EPIPE;
	return mams_vici_packet(answer, n, p);
}

static int remove_one(int fd, const char *name, uint8_t *answer)
{
	uint8_t room[MAMS_IPSEC_CMD_BYTES];
	struct mams_vici_packet p;
	int rc = ask(fd, mams_ipsec_unload_conn(room, name), answer, &p);

	if (rc == 0)
		rc = ask(fd, mams_ipsec_unload_shared(room, name), answer, &p);
	return rc == 0 ? ask(fd, mams_ipsec_terminate(room, name), answer, &p) : rc;
}

/* The names come in the first answer, which later ones must not overwrite. */
static void remove_listed(
	int fd, const char *owner, const char *question, uint8_t *list, uint8_t *answer)
{
	uint8_t room[64];
	char name[MAMS_IPSEC_NAME_MAX];
	struct mams_vici_packet p;
	struct mams_vici_reader v;
	struct mams_vici_item item;
	int rc =
		ask(fd, mams_vici_begin(room, sizeof(room), MAMS_VICI_REQUEST, question), list, &p);

	if (rc < 0)
		return;
	v = mams_vici_read(&p.body);
	while (rc == 0 && mams_vici_next(&v, &item) == 0 && item.kind != MAMS_VICI_END) {
		if (item.kind != MAMS_VICI_ITEM || !mams_ipsec_is_ours(owner, &item.value))
			continue;
		mams_vici_string(&item.value, name, sizeof(name));
		rc = remove_one(fd, name, answer);
	}
}

void mams_ipsec_clear(const char *socket, const char *owner)
{
	int fd = dial(socket);
	uint8_t *room = fd < 0 ? NULL : malloc(2 * ANSWER_MAX);

	if (room) {
		remove_listed(fd, owner, "get-conns", room, room + ANSWER_MAX);
		remove_listed(fd, owner, "get-shared", room, room + ANSWER_MAX);
	}
	free(room);
	if (fd >= 0)
		close(fd);
}
