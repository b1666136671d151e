/* Both ends of an association, each with a charon of its own: what netns/charon.sh runs.
 * usage: mams-test-ipsec CLIENT.vici NETWORK.vici CLIENT-ADDRESS NETWORK-ADDRESS; commands on
 * standard input: set SECRET, network SECRET, nat SECRET, rival SECRET (another session that
 * reports the client's address, at the N-MADP), anew, del, end; each change of state is a line of
 * output.
 */
#include "lib/base/log.h"
#include "lib/io/ipsec.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct side {
	const char *name;
	struct mams_ipsec *x;
};

static struct mams_loop *loop;
static struct side client = {.name = "client"};
static struct side network = {.name = "network"};
static struct mams_addr addresses[2];
static bool nat;

static const struct mams_ipsec_key key = {
	.ncm_id = 7, .session_id = 12345678901234567890u, .anchor_id = 1, .connection_id = 3};
static const struct mams_ipsec_key rival = {
	.ncm_id = 7, .session_id = 2, .anchor_id = 1, .connection_id = 3};

static void changed(void *user, const struct mams_ipsec_key *k, const struct mams_ipsec_status *st)
{
	const struct side *s = user;

	printf("%s%s %s%s%s\n", k->session_id == rival.session_id ? "rival's " : "", s->name,
		mams_assoc_state_name(st->state), st->why ? ": " : "", st->why ? st->why : "");
	fflush(stdout);
}

static void charon(void *user, bool up)
{
	const struct side *s = user;

	printf("%s charon %s\n", s->name, up ? "there" : "gone");
	fflush(stdout);
}

static const struct mams_ipsec_ops ops = {.changed = changed, .charon = charon};

static void set(struct side *s, const struct mams_ipsec_key *k, const char *secret)
{
	bool is_client = s == &client;
	struct mams_ipsec_want w = {.key = *k,
		.nat = nat,
		.local = addresses[!is_client],
		.remote = addresses[is_client],
		.initiate = is_client};

	snprintf(w.secret, sizeof(w.secret), "%s", secret);
	if (mams_ipsec_set(s->x, &w) < 0)
		mams_loop_stop(loop);
}

static void command(char *line)
{
	char *arg = strchr(line, ' ');

	if (arg)
		*arg++ = '\0';
	if (strcmp(line, "nat") == 0)
		nat = true;
	if ((strcmp(line, "set") == 0 || strcmp(line, "nat") == 0) && arg) {
		set(&network, &key, arg);
		set(&client, &key, arg);
	} else if (strcmp(line, "network") == 0 && arg) {
		set(&network, &key, arg);
	} else if (strcmp(line, "rival") == 0 && arg) {
		set(&network, &rival, arg);
	} else if (strcmp(line, "anew") == 0) {
		mams_ipsec_anew(client.x, &key);
	} else if (strcmp(line, "del") == 0) {
		mams_ipsec_del(client.x, &key);
		mams_ipsec_del(network.x, &key);
	} else if (strcmp(line, "end") == 0) {
		mams_loop_stop(loop);
	}
}

static void on_input(void *user, int fd, unsigned events)
{
	static char line[256];
	static size_t n;
	char c;

	(void)user;
	(void)events;
	while (read(fd, &c, 1) == 1) {
		if (c != '\n' && n < sizeof(line) - 1) {
			line[n++] = c;
			continue;
		}
		line[n] = '\0';
		n = 0;
		command(line);
	}
}

int main(int argc, char **argv)
{
	struct mams_loop_fd *input = NULL;

	mams_log_init("test-ipsec", MAMS_LOG_STDERR, MAMS_LOG_DEBUG);
	if (argc != 5 || mams_addr_parse(argv[3], &addresses[0]) < 0 ||
		mams_addr_parse(argv[4], &addresses[1]) < 0 || mams_loop_new(&loop) < 0 ||
		fcntl(0, F_SETFL, O_NONBLOCK) < 0 ||
		mams_loop_fd_add(loop, 0, MAMS_LOOP_READ, on_input, NULL, &input) < 0 ||
		mams_ipsec_new(loop, argv[1], "ccm", &ops, &client, &client.x) < 0 ||
		mams_ipsec_new(loop, argv[2], "proxy", &ops, &network, &network.x) < 0)
		return 2;
	mams_loop_run(loop);
	mams_ipsec_clear(argv[1], "ccm");
	mams_ipsec_clear(argv[2], "proxy");
	mams_ipsec_free(client.x);
	mams_ipsec_free(network.x);
	mams_loop_fd_del(input);
	mams_loop_free(loop);
	return 0;
}
