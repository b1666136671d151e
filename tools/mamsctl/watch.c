/* mamsctl watch: an NCM's sessions, once a second, until it is interrupted. */
#include "tools/mamsctl/mamsctl.h"
#include "tools/mamsctl/watch_view.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PAGE 100u    /* sessions of one answer */
#define HEIGHT 1000u /* of what is no terminal, */
#define WIDTH 132u   /* and how wide it is */

static struct ctl_msg *ask_once(const struct options *o, const struct target *t)
{
	struct ctl_msg *request = ctl_msg_new(CTL_STATUS_REQ, 1);
	struct ctl_msg *m = NULL;

	if (!request) {
		complain("out of memory");
		return NULL;
	}
	request->status_req.client = o->client;
	request->status_req.has_limit = true;
	request->status_req.limit = PAGE;
	if (ask(o, t, request, &m) == 0 && m->type != CTL_NCM_STATUS) {
		complain("%s: this is not the NCM (it answers with %s)", t->path,
			ctl_type_name(m->type));
		ctl_msg_free(m);
		m = NULL;
	}
	ctl_msg_free(request);
	return m;
}

/* Each line over what stood there: no flicker. */
static int draw(const struct mams_buf *text, bool terminal)
{
	const char *line = text->data;
	const char *end;

	if (terminal)
		fputs("\033[H", stdout);
	for (; line && (end = strchr(line, '\n')) != NULL; line = end + 1)
		printf("%.*s%s\n", (int)(end - line), line, terminal ? "\033[K" : "");
	if (terminal)
		fputs("\033[J", stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int show(const struct options *o, struct watch_history *h, const struct ctl_msg *m)
{
	const bool terminal = isatty(STDOUT_FILENO);
	struct winsize size = {.ws_row = HEIGHT, .ws_col = WIDTH};
	struct watch_screen screen;
	struct mams_buf text = {0};
	int status;

	if (o->json)
		return print_json(m);
	if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){.ws_row = HEIGHT, .ws_col = WIDTH};
	watch_take(h, &m->ncm_status);
	screen = (struct watch_screen){.height = size.ws_row > 1 ? size.ws_row - 1u : 1,
		.width = size.ws_col,
		.colour = terminal};
	watch_print(h, &m->ncm_status, &screen, &text);
	status = text.failed ? 1 : draw(&text, terminal);
	mams_buf_fini(&text);
	return status;
}

int cmd_watch(const struct options *o)
{
	const struct timespec second = {.tv_sec = 1};
	struct watch_history *h = watch_history_new();
	struct target t = target_of(o, D_NCM);
	int status = h ? 0 : 1;

	while (status == 0) {
		struct ctl_msg *m = ask_once(o, &t);

		status = m ? show(o, h, m) : 1;
		ctl_msg_free(m);
		if (status == 0)
			nanosleep(&second, NULL);
	}
	watch_history_free(h);
	return status;
}
