#include "lib/io/ctlmsg.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>

#define LOG_MODULE "ctl"

static int encode(struct ctl_msg *msg, struct mams_buf *text, struct mams_error *err)
{
	int rc = msg ? ctl_encode(msg, 0, text, err) : -ENOMEM;

	ctl_msg_free(msg);
	return rc;
}

static void forget(struct mams_buf *text)
{
	if (text->data)
		mams_wipe(text->data, text->len);
	mams_buf_fini(text);
}

int mams_ctl_say(struct mams_ctl_conn *c, struct ctl_msg *msg, struct mams_error *err)
{
	struct mams_buf text = {0};
	int rc = encode(msg, &text, err);

	if (rc == 0)
		rc = mams_ctl_send(c, text.data, text.len);
	forget(&text);
	return rc;
}

void mams_ctl_answer(struct mams_ctl_conn *c, struct ctl_msg *msg)
{
	struct mams_error err = {0};
	int rc = mams_ctl_say(c, msg, &err);

	if (rc < 0)
		log_warn("cannot answer on ctl: %s %s %s", mams_strerror(rc), err.where, err.text);
}

void mams_ctl_answer_result(struct mams_ctl_conn *c, uint32_t id, int code, const char *text)
{
	mams_ctl_answer(c, ctl_result_new(id, (uint32_t)code, text));
}

void mams_ctl_tell_all(struct mams_ctl_server *s, struct ctl_msg *msg)
{
	struct mams_error err = {0};
	struct mams_buf text = {0};
	int rc = encode(msg, &text, &err);

	if (rc == 0)
		mams_ctl_broadcast(s, text.data, text.len);
	else
		log_warn("cannot tell an event on ctl: %s %s %s", mams_strerror(rc), err.where,
			err.text);
	forget(&text);
}

bool mams_ctl_tell_news(struct mams_ctl_server *s, struct ctl_msg *msg)
{
	struct mams_error err = {0};
	struct mams_buf text = {0};
	bool told = encode(msg, &text, &err) == 0 && mams_ctl_news(s, text.data, text.len);

	forget(&text);
	return told;
}

int mams_ctl_say_once(const char *path, struct ctl_msg *msg, int timeout_ms)
{
	struct mams_error err = {0};
	struct mams_buf text = {0};
	char *answer = NULL;
	size_t len;
	int rc = encode(msg, &text, &err);

	if (rc == 0)
		rc = mams_ctl_call(path, text.data, text.len, timeout_ms, &answer, &len);
	free(answer);
	forget(&text);
	return rc;
}
