/* mamsctl: status of the MAMS daemons, steering, log level.  Options and commands; mamsctl(1). */
#include "tools/mamsctl/mamsctl.h"
#include "mams_version.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 2 }; /* exit status of a wrong command line */

struct command {
	const char *name;
	const char *operands; /* after the options, for the help */
	const char *options; /* letters of the option table that it takes besides the common ones */
	const char *summary;
	const char *more;
	int n_operands; /* -1: run looks itself */
	int (*run)(const struct options *o);
};

static const struct command commands[] = {
	{"status", "", "NCPRMTkxqeyn", "what the daemons do",
		"Asks every daemon named by --ncm, --ccm, --proxy, --trailer, --pm or -s; without "
		"these, every\n"
		"daemon that has its socket in /run/mams.\n",
		0, cmd_status},
	{"metrics", "", "NCPRMxqeyn", "counters and gauges of the daemons, for Prometheus",
		"For the daemons that status would ask, in Prometheus's text format.\n", 0,
		cmd_metrics},
	{"sessions", "", "NTxqeyn", "clients and links the NCM knows", "", 0, cmd_sessions},
	{"steer", "--dl LINKS --ul LINKS", "NTduacDUfAoxqeyn",
		"have the NCM steer a client's traffic",
		"LINKS are names of links with commas between them, e.g. wifi,lte.  A link in no "
		"list\n"
		"becomes backup.  Exit status 0 only when the client has applied it.\n"
		"An anchor with GMA takes a MODE for each direction:\n"
		"single, active-standby, smallest-delay, priority, split or duplicate.\n"
		"With --application its traffic alone goes elsewhere, and what is not named "
		"stays.\n",
		0, cmd_steer},
	{"paths", "", "NTxqeyn", "what is known of the quality of clients' links",
		"Measurements that clients report, and path estimations: probes lost, their rate "
		"and\ndelay on links without user data; throughput on the others.\n",
		0, cmd_paths},
	{"network", "", "Nxqeyn", "what the NCM is told of accesses and cells",
		"Load, maintenance and predictions that feeders have posted and that hold, with "
		"their\nages.\n",
		0, cmd_network},
	{"probe", "LINKS", "NTxqeyn", "have a client's links estimated now",
		"LINKS as for steer, or all.  mamsctl paths shows the results.\n", 1, cmd_probe},
	{"drain", "MADP", "Nxqeyn", "move clients off an N-MADP instance",
		"New clients go to other instances; those that it has are moved there, and what "
		"runs\n"
		"through it finishes.  Remembered over a restart of the NCM.\n",
		1, cmd_drain},
	{"undrain", "MADP", "Nxqeyn", "use a drained N-MADP instance again", "", 1, cmd_undrain},
	{"trace", "[SESSION]", "NTp", "what comes from and goes to one client",
		"A line of JSON for each message, with its secrets masked, for each change of "
		"state, and\nfor what N-MADPs, operators and the policy say of it, until it is "
		"interrupted.  SESSION is\nthe client's identity or session.\n",
		-1, cmd_trace},
	{"replay", "FILE", "", "a trace given to the NCM's state machine again",
		"Every change of the session with its time and cause, without any daemon; exit "
		"status 0\nwhen all comes out as it was recorded.  FILE is what trace has "
		"written, as JSON.\n",
		1, cmd_replay},
	{"watch", "", "NTxqeyn", "clients' links and what they carry, once a second",
		"With the last half minute as sparklines; ends when it is interrupted.\n", 0,
		cmd_watch},
	{"why", "[SESSION]", "NCTxqeyn", "why a client's traffic goes where it goes",
		"The last decision of automatic steering for each class of the policy: which "
		"links,\n"
		"why, with which figures, and what waits for how long.  SESSION is the client's\n"
		"identity or session, as for --client.  With --ccm the client's agent tells where\n"
		"its TCP goes, by the proxy or the trailer.\n",
		-1, cmd_why},
	{"policy", "auto | replay FILE | simulate POLICY FILE", "NTxqeyn", "automatic steering",
		"auto: an operator's order holds no longer, the policy steers again.\n"
		"replay: decides the records of a decision log again; exit status 0 when each "
		"comes\n"
		"out as it was recorded.\n"
		"simulate: what the policy file POLICY would have decided on them.\n",
		-1, cmd_policy},
	{"log", "LEVEL", "NCPRMxqeyn", "set the log level: err, warn, info or debug",
		"For the daemons that status would ask.\n", 1, cmd_log},
};

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"timeout", required_argument, NULL, 't'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"ncm", required_argument, NULL, 'N'},
	{"ccm", required_argument, NULL, 'C'},
	{"proxy", required_argument, NULL, 'P'},
	{"trailer", required_argument, NULL, 'R'},
	{"pm", required_argument, NULL, 'M'},
	{"connect", required_argument, NULL, 'x'},
	{"ca", required_argument, NULL, 'q'},
	{"cert", required_argument, NULL, 'e'},
	{"key", required_argument, NULL, 'y'},
	{"name", required_argument, NULL, 'n'},
	{"client", required_argument, NULL, 'T'},
	{"counters", no_argument, NULL, 'k'},
	{"pcapng", no_argument, NULL, 'p'},
	{"dl", required_argument, NULL, 'd'},
	{"ul", required_argument, NULL, 'u'},
	{"anchor", required_argument, NULL, 'a'},
	{"config", required_argument, NULL, 'c'},
	{"dl-mode", required_argument, NULL, 'D'},
	{"ul-mode", required_argument, NULL, 'U'},
	{"off", required_argument, NULL, 'f'},
	{"application", required_argument, NULL, 'A'},
	{"as-configured", no_argument, NULL, 'o'},
	{NULL, 0, NULL, 0},
};

static const struct {
	char letter;
	const char *text;
} option_help[] = {
	{'N', "  --ncm PATH         ctl socket of mams-ncm (/run/mams/ncm.ctl)\n"},
	{'C', "  --ccm PATH         of mams-ccm (/run/mams/ccm.ctl)\n"},
	{'P', "  --proxy PATH       of mams-proxy (/run/mams/proxy.ctl)\n"},
	{'R', "  --trailer PATH     of mams-trailer (/run/mams/trailer.ctl)\n"},
	{'M', "  --pm PATH          of the mptcpd plugin (/run/mams/pm.ctl)\n"},
	{'x', "  --connect WHERE    on another host: https://host:port, an NCM's admin_listen, or\n"
	      "                     address:port, ctl_listen of a mams-proxy or mams-trailer\n"},
	{'q', "  --ca FILE            of its CA, PEM\n"},
	{'e', "  --cert FILE          our own certificate, whose name it lets in\n"},
	{'y', "  --key FILE           and its key\n"},
	{'n', "  --name NAME          in its certificate (the address)\n"},
	{'T', "  --client ID        only this client: its identity or session\n"},
	{'k', "  --counters         with the counters that are not zero\n"},
	{'p', "  --pcapng           as a file for Wireshark, to standard output\n"},
	{'d', "  --dl LINKS         links that carry the downlink\n"},
	{'u', "  --ul LINKS         links that carry the uplink\n"},
	{'a', "  --anchor NAME      the anchor connection whose traffic it is (the first)\n"},
	{'c', "  --config ID        only this MX configuration of it\n"},
	{'D', "  --dl-mode MODE     how the downlink uses its links (as the features say)\n"},
	{'U', "  --ul-mode MODE     how the uplink uses its links\n"},
	{'f', "  --off FEATURES     agreed features not to be used, e.g. lossless_switching\n"},
	{'A', "  --application NAME this traffic alone: an application section of the NCM\n"},
	{'o', "  --as-configured    it is steered no longer\n"},
};

static const char common_help[] = "  -s, --socket PATH  ask whatever daemon listens at PATH\n"
				  "  --json             print the answers as JSON\n"
				  "  --timeout SECONDS  wait at most so long for an answer (5)\n"
				  "  -h, --help         this help\n"
				  "  -V, --version      print the version\n";

static void help(const struct command *c)
{
	if (!c) {
		printf("usage: mamsctl COMMAND [options]\n\n");
		for (size_t i = 0; i < MAMS_ARRAY_LEN(commands); i++)
			printf("  %-9s %s\n", commands[i].name, commands[i].summary);
		printf("\n%s\nmamsctl COMMAND -h tells more; so does mamsctl(1).\n", common_help);
		return;
	}
	printf("usage: mamsctl %s [options]%s%s\n\n%s\n%s\n", c->name, *c->operands ? " " : "",
		c->operands, c->summary, c->more);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(option_help); i++) {
		if (strchr(c->options, option_help[i].letter))
			fputs(option_help[i].text, stdout);
	}
	fputs(common_help, stdout);
}

static int set_timeout(struct options *o, const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(s >= 0.01 && s <= 3600)) {
		complain("--timeout %s: want seconds, 0.01 to 3600", text);
		return -1;
	}
	o->timeout_ms = (int)(s * 1000);
	return 0;
}

static int set_configuration(struct options *o, const char *text)
{
	char *end;
	unsigned long id = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || id < 1 || id > 255) {
		complain("--config %s: want the number of an MX configuration, 1 to 255", text);
		return -1;
	}
	o->configuration = (uint32_t)id;
	return 0;
}

static const char **socket_of(struct options *o, int letter)
{
	switch (letter) {
	case 'N':
		return &o->sockets[D_NCM];
	case 'C':
		return &o->sockets[D_CCM];
	case 'P':
		return &o->sockets[D_PROXY];
	case 'R':
		return &o->sockets[D_TRAILER];
	case 'M':
		return &o->sockets[D_PM];
	case 's':
		return &o->socket;
	case 'x':
		return &o->connect;
	case 'q':
		return &o->ca;
	case 'e':
		return &o->cert;
	case 'y':
		return &o->key;
	case 'n':
		return &o->name;
	case 'T':
		return &o->client;
	case 'd':
		return &o->dl;
	case 'u':
		return &o->ul;
	case 'a':
		return &o->anchor;
	case 'D':
		return &o->dl_mode;
	case 'U':
		return &o->ul_mode;
	case 'f':
		return &o->off;
	case 'A':
		return &o->application;
	}
	return NULL;
}

/* Bits of what stood on the command line, to hold it against the command's letters afterwards: the
 * command may come last. */
struct given {
	char letters[32];
	size_t n;
	bool help;
	bool version;
};

static int parse(int argc, char **argv, struct options *o, struct given *g)
{
	int c;

	while ((c = getopt_long(argc, argv, "s:hV", long_options, NULL)) != -1) {
		const char **text = socket_of(o, c);

		if (text)
			*text = optarg;
		else if (c == 'j')
			o->json = true;
		else if (c == 'k')
			o->counters = true;
		else if (c == 'p')
			o->pcapng = true;
		else if (c == 'o')
			o->as_configured = true;
		else if (c == 'h')
			g->help = true;
		else if (c == 'V')
			g->version = true;
		else if (c == 'c' ? set_configuration(o, optarg) < 0
				  : c != 't' || set_timeout(o, optarg) < 0)
			return -1;
		if (!strchr("stjhV", c) && g->n + 1 < sizeof(g->letters))
			g->letters[g->n++] = (char)c;
	}
	return 0;
}

static const struct command *command_by_name(const char *name)
{
	for (size_t i = 0; i < MAMS_ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static const char *long_name(char letter)
{
	for (const struct option *l = long_options; l->name; l++) {
		if (l->val == letter)
			return l->name;
	}
	return "?";
}

static int check_steer(const struct options *o)
{
	bool any = o->dl || o->ul || o->dl_mode || o->ul_mode;

	if (!o->application && (!o->dl || !o->ul))
		complain("steer wants --dl and --ul, e.g. --dl wifi,lte --ul wifi,lte");
	else if (!o->application && o->as_configured)
		complain("--as-configured wants --application");
	else if (o->application && any == o->as_configured)
		complain("steer --application wants --dl, --ul, --dl-mode or --ul-mode, or else "
			 "--as-configured");
	else
		return 0;
	return -1;
}

static int check_remote(const struct options *o)
{
	bool local = o->socket;

	for (int d = 0; d < D_COUNT; d++)
		local |= o->sockets[d] != NULL;
	if (o->connect ? o->ca && o->cert && o->key && !local
		       : !o->ca && !o->cert && !o->key && !o->name)
		return 0;
	complain("--connect wants --ca, --cert and --key, they want it, and no socket besides");
	return -1;
}

/* @return 0, or -1 after an explanation */
static int check(const struct command *c, const struct options *o, const struct given *g, int left)
{
	for (size_t i = 0; i < g->n; i++) {
		if (!strchr(c->options, g->letters[i])) {
			complain("%s takes no --%s; mamsctl %s -h", c->name,
				long_name(g->letters[i]), c->name);
			return -1;
		}
	}
	if (c->n_operands >= 0 && left != c->n_operands) {
		complain("usage: mamsctl %s [options] %s; mamsctl %s -h", c->name, c->operands,
			c->name);
		return -1;
	}
	return check_remote(o) < 0 ? -1 : c->run == cmd_steer ? check_steer(o) : 0;
}

int main(int argc, char **argv)
{
	struct options o = {.timeout_ms = 5000};
	const struct command *c = NULL;
	struct given g = {0};

	if (parse(argc, argv, &o, &g) < 0)
		return USAGE;
	if (g.version) {
		printf("mamsctl %s\n", MAMS_VERSION);
		return 0;
	}
	if (optind < argc) {
		c = command_by_name(argv[optind]);
		if (!c) {
			complain("no command \"%s\"; mamsctl -h lists them", argv[optind]);
			return USAGE;
		}
	}
	if (g.help) {
		help(c);
		return 0;
	}
	if (!c) {
		complain("which command? mamsctl -h lists them");
		return USAGE;
	}
	if (check(c, &o, &g, argc - optind - 1) < 0)
		return USAGE;
	if (c->n_operands == 1)
		o.level = argv[optind + 1];
	o.n_operands = argc - optind - 1;
	o.operands = argv + optind + 1;
	return c->run(&o);
}
