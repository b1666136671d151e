#include "ncm-service/intake.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/rate.h"
#include "ncm-service/mailbox.h"

#include <errno.h>
#include <string.h>

#define LOG_MODULE "intake"
#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct ncm_intake, counters.field)              \
	}

const struct mams_metric ncm_intake_counter_rows[] = {
	CNT("messages_total", messages, "messages of clients"),
	CNT("messages_bad_total", bad_message, "E1, E2, E3, E7: not decodable"),
	CNT("messages_unknown_session_total", unknown_session, "E4: no such session"),
	CNT("messages_foreign_session_total", foreign_session, "E5: session of another identity"),
	CNT("outbox_full_total", outbox_full, "NCM-started messages that nobody fetched, dropped"),
	CNT("messages_too_many_total", too_many, "messages beyond max_rate, not looked at"),
	CNT("messages_too_long_total", too_long, "messages too long for the client's transport"),
};
const size_t ncm_intake_n_counter_rows = MAMS_ARRAY_LEN(ncm_intake_counter_rows);

static bool is_one_of(const char **names, size_t n, const char *identity)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], identity) == 0)
			return true;
	return false;
}

bool ncm_identity_is_feeder(const struct ncm_conf *conf, const char *identity)
{
	return is_one_of(conf->feed_clients, conf->n_feed_clients, identity);
}

bool ncm_identity_may_steer(const struct ncm_conf *conf, const char *identity)
{
	return is_one_of(conf->operators, conf->n_operators, identity);
}

bool ncm_identity_may_view(const struct ncm_conf *conf, const char *identity)
{
	return is_one_of(conf->viewers, conf->n_viewers, identity) ||
	       ncm_identity_may_steer(conf, identity);
}

bool ncm_identity_is_reserved(const struct ncm_conf *conf, const char *identity)
{
	return strncmp(identity, NCM_UDP_IDENTITY, strlen(NCM_UDP_IDENTITY)) == 0 ||
	       ncm_identity_is_feeder(conf, identity) || ncm_identity_may_view(conf, identity);
}

int ncm_intake_encode(const struct mx_msg *m, char **text, size_t *len)
{
	struct mams_buf b = {0};
	struct mams_error err;
	int rc = mx_encode(m, 0, &b, &err);

	if (rc < 0) {
		log_err("cannot write %s: %s: %s", mx_type_name(m->type), err.where, err.text);
		mams_buf_fini(&b);
		return rc;
	}
	*len = b.len;
	*text = mams_buf_take(&b);
	return *text ? 0 : -ENOMEM;
}

void ncm_receipt_fini(struct ncm_receipt *r)
{
	mams_wipe(r->text, r->len);
	free(r->text);
	r->text = NULL;
}

static enum ncm_outcome of_decoding(int rc)
{
	switch (-rc) {
	case ENOMEM:
		return NCM_IN_BUSY;
	case MAMS_EPROTO:
	case MAMS_ELIMIT:
		return NCM_IN_NOT_JSON;
	case MAMS_EUNKNOWN:
	case MAMS_ESTATE:
		return NCM_IN_UNKNOWN_TYPE;
	default:
		return NCM_IN_WRONG_VALUE;
	}
}

static enum ncm_outcome of_service(struct ncm_intake *in, int rc)
{
	switch (-rc) {
	case 0:
		return NCM_IN_OK;
	case ENOENT:
		in->counters.unknown_session++;
		return NCM_IN_UNKNOWN_SESSION;
	case MAMS_EDENIED:
		in->counters.foreign_session++;
		return NCM_IN_FOREIGN;
	case MAMS_ESTATE:
		return NCM_IN_WRONG_STATE;
	case MAMS_EUNKNOWN:
		return NCM_IN_IGNORED;
	case MAMS_ELIMIT:
	case ENOMEM:
		return NCM_IN_BUSY;
	default:
		return NCM_IN_WRONG_VALUE;
	}
}

/* E4 where there is no status to answer with: the client is told to begin again.  His answer to
 * that names the session that is not there, and is not answered. */
static void write_termination(const struct mx_msg *m, struct ncm_receipt *out)
{
	const struct mx_session_id *id =
		m->type == MX_SESSION_TERMINATION_RSP ? NULL : mx_msg_session(m);
	struct mx_msg *t = id ? mx_msg_new(MX_SESSION_TERMINATION_REQ, m->sequence_num) : NULL;
	struct mx_session_id *copy = t ? mx_alloc(t, sizeof(*copy)) : NULL;

	if (copy) {
		*copy = *id;
		t->session_termination = (struct mx_session_termination){
			.unique_session_id = copy, .has_reason = true, .reason = MX_INTERNAL_ERROR};
		(void)!ncm_intake_encode(t, &out->text, &out->len);
	}
	mx_msg_free(t);
}

static int give(struct ncm_intake *in, const struct ncm_sender *from, const struct mx_msg *m,
	struct ncm_receipt *out)
{
	const struct mx_msg *reply = NULL;
	int rc;

	rc = ncm_service_message(
		in->service, from->identity, from->transport, m, &reply, &out->err);
	if (rc == 0 && reply)
		rc = ncm_intake_encode(reply, &out->text, &out->len);
	out->outcome = of_service(in, rc);
	if (out->outcome == NCM_IN_UNKNOWN_SESSION)
		write_termination(m, out);
	return rc;
}

void ncm_intake_take(struct ncm_intake *in, const struct ncm_sender *from, const char *text,
	size_t len, struct ncm_receipt *out)
{
	const struct ncm_session *session;
	struct mx_msg *m = NULL;
	int rc;

	*out = (struct ncm_receipt){0};
	in->counters.messages++;
	if (!mams_rate_take(in->rate, from->identity, mams_loop_now(in->loop))) {
		in->counters.too_many++;
		out->outcome = NCM_IN_TOO_MANY;
		(void)mams_fail(&out->err, MAMS_ELIMIT, "max_rate", "too many messages");
		mams_log_limited(&in->hasty, mams_loop_now(in->loop), MAMS_LOG_WARN, LOG_MODULE,
			"more messages than max_rate allows client=%s transport=%s", from->identity,
			ncm_transport_name(from->transport));
		return;
	}
	rc = mx_decode(text, len, &m, &out->err);
	if (rc < 0) {
		in->counters.bad_message++;
		out->outcome = of_decoding(rc);
	} else {
		log_debug("from client=%s transport=%s type=%s seq=%u unknown=%u variants=%u",
			from->identity, ncm_transport_name(from->transport), mx_type_name(m->type),
			m->sequence_num, m->unknown, m->variants);
		rc = give(in, from, m, out);
	}
	if (rc < 0)
		mams_log_limited(&in->refused, mams_loop_now(in->loop), MAMS_LOG_WARN, LOG_MODULE,
			"message refused: %s: %s client=%s transport=%s", out->err.where,
			out->err.text, from->identity, ncm_transport_name(from->transport));
	mx_msg_free(m);
	session = ncm_registry_by_identity(ncm_service_registry(in->service), from->identity);
	out->known = session != NULL;
	if (rc == 0 && session)
		ncm_mailbox_seen(in->mailbox, session->s.session_id, from->transport, &from->peer);
}
